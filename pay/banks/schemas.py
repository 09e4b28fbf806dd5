"""The JSON of notifications, and of what a person decides."""

import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from ecard.access.schemas import Body

Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}(?!\n)$")]
Code = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{0,32}(?!\n)$")]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+(?!\n)$")]


class Notice(Body, frozen=True, kw_only=True):
    """A bank's notification: its own number of the event, our reference, and what it says became of it."""

    event: Id
    ref: Id
    outcome: Literal["ok", "failed", "reversed", "unknown"]
    code: Code = ""


class Noticed(msgspec.Struct, frozen=True, kw_only=True):
    """It was received; the bank is asked what is true, if that is still open."""

    received: Literal[True] = True


class AttemptView(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that its bank has left undecided; amounts in 分."""

    id: UUID
    order: UUID | None
    kind: Literal["pay", "refund", "payout"]
    bank: str
    bank_ref: str
    amount: int
    reversing: bool
    checks: int
    code: str | None
    sent_at: datetime.datetime
    suspended_at: datetime.datetime | None
    proposed: Literal["ok", "failed"] | None
    proposed_by: UUID | None
    reason: str | None


class DecisionRequest(Body, frozen=True, kw_only=True):
    """What became of a suspended attempt, as the bank told a person: `ok` it was booked, `failed` it was not."""

    outcome: Literal["ok", "failed"]
    reason: Reason


class AttemptDecision(msgspec.Struct, frozen=True, kw_only=True):
    """`proposed` waits for another operator, `confirmed` is booked."""

    attempt: UUID
    state: Literal["proposed", "confirmed"]
