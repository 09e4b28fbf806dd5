"""The JSON of check-ins. Times are Unix seconds, hours 学时."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec

from ecard.access.schemas import Body
from ecard.catalogue.model import Field
from ecard.desk.schemas import EvidenceRequest
from pay.merchants.schemas import ItemCode
from vouchers.attendance.model import CheckedBy

MOST_LINES = 100
"""Check-ins in an upload: as many as the largest body holds."""


class AttendanceRequest(Body, frozen=True, kw_only=True):
    """A learner is at the class: by code under A1-73 or A1-74, by physical card under A1-74."""

    item: ItemCode
    evidence: EvidenceRequest


class Here(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the phone stands (WGS 84 degrees)."""

    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180)]


class ClassScan(Body, frozen=True, kw_only=True):
    """The code that the class shows, and where the phone stands, if the class asks for that."""

    # Longer than any code, so that an oversized scan gets its own answer and not a schema error.
    code: Annotated[str, msgspec.Meta(max_length=4096)]
    place: Here | None = None


class Attendance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A check-in that counts; at a terminal also who the learner is. `id` is the visit in the holder's list of uses."""

    id: UUID
    class_: UUID = msgspec.field(name="class")
    session: int
    hours: int
    how: CheckedBy
    voucher: UUID
    at: int
    sub: str | None = None
    holder: dict[Field, str] = {}


class ClassCode(msgspec.Struct, frozen=True, kw_only=True):
    """The code to show now, and until when: ask for the next one every `rotate_seconds`."""

    code: str
    session: int
    valid_until: int
    rotate_seconds: int
    server_time: int


class UploadLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A check-in as the terminal remembers it: the scanned text and when.

    What is wrong in a line is that line's refusal; so its fields are loose.
    """

    code: Annotated[str, msgspec.Meta(max_length=4096)] = ""
    at: int = 0


class UploadRequest(Body, frozen=True, kw_only=True):
    """What a terminal accepted for the class while it was offline."""

    lines: Annotated[list[UploadLine], msgspec.Meta(min_length=1, max_length=MOST_LINES)]


class LineOutcome(StrEnum):
    """What became of a line: counted; counted before; seen first elsewhere; or refused, `code` says why."""

    RECORDED = "recorded"
    KNOWN = "known"
    CONTESTED = "contested"
    REFUSED = "refused"


class LineResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line's outcome; `first_at` is when the learner, or the code, was seen first."""

    n: int
    outcome: LineOutcome
    attendance: UUID | None = None
    code: str | None = None
    first_at: int | None = None


class UploadAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Each line's outcome in the order of the upload."""

    results: list[LineResult]


class Conflicting(msgspec.Struct, frozen=True, kw_only=True):
    """A code that two terminals took; `won` says whether this institution's check-in is the one that counts."""

    attendance: UUID
    class_: UUID = msgspec.field(name="class")
    session: int
    voucher: UUID
    seen_at: int
    found_at: int
    won: bool
