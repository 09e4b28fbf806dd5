"""医保经办 (a region's insurance agency): it decides what is settled, and takes each reference once.

Whatever is not its answer is Silent: what became of the request is then unknown, and it is asked (`query`), never
taken for a refusal. Two implementations: over HTTP (`connector`), and the sandbox's own.
"""

from enum import StrEnum
from typing import Annotated, NamedTuple, Protocol

import msgspec

REFUSED_IN_SANDBOX = "SANDBOX-REFUSED"
"""A fee of this code is refused by the sandbox's agency, as a real one refuses what it finds wrong."""


class Verdict(StrEnum):
    """What an agency says of a reference; `unknown` is one that it never had."""

    OK = "ok"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is settled or taken back, in 分: the legs in order, no name and no number of the person.

    `of` is the settlement's reference where `kind` is reverse.
    """

    ref: str
    kind: str
    of: str
    encounter: str
    scheme: str
    care: str
    total: int
    legs: Annotated[list[int], msgspec.Meta(min_length=7, max_length=7)]
    fees: list[str]


class Said(NamedTuple):
    """An answer, and the agency's own code where it refused."""

    verdict: Verdict
    code: str = ""


class Silent(Exception):
    """The agency did not answer, or not in the agreed form."""


class Agency(Protocol):
    """A region's agency."""

    async def send(self, asked: Asked) -> Said:
        """Ask for something to be done, once for its reference; raises Silent."""
        ...

    async def query(self, ref: str) -> Said:
        """Ask what became of a reference; raises Silent."""
        ...


class SandboxAgency:
    """The sandbox's agency, in this process: it refuses what bears the sandbox's code and settles all else.

    It keeps no book: what it is asked about is unknown to it, and decided alike when it is sent again.
    """

    async def send(self, asked: Asked) -> Said:
        """Decide."""
        return judged(asked)

    async def query(self, ref: str) -> Said:
        """Know nothing."""
        del ref
        return Said(Verdict.UNKNOWN)


def judged(asked: Asked) -> Said:
    """Return what a simulated agency makes of a request."""
    if REFUSED_IN_SANDBOX in asked.fees:
        return Said(Verdict.REFUSED, "item_not_allowed")
    if sum(asked.legs) != asked.total:
        return Said(Verdict.REFUSED, "legs")
    return Said(Verdict.OK)
