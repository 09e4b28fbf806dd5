"""The JSON of medical settlement. Amounts are 分, times Unix seconds, days of Beijing."""

import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from ecard.access.schemas import Body, Name, Region
from pay.medical.model import Amount, Care, Category, FeeClass, Grade, LegKind, MedicalState, Scheme, Segment
from pay.medical.splitting import Rule

Code = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z._-]{1,40}(?!\n)$")]
Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}(?!\n)$", description="SHA-256, hexadecimal")]


class MedicalRule(Rule, frozen=True, kw_only=True):
    """待遇政策: a rule, of which scheme and care it is, and on which days it holds (`valid_until` not included)."""

    scheme: Scheme
    care: Care
    valid_from: datetime.date
    valid_until: datetime.date | None = None


class MedicalRulesRequest(Body, frozen=True, kw_only=True):
    """A pooling region's rules; with `url`, where its agency's own server decides."""

    region: Region
    name: Name
    rules: Annotated[list[MedicalRule], msgspec.Meta(min_length=1, max_length=100)]
    url: Annotated[str, msgspec.Meta(min_length=8, max_length=512)] | None = None


class MedicalRulesAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many rules are new. `key` (hexadecimal) is what the agency's server shares with us; it is shown once."""

    region: str
    added: int
    key: str | None = None


class MedicalRuleEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that is loaded."""

    id: UUID
    region: str
    rule: MedicalRule


class MedicalInstitutionRequest(Body, frozen=True, kw_only=True):
    """A merchant that a region lets settle, and its grade."""

    region: Region
    grade: Grade


class MedicalRegistrationRequest(Body, frozen=True, kw_only=True):
    """就诊登记: registers the patient of a visit."""

    visit: UUID
    care: Care


class MedicalEncounter(msgspec.Struct, frozen=True, kw_only=True):
    """An encounter, and how the patient is insured."""

    id: UUID
    item: str
    care: Care
    region_care: str
    region_insured: str
    scheme: Scheme
    categories: list[Category]
    one_stop: bool


class FeeLine(Body, frozen=True, kw_only=True):
    """费用明细: amount = price × quantity; `listed` is the catalogue's class 甲 A, 乙 B, 丙 C."""

    code: Code
    name: Name
    listed: FeeClass
    price: Amount
    quantity: Annotated[int, msgspec.Meta(ge=1, le=9999)]
    amount: Amount


FeeLines = Annotated[list[FeeLine], msgspec.Meta(min_length=1, max_length=500)]


class MedicalFeesRequest(Body, frozen=True, kw_only=True):
    """The fees and prescriptions of a segment, all of them: they replace what was uploaded before."""

    fees: FeeLines
    total: Amount


class MedicalTrialRequest(Body, frozen=True, kw_only=True):
    """Asks for the split of a segment; the patient is here (again) in `visit`."""

    visit: UUID
    segment: Segment = 1


class MedicalCashRequest(Body, frozen=True, kw_only=True):
    """How the cash leg is paid: by an order that the patient confirms on the phone, or taken at the till."""

    by: Literal["order", "till"]
    amount: Amount


class MedicalConfirmRequest(Body, frozen=True, kw_only=True):
    """Settles what the trial said: `split` is its hash."""

    split: Digest


class MedicalReversalRequest(Body, frozen=True, kw_only=True):
    """Takes back a part of a settlement, or all of it, under the institution's own number."""

    out_reversal_no: Code
    amount: Amount
    reason: Name


class MedicalRecordRequest(Body, frozen=True, kw_only=True):
    """脱网记录: what was done while the insurance could not be reached, and what was taken for it at the till.

    Either the patient's card is read now (`visit`, of A2-52), or the institution's bridge queued the record while it
    was cut off and has handed it in since (`kept`, its id): then number, day, total and cash are those of that record.
    """

    visit: UUID | None = None
    kept: UUID | None = None
    record_no: Code
    recorded_on: datetime.date
    care: Care
    fees: FeeLines
    total: Amount
    paid: Annotated[int, msgspec.Meta(ge=0)]


class MedicalLeg(msgspec.Struct, frozen=True, kw_only=True):
    """分项: who bears how much, and how much of it has gone back (or is about to)."""

    kind: LegKind
    amount: int
    reversed: int


class MedicalReversal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """冲正: `sent` until the agency has answered. `parts` are in the order of the legs."""

    id: UUID
    out_reversal_no: str
    amount: int
    parts: list[int]
    reason: str
    state: Literal["sent", "done", "refused"]
    created_at: int
    journal: UUID | None = None


class MedicalSettlement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """结算: Σ legs = total. `confirming` and `uploaded` wait for the agency: ask again, and settle nothing anew.

    `cash_due` is to be paid before it is confirmed, or owed since; `give_back` is what the till took too much of
    while off-line. `journal` names the receipt (`GET /v1/me/receipts/…` is for orders; the legs' own is here).
    """

    id: UUID
    encounter: UUID
    institution: str
    item: str
    care: Care
    segment: int
    state: MedicalState
    total: int
    reversed: int
    legs: list[MedicalLeg]
    region_care: str
    region_insured: str
    scheme: Scheme
    created_at: int
    cash_due: int = 0
    cash_by: Literal["order", "till"] | None = None
    order: UUID | None = None
    split: str | None = None
    expires_at: int | None = None
    confirmed_at: int | None = None
    refusal: str | None = None
    record_no: str | None = None
    paid: int | None = None
    debt: int = 0
    give_back: int = 0
    journal: UUID | None = None
    reversals: list[MedicalReversal] = []


class MedicalYear(msgspec.Struct, frozen=True, kw_only=True):
    """年度累计 of a kind of care, 分."""

    region: str
    scheme: Scheme
    care: Care
    year: int
    deductible: int
    eligible: int
    pooled: int
    borne: int
    serious: int
    aid: int
    commercial: int


class MyMedicalAccount(msgspec.Struct, frozen=True, kw_only=True):
    """个人账户: what is on it, what of that is set aside for a settlement under way, and the year so far."""

    balance: int
    held: int
    years: list[MedicalYear]


class MedicalNetting(msgspec.Struct, frozen=True, kw_only=True):
    """清算: what two regions owed each other; `net` is paid by `a` to `b`, the other way where negative."""

    id: UUID
    day: datetime.date
    a: str
    b: str
    owed_by_a: int
    owed_by_b: int
    net: int
    journal: UUID
