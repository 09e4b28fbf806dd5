"""The JSON of programmes, batches and lines. Amounts are 分."""

import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from ecard.access.schemas import Body, Name
from pay.disbursement.model import PART, BenefitBatchState, BenefitState
from pay.merchants.model import LARGEST, Amount

Component = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}(?!\n)$", description="待遇组成 (a part of the benefit)")
]
Period = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9]{4}(-[0-9A-Z]{1,8})?(?!\n)$", description="待遇所属期, 如 2026-01 (the period it is for)"
    ),
]
Number = Annotated[
    str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,64}(?!\n)$", description="机构批次号 (the agency's own)")
]
Root = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}(?!\n)$", description="清单哈希 (the manifest's root)")]
Source = Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{1,32}(?!\n)$", description="资金来源 (where the money is from)")]
ItemCode = Annotated[str, msgspec.Meta(max_length=16)]
# No controls: neither a table nor a person can do anything with them.
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]+(?!\n)$")]


class BenefitProgrammeRequest(Body, frozen=True, kw_only=True):
    """A programme: the catalogue's item that it pays, who may hand in, and its rules.

    `notice_days` are working days of public notice. Where `certified_by` names items, a payee must have been
    certified under one of them within `certified_months`, and that certification be in force.
    """

    name: Name
    item: ItemCode
    agencies: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=200)]
    components: Annotated[list[Component], msgspec.Meta(min_length=1, max_length=32)]
    line_limit: Amount
    notice_days: Annotated[int, msgspec.Meta(ge=0, le=60)] = 7
    certified_by: Annotated[tuple[ItemCode, ...], msgspec.Meta(max_length=16)] = ()
    certified_months: Annotated[int, msgspec.Meta(ge=1, le=60)] = 12


class BenefitProgramme(msgspec.Struct, frozen=True, kw_only=True):
    """A programme, and what its fund has left."""

    id: UUID
    name: str
    item: str
    agencies: list[UUID]
    components: list[str]
    line_limit: int
    notice_days: int
    certified_by: list[str]
    certified_months: int
    pseudonymous: bool
    fund: int
    ended: bool


class BenefitBudgetRequest(Body, frozen=True, kw_only=True):
    """Money for a programme, and where it is from."""

    source: Source
    amount: Amount


class BenefitBatchRequest(Body, frozen=True, kw_only=True):
    """A batch of a programme for a period, under a number of the agency's own."""

    programme: UUID
    period: Period
    number: Number


class BenefitBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch; `manifest`, `lines` and `total` are of what was handed in, `counts` of lines by state now."""

    id: UUID
    programme: UUID
    item: str
    agency: UUID
    period: str
    number: str
    state: BenefitBatchState
    round: int
    manifest: str | None
    lines: int
    total: int
    counts: dict[str, int]
    refused: int
    notice_ends_at: datetime.datetime | None
    reason: str
    approvals: int
    created_at: datetime.datetime
    released_at: datetime.datetime | None
    done_at: datetime.datetime | None


class BenefitLineRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line: who (a resident number and the name to it; or a pseudonym), which component, how much.

    What is wrong in a line is that line's refusal; so its fields are loose.
    """

    component: Annotated[str, msgspec.Meta(max_length=64)]
    amount: Annotated[int, msgspec.Meta(ge=-LARGEST, le=10 * LARGEST, description="金额, 单位分 (in 分)")]
    id_no: Annotated[str, msgspec.Meta(max_length=64)] = ""
    name: Annotated[str, msgspec.Meta(max_length=128)] = ""
    payee: Annotated[str, msgspec.Meta(max_length=64)] = ""
    reference: Annotated[
        str,
        msgspec.Meta(
            max_length=32, pattern=r"^[^\x00-\x1f\x7f-\x9f]*(?!\n)$", description="机构明细号 (the agency's own)"
        ),
    ] = ""


class BenefitPartRequest(Body, frozen=True, kw_only=True):
    """A part of a batch's lines, in their order."""

    lines: Annotated[list[BenefitLineRequest], msgspec.Meta(min_length=1, max_length=PART)]


class BenefitBadLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that is not taken: its place in the batch and why, nothing of what it says."""

    n: int
    reason: str


class BenefitPart(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a part: how many lines are taken, and which are not."""

    taken: int
    refused: list[BenefitBadLine]


class BenefitLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as agencies and operators see it; who it is for stands in the agency's own file, by `n`."""

    id: UUID
    n: int
    attempt: int
    reference: str
    component: str
    amount: int
    state: BenefitState
    reason: str
    sent_at: datetime.datetime | None
    done_at: datetime.datetime | None
    owed_back: int
    recovered: int


class BenefitApprovalRequest(Body, frozen=True, kw_only=True):
    """An operator's approval: at which level, and of which manifest."""

    level: Annotated[int, msgspec.Meta(ge=1, le=2)]
    manifest: Root


class BenefitManifestRequest(Body, frozen=True, kw_only=True):
    """The manifest that is meant."""

    manifest: Root


class BenefitRejectionRequest(Body, frozen=True, kw_only=True):
    """Why a batch goes back to its agency; the agency reads the reason."""

    manifest: Root
    reason: Reason


class BenefitClawbackRequest(Body, frozen=True, kw_only=True):
    """What was paid too much, and why. The second operator names the same amount."""

    amount: Amount
    reason: Reason


class BenefitClawback(msgspec.Struct, frozen=True, kw_only=True):
    """What is owed back of a line: `proposed` until another operator confirms it."""

    line: UUID
    state: str
    amount: int
    recovered: int


class BenefitRecoveryRequest(Body, frozen=True, kw_only=True):
    """Money that came back to our account at a bank, under the bank's reference."""

    amount: Amount
    bank: Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{2,16}(?!\n)$")]
    bank_ref: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,64}(?!\n)$")]


class BenefitDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator's decision led to."""

    batch: UUID
    state: BenefitBatchState


class BenefitNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A batch on public notice: what and how much, and nobody's name."""

    batch: UUID
    programme: str
    item: str
    agency: str
    period: str
    lines: int
    total: int
    ends_at: datetime.datetime


class BenefitWait(msgspec.Struct, frozen=True, kw_only=True):
    """Why a benefit is not paid yet."""

    code: str
    zh: str
    en: str
    until: datetime.datetime | None = None


class MyBenefit(msgspec.Struct, frozen=True, kw_only=True):
    """A benefit of the holder's: what, for when, how much, and where it stands."""

    id: UUID
    programme: str
    item: str
    component: str
    period: str
    amount: int
    state: BenefitState
    why: BenefitWait | None
    sent_at: datetime.datetime | None
    paid_at: datetime.datetime | None
    owed_back: int


class BenefitPayeeRequest(Body, frozen=True, kw_only=True):
    """Asks for the pseudonym under which a programme pays the holder."""

    programme: UUID


class BenefitPayee(msgspec.Struct, frozen=True, kw_only=True):
    """领取代号: what the holder gives to the agency instead of a name."""

    programme: UUID
    payee: str


class BenefitProof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """发放凭证: that a line is in a manifest that two operators approved; checked with the platform's anchors alone."""

    format: str
    manifest: str
    line: list[str | int]
    index: int
    path: list[str]
