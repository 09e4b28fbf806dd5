"""The JSON of day files and breaks. Amounts are 分."""

import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from pay.reconciliation.model import BreakKind, How

BankCode = Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{2,16}(?!\n)$")]


class ReconciliationRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which bank's file of which day is compared; `content` is the file where the bank does not serve it itself."""

    bank: BankCode
    day: datetime.date
    content: Annotated[str, msgspec.Meta(max_length=60_000)] | None = None


class BadLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a file that was not believed: its place, counted from 1, and why."""

    place: int
    reason: str


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """A day file and what came of it: lines, bad ones (the first hundred named), orders resolved, breaks."""

    id: UUID
    bank: str
    day: datetime.date
    sha256: str
    lines: int
    bad: int
    whole: bool
    loaded_at: datetime.datetime
    matched_at: datetime.datetime | None
    resolved: int
    opened: int
    closed: int
    bad_lines: list[BadLine]


class Break(msgspec.Struct, frozen=True, kw_only=True):
    """A difference: `amount` is the bank's truth less ours, in 分; it stands in suspense until `state` is closed."""

    id: UUID
    bank: str
    day: datetime.date
    ref: str
    kind: BreakKind
    order: UUID | None
    amount: int
    state: Literal["open", "proposed", "closed"]
    opened_at: datetime.datetime
    how: How | None
    note: str
    proposed_by: UUID | None
    decided_by: UUID | None
    closed_at: datetime.datetime | None


class BreakProposal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a break is to be closed, and why."""

    how: Literal["corrected", "merchant", "platform"]
    note: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+(?!\n)$")]


class BreakDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether the proposal is carried out."""

    agree: bool
