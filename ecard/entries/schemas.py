"""The JSON of entries. Times are Unix seconds."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec

from ecard.access.schemas import Body, Name
from ecard.entries.model import Direction

ItemCode = Annotated[str, msgspec.Meta(min_length=1, max_length=16)]
Room = Annotated[str, msgspec.Meta(max_length=32, pattern=r"^[^\x00-\x1f\x7f-\x9f]*(?!\n)$")]
Moment = Annotated[int, msgspec.Meta(ge=0, le=253402300799)]
MOST_PERSONS = 400
"""People in one part of a list: as many as the largest body holds."""
MOST_LINES = 100
"""Entries in an upload: as many as the largest body holds."""


class EntryRuleRequest(Body, frozen=True, kw_only=True):
    """The rule of a place: an agency's site with an item. `capacity` counts people inside, so it takes both ways."""

    agency: UUID
    site: Name
    item: ItemCode
    listed: bool = False
    both_ways: bool = False
    capacity: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None


class EntryRule(msgspec.Struct, frozen=True, kw_only=True):
    """A place's rule, and how many are inside."""

    id: UUID
    agency: UUID
    site: str
    item: str
    listed: bool
    both_ways: bool
    capacity: int | None
    inside: int


class EntryListRequest(Body, frozen=True, kw_only=True):
    """A list of who is let in at a place of the terminal's agency: an examination's session, bookings, tickets.

    Each person may enter `uses` times between `opens_at` and `closes_at`; None is as often as they like.
    """

    site: Name
    item: ItemCode
    name: Name
    opens_at: Moment
    closes_at: Moment
    uses: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None


class EntryList(msgspec.Struct, frozen=True, kw_only=True):
    """A list: how many are on it, and how many of them have entered."""

    id: UUID
    site: str
    item: str
    name: str
    opens_at: int
    closes_at: int
    uses: int | None
    persons: int
    entered: int


class ListedPerson(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody on a list, by resident number; kept as a blind index. `room` and `seat` where there are such."""

    id_no: Annotated[str, msgspec.Meta(min_length=18, max_length=18)]
    room: Room = ""
    seat: Room = ""


class ListedPersons(Body, frozen=True, kw_only=True):
    """A part of a list; whoever is on it already gets this room and seat."""

    persons: Annotated[list[ListedPerson], msgspec.Meta(min_length=1, max_length=MOST_PERSONS)]


class EntryRequest(Body, frozen=True, kw_only=True):
    """The holder of a visit goes in or out at this gate, which is the door of `room` if there are rooms."""

    visit: UUID
    direction: Direction = Direction.IN
    room: Room = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An entry that counts; `list`, `room` and `seat` are those of the list that admits the holder."""

    id: UUID
    item: str
    direction: Direction
    at: int
    list: str | None = None
    room: str | None = None
    seat: str | None = None


class SeenEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as the agency sees it: `sub` is the holder's pseudonym there; `won` where another gate took the code."""

    id: UUID
    sub: str
    item: str
    site: str
    direction: Direction
    at: int
    room: str
    seat: str
    offline: bool
    counted: bool


class MyEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as its holder sees it."""

    id: UUID
    agency: str
    site: str
    item: str
    title: str
    direction: Direction
    at: int
    counted: bool


class EntryLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry as an offline gate remembers it: the scanned text, when, and which way.

    What is wrong in a line is that line's refusal; so its fields are loose.
    """

    code: Annotated[str, msgspec.Meta(max_length=512)] = ""
    at: int = 0
    direction: Direction = Direction.IN
    room: Room = ""


class EntryUploadRequest(Body, frozen=True, kw_only=True):
    """What a gate let in for an item while it was offline."""

    item: ItemCode
    lines: Annotated[list[EntryLine], msgspec.Meta(min_length=1, max_length=MOST_LINES)]


class EntryOutcome(StrEnum):
    """What became of a line: counted; counted before; seen first elsewhere; or refused, `code` says why."""

    RECORDED = "recorded"
    KNOWN = "known"
    CONTESTED = "contested"
    REFUSED = "refused"


class EntryResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line's outcome; `first_at` is when the code was seen first."""

    n: int
    outcome: EntryOutcome
    entry: UUID | None = None
    code: str | None = None
    first_at: int | None = None


class EntryUploadAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Each line's outcome in the order of the upload."""

    results: list[EntryResult]


class EntryConflict(msgspec.Struct, frozen=True, kw_only=True):
    """A code that two gates took; `won` says whether this agency's entry is the one that counts."""

    entry: UUID
    item: str
    site: str
    seen_at: int
    found_at: int
    won: bool


class WorkDay(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody worked at this site on a day of Beijing; `sub` is the pseudonym at the agency."""

    sub: str
    day: str
    minutes: int


class MyWorkDay(msgspec.Struct, frozen=True, kw_only=True):
    """What the holder worked at a site on a day of Beijing."""

    agency: str
    site: str
    day: str
    minutes: int
