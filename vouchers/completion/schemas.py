"""The JSON of completions, their audits, and an institution's own view of vouchers. Amounts are 分."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec

from ecard.access.schemas import Body, Name
from pay.merchants.model import LARGEST

_Amount = Annotated[int, msgspec.Meta(ge=0, le=LARGEST, description="金额, 单位分 (in 分)")]


class CompletionRequest(Body, frozen=True, kw_only=True):
    """A learner completed; without `amount` the institution asks for all that voucher and fee allow."""

    voucher: UUID
    amount: _Amount | None = None


class CompletionState(StrEnum):
    """Submitted, and what the audits made of it."""

    SUBMITTED = "submitted"
    PASSED = "passed"
    REJECTED = "rejected"


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """A completion: hours attended of those needed, and what the institution asks for."""

    id: UUID
    class_: UUID = msgspec.field(name="class")
    voucher: UUID
    round: int
    hours: int
    needed: int
    amount: int
    state: CompletionState
    submitted_at: int


class AuditView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an operator said at a level."""

    level: int
    actor: UUID
    passed: bool
    amount: int | None = None
    reason: str | None = None
    at: int


class CompletionView(msgspec.Struct, frozen=True, kw_only=True):
    """A completion as operators see it: whose institution, which programme, what was said so far."""

    id: UUID
    institution: str
    programme: str
    class_: str = msgspec.field(name="class")
    voucher: UUID
    hours: int
    needed: int
    amount: int
    state: CompletionState
    submitted_at: int
    audits: list[AuditView]


class AuditRequest(Body, frozen=True, kw_only=True):
    """An operator's word. Passing may lower the amount; rejecting needs a reason, which the learner will read."""

    passed: bool
    amount: _Amount | None = None
    reason: Name | None = None


class Audit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was said, and how the completion stands: after one pass it waits for the other operator."""

    completion: UUID
    voucher: UUID
    level: int
    state: CompletionState
    amount: int | None = None


class InstitutionVoucher(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A voucher as its institution sees it, with its learner's pseudonym there."""

    id: UUID
    serial: str
    programme: UUID
    class_: UUID = msgspec.field(name="class")
    sub: str
    state: str
    face: int
    valid_until: int
    hours: int
    amount: int | None = None
    redeemed_at: int | None = None
    reason: str | None = None
