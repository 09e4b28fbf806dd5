"""The JSON of batches. Amounts are 分, times Unix seconds."""

from typing import Annotated
from uuid import UUID

import msgspec

from ecard.access.schemas import Body
from vouchers.batches.model import MOST, BatchState, Fault
from vouchers.life.model import Stage
from vouchers.programmes.model import LARGEST_FACE, LONGEST_DAYS
from vouchers.programmes.schemas import Source

_LAST_SECOND = 253402300799
Number = Annotated[
    str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}(?!\n)$", description="批次编号 (the bureau's own number)")
]


class BatchRequest(Body, frozen=True, kw_only=True):
    """A batch: money of one source, and either a quantity to be claimed or (`pushed`) a list of people to follow.

    It is valid from `valid_from` (now) for `valid_days` (the programme's), to the second. The same number with the
    same terms is the same batch.
    """

    number: Number
    source: Source
    face: Annotated[int, msgspec.Meta(ge=0, le=LARGEST_FACE)]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=MOST)] | None = None
    pushed: bool = False
    valid_from: Annotated[int, msgspec.Meta(ge=0, le=_LAST_SECOND)] | None = None
    valid_days: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_DAYS)] | None = None


class BatchPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What issuing would come to (分): `enough` is whether the source's money reaches. Nothing was done."""

    quantity: int
    total: int
    available: int
    enough: bool
    valid_from: int
    valid_until: int


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch and how far it is: of `quantity`, `issued` exist, `skipped` people had one; `bad` lines name nobody."""

    id: UUID
    programme: UUID
    number: str
    source: str
    face: int
    quantity: int
    pushed: bool
    issued: int
    skipped: int
    bad: int
    state: BatchState
    valid_from: int
    valid_until: int
    created_at: int
    done_at: int | None = None


class PeopleRequest(Body, frozen=True, kw_only=True):
    """A part of the list, CSV of name and resident number; `first` is the place of its first line in the whole.

    The same place again replaces what stood there.
    """

    first: Annotated[int, msgspec.Meta(ge=1, le=2 * MOST)] = 1
    content: Annotated[str, msgspec.Meta(min_length=1, max_length=60_000)]


class BadRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line that gives nobody a voucher: its place, counted from 1, and why; nothing of what it says."""

    place: int
    reason: Fault


class PeopleAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a part of the list came to: people who will have a voucher, and each line that names nobody."""

    people: int
    bad: list[BadRow]


class BatchVoucher(msgspec.Struct, frozen=True, kw_only=True):
    """A voucher of a batch: its place there, and where it is in its life."""

    id: UUID
    n: int
    state: Stage
    institution: UUID | None = None
