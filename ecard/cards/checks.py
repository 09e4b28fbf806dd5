"""The authorities asked when an e-card is issued: 实名, 实人 and the bank, behind one seam.

实卡 needs no seam: the card register is our own. An implementation raises CheckUnavailable when its
authority does not answer within its time-out; it never guesses.
"""

from typing import Protocol

from ecard.cards.errors import CheckUnavailable
from ecard.cards.model import Profile


class Checks(Protocol):
    """What the authorities say."""

    async def real_name(self, name: str, id_no: str) -> bool:
        """Return whether the population register has this name with this number."""
        ...

    async def face(self, profile: Profile, evidence: str) -> bool:
        """Return whether the face check that `evidence` names was passed by this person."""
        ...

    async def bank_ready(self, profile: Profile) -> bool:
        """Return whether the card's bank account is activated and has a reserved mobile number."""
        ...


class NotConnected:
    """No authority is connected: every check fails closed."""

    async def real_name(self, name: str, id_no: str) -> bool:
        """Raise CheckUnavailable."""
        raise CheckUnavailable

    async def face(self, profile: Profile, evidence: str) -> bool:
        """Raise CheckUnavailable."""
        raise CheckUnavailable

    async def bank_ready(self, profile: Profile) -> bool:
        """Raise CheckUnavailable."""
        raise CheckUnavailable
