"""What a day file says, and how it may differ from what we booked; pure.

差错 (break): the bank's truth less ours, in 分; positive where the bank has taken more than we booked. 挂账: each is
booked between the bank's clearing account and suspense until two people, or a later file, explain it.
"""

import datetime
from enum import StrEnum
from typing import NamedTuple

BEIJING = datetime.timezone(datetime.timedelta(hours=8))
"""By whose calendar banks count days."""
MOST_AMOUNT = 99_999_999_999_999
"""分 of the largest line that is believed: fourteen digits."""


class Kind(StrEnum):
    """What a line moves: payment, its reversal or return, refund, pay-out."""

    PAY = "pay"
    REVERSE = "reverse"
    REFUND = "refund"
    PAYOUT = "payout"


class BreakKind(StrEnum):
    """Why a reference differs: the closed list.

    missing_ours: the bank knows a reference that we do not. missing_theirs: we booked what the bank's file lacks;
    late: the same near the end of the day, so that the next file may have it. amount: both have it, not alike.
    status: the bank moved money that we hold for failed or reversed. duplicate: the bank has it twice. returned: the
    bank gave back what we booked as done.
    """

    MISSING_OURS = "missing_ours"
    MISSING_THEIRS = "missing_theirs"
    LATE = "late"
    AMOUNT = "amount"
    STATUS = "status"
    DUPLICATE = "duplicate"
    RETURNED = "returned"


class How(StrEnum):
    """How a break is closed: the bank corrects it (its journal is reversed), or it falls to the merchant or to us.

    arrived: a later file, or an answer of the bank, brought what was missing; nobody decides that.
    """

    CORRECTED = "corrected"
    MERCHANT = "merchant"
    PLATFORM = "platform"
    ARRIVED = "arrived"


class Reason(StrEnum):
    """Why a line of a file is not believed."""

    ENCODING = "encoding"
    TOO_LONG = "too_long"
    RECORD = "record"
    FIELDS = "fields"
    NUMBER = "number"
    KIND = "kind"
    REFERENCE = "reference"
    AMOUNT = "amount"
    DIRECTION = "direction"
    TIME = "time"
    SEQUENCE = "sequence"
    AFTER_TRAILER = "after_trailer"
    TRAILER = "trailer"
    TRAILER_COUNT = "trailer_count"
    TRAILER_SUM = "trailer_sum"


class Line(NamedTuple):
    """A movement: `amount` in 分 is positive where the bank took money for us, negative where it paid."""

    n: int
    kind: Kind
    ref: str
    of: str | None
    amount: int
    at: datetime.datetime


class Bad(NamedTuple):
    """A line that is not believed: where, and why; never what it says."""

    place: int
    reason: Reason


class Header(NamedTuple):
    """Whose file, of which day."""

    bank: str
    day: datetime.date


class HeaderWrong(Exception):
    """The file does not begin as its layout says."""
