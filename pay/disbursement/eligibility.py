"""资格核对 (eligibility): whether a payee may be paid now, asked again when the money is about to go.

What other authorities know (a death, a move to another region) is behind a Protocol; whether a certification of
entitlement is in force is known here (`ecard.certification`, asked in `payees.people`).
"""

from collections.abc import Sequence
from typing import Protocol

from ecard.cards.model import Profile
from ecard.errors import Unavailable
from pay.disbursement.model import Hold

DECEASED, MOVED, SILENT = "sandbox-deceased", "sandbox-moved", "sandbox-register-down"
"""What the sandbox's fictitious people have for an address where something is to be found of them."""


class Standing(Protocol):
    """What a register says of people."""

    async def holds(self, people: Sequence[Profile]) -> Sequence[Hold | None]:
        """Return for each person why nothing is paid now, or None; raises Unavailable when it does not answer."""
        ...


class SandboxStanding:
    """The sandbox's register: everybody lives and stays, unless their address says otherwise."""

    async def holds(self, people: Sequence[Profile]) -> Sequence[Hold | None]:
        """Return what the addresses say."""
        if any(one.address == SILENT for one in people):
            raise Unavailable
        return [{DECEASED: Hold.DECEASED, MOVED: Hold.MOVED}.get(one.address) for one in people]


class NotConnected:
    """No register is connected: nothing is paid on trust."""

    async def holds(self, people: Sequence[Profile]) -> Sequence[Hold | None]:
        """Raise Unavailable."""
        del people
        raise Unavailable
