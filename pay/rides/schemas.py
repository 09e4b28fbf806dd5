"""The JSON of rides."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from ecard.access.schemas import Body
from pay.rides.model import FareTable, JourneyKind

MOST_TAPS = 100
"""Taps in an upload: as many as the largest body holds."""
_SECONDS = Annotated[int, msgspec.Meta(ge=0, le=253402300799)]


class TapLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tap as its gate remembers it: the scanned text, when (Unix seconds), where, and "in", "out" or "single".

    What is wrong in a line is that line's refusal; so its fields are loose.
    """

    code: Annotated[str, msgspec.Meta(max_length=4096)] = ""
    at: int = 0
    line: Annotated[str, msgspec.Meta(max_length=256)] = ""
    station: Annotated[str, msgspec.Meta(max_length=256)] | None = None
    direction: Annotated[str, msgspec.Meta(max_length=256)] = "single"


class TapsRequest(Body, frozen=True, kw_only=True):
    """What a gate accepted while it was offline."""

    taps: Annotated[list[TapLine], msgspec.Meta(min_length=1, max_length=MOST_TAPS)]


class TapOutcome(StrEnum):
    """What became of a line: taken; taken before; another gate was first; or refused, `code` says why."""

    RECORDED = "recorded"
    KNOWN = "known"
    CONTESTED = "contested"
    REFUSED = "refused"


class CardTapRequest(Body, frozen=True, kw_only=True):
    """A visit of the item of rides by a card in the gate's reader, and where that was."""

    visit: UUID
    line: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    station: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    direction: Literal["in", "out", "single"] = "single"


class CardTap(msgspec.Struct, frozen=True, kw_only=True):
    """The tap of a visit: `known` where it was taken before."""

    tap: UUID
    outcome: TapOutcome


class TapResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line's outcome; `first_at` is when the other gate, or another use, took the code (Unix seconds)."""

    n: int
    outcome: TapOutcome
    tap: UUID | None = None
    code: str | None = None
    first_at: int | None = None


class TapsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Each line's outcome in the order of the upload, and how many taps of this gate are contested in all."""

    results: list[TapResult]
    contested: int


class ContestedTap(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A code that two gates took: `won` says whether this gate was the first, whose tap is charged."""

    tap: UUID
    at: int
    line: str
    station: str | None = None
    won: bool


class Denied(msgspec.Struct, frozen=True, kw_only=True):
    """A signed JWT (`typ` ecard-denied+jwt): whom gates do not let in, because a ride is not paid for."""

    denied: str


class FareTableRequest(Body, frozen=True, kw_only=True):
    """An operator's prices, in force from a time to come (Unix seconds)."""

    operator: UUID
    valid_from: _SECONDS
    table: FareTable


class FareTableAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Whose prices are in force from when."""

    operator: UUID
    valid_from: int


class FareGrant(Body, frozen=True, kw_only=True):
    """Gives a holder who is here a fare class until a time (Unix seconds); no reason is sent, and none is kept."""

    visit: UUID
    fare: Literal["free", "half", "full"]
    until: _SECONDS


class Ride(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A ride as its rider sees it (分, Unix seconds): `listed` by the table, `fare` to be paid."""

    id: UUID
    operator: str
    line: str
    kind: JourneyKind
    entry: str | None = None
    exit: str | None = None
    began_at: int
    ended_at: int | None = None
    listed: int
    fare: int
    state: Literal["free", "due", "capturing", "paid", "owed"]
    order: UUID | None = None


class RideOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The order to confirm with the password, and its amount in 分."""

    order: UUID
    amount: int


class Subsidy(msgspec.Struct, frozen=True, kw_only=True):
    """What a city bears for an operator's rides of an hour, in all (分, Unix seconds); no names."""

    city: str
    hour: int
    rides: int
    amount: int
    posted: bool
