"""The JSON of cases, materials, reviews and grants. Times are Unix seconds."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

from ecard.access.schemas import Body, Name
from ecard.cases.model import MATERIAL_BYTES, MOST_MATERIALS, CardAct, CaseDecision, CaseMotion, CaseState

# Lines end as they were written; else no controls, no marks of direction, nothing that shows no sign.
_UNSEEN = (
    r"\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u115f\u1160\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0"
)
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=rf"^[^\s{_UNSEEN}][^{_UNSEEN}]*(?!\n)$")]
Answer = Annotated[str, msgspec.Meta(max_length=1000, pattern=rf"^[^{_UNSEEN}]*(?!\n)$")]
Question = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_]*(?!\n)$")]
Filled = Annotated[
    dict[Question, Answer], msgspec.Meta(max_length=40, description="what was filled in, by the form's own names")
]
Uploaded = Annotated[list[UUID], msgspec.Meta(max_length=MOST_MATERIALS, description="uploaded before by this caller")]
Version = Annotated[int, msgspec.Meta(ge=1, le=1_000_000, description="of the case as it was read")]
Level = Annotated[int, msgspec.Meta(ge=1, le=3, description="1 受理, 2 审核, 3 终审")]


MAX_UPLOAD = (MATERIAL_BYTES + 2) // 3 * 4 + 64
"""Bytes of the largest upload's body: base64 of the largest material, and the JSON around it."""


class CaseMaterialRequest(Body, frozen=True, kw_only=True):
    """A material's content, base64 (RFC 4648 §4); what it is it says itself."""

    content: bytes


class CaseMaterial(msgspec.Struct, frozen=True, kw_only=True):
    """A material: its id, its type by content, its size in bytes."""

    id: UUID
    media: str
    size: int


class CaseRequest(Body, frozen=True, kw_only=True):
    """Apply: from a visit of an item that is applied for, with what was filled in and uploaded."""

    visit: UUID
    form: Filled = msgspec.field(default_factory=dict)
    materials: Uploaded = msgspec.field(default_factory=list)


class CaseMotionRequest(Body, frozen=True, kw_only=True):
    """What the applicant does: complete what was returned, withdraw, or appeal against a refusal.

    At a counter by another visit of the item; on the own phone `visit` is left out.
    """

    motion: CaseMotion
    version: Version
    visit: UUID | None = None
    form: Filled | None = None
    materials: Uploaded = msgspec.field(default_factory=list)
    reason: Words | None = None


class CaseDecisionRequest(Body, frozen=True, kw_only=True):
    """A decision at the level that is due, on the case as it was read; one that refuses or returns says why."""

    version: Version
    level: Level
    decision: CaseDecision
    reason: Words | None = None


class CaseAssignmentRequest(Body, frozen=True, kw_only=True):
    """Take the case, or hand one's own over: `to` is another reviewer."""

    to: UUID | None = None


class CaseCommentRequest(Body, frozen=True, kw_only=True):
    """A note for those who review the case after."""

    text: Words


class CaseStanding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a case stands; `due_level` is the level at which a decision is due, None where none is."""

    id: UUID
    item: str
    title: str
    state: CaseState
    version: int
    round: int
    level: int
    levels: int
    opened_at: int
    due_level: int | None = None
    due_at: int | None = None
    ended_at: int | None = None
    overdue: bool = False
    act: str | None = None


class CaseStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A step: what, when, in which round, and its hash in the case's chain (hexadecimal)."""

    kind: str
    round: int
    at: int
    hash: str
    level: int | None = None
    note: str | None = None


class MyCase(CaseStanding, frozen=True, kw_only=True, omit_defaults=True):
    """The holder's own case: where it stands, why, until when, and each step; `intact` as its chain says."""

    steps: list[CaseStep]
    intact: bool
    materials: list[CaseMaterial]
    form: dict[str, str]
    appeal_until: int | None = None
    reason: str | None = None


class ReviewedCase(CaseStanding, frozen=True, kw_only=True, omit_defaults=True):
    """A case as whoever has it in hand sees it: the applicant as the item discloses, what was handed in, each step."""

    applicant: dict[str, str]
    form: dict[str, str]
    materials: list[CaseMaterial]
    steps: list[CaseStep]
    intact: bool
    evidence: str
    reason: str | None = None
    by_relative: bool = False


class CaseInList(CaseStanding, frozen=True, kw_only=True, omit_defaults=True):
    """A case in the list of those under review: nothing of who applied."""

    agency: str
    assignee: UUID | None = None


class ReviewerRequest(Body, frozen=True, kw_only=True):
    """Which person an operator of role reviewer is, by identity number."""

    operator: UUID
    id_no: Annotated[str, msgspec.Meta(min_length=18, max_length=18, pattern=r"^[0-9]{17}[0-9Xx](?!\n)$")]


class ReviewerNamed(msgspec.Struct, frozen=True, kw_only=True):
    """A reviewer who is known as a person."""

    operator: UUID


class CaseGrantRequest(Body, frozen=True, kw_only=True):
    """What an agency's outlets may do of annex 3: `items`, or all 必选 where none are named.

    `region` begins the codes of the terminals meant (GB/T 2260, two, four or six digits), `site` is theirs.
    """

    agency: UUID
    items: Annotated[list[Annotated[str, msgspec.Meta(max_length=16)]], msgspec.Meta(max_length=40)] = msgspec.field(
        default_factory=list
    )
    region: Annotated[str, msgspec.Meta(pattern=r"^([0-9]{2}){1,3}(?!\n)$")] | None = None
    site: Name | None = None
    review: bool = False
    until: Annotated[int, msgspec.Meta(ge=0, le=4_102_444_800)] | None = None


class CaseGrant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A grant; `revoked` where it stands no longer."""

    id: UUID
    agency: UUID
    items: list[str]
    review: bool
    since: int
    region: str | None = None
    site: str | None = None
    until: int | None = None
    revoked: bool = False


ReviewState = Literal["due", "mine", "overdue"]
"""Which cases a reviewer lists: all under review, those in the own hands, those whose time is over."""

Six = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6}(?!\n)$", description="six digits")]
CardNo = Annotated[str, msgspec.Meta(min_length=9, max_length=9, pattern=r"^[0-9A-Z]{9}(?!\n)$")]
Face = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class CardServiceRequest(Body, frozen=True, kw_only=True):
    """Do one act of a visit's item at a counter.

    A password is changed with the old one, and reset by a face check; other acts take neither.
    """

    visit: UUID
    act: CardAct
    old_password: Six | None = None
    new_password: Six | None = None
    face: Face | None = None


class LostCardRequest(Body, frozen=True, kw_only=True):
    """Do an act on a card that was reported lost, by the person's documents and face; nothing can be shown."""

    act: CardAct
    name: Name
    id_no: Annotated[str, msgspec.Meta(min_length=18, max_length=18, pattern=r"^[0-9]{17}[0-9Xx](?!\n)$")]
    card_no: CardNo
    face: Face


class CardServiceDone(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was done: its case, and how card and account are now; `book` is the passbook's number."""

    case: CaseStanding
    act: CardAct
    card: str
    level: int
    account: str
    book: int | None = None
    order: UUID | None = None


class CardOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new physical card for a holder, as its maker sees it."""

    id: UUID
    state: Literal["ordered", "made", "enabled"]
    ordered_at: int
    applicant: dict[str, str]


class CardMadeRequest(Body, frozen=True, kw_only=True):
    """The numbers of a card that was made: printed number, its own and its chip's, and the bank account on it."""

    card_no: CardNo
    card_id: Annotated[str, msgspec.Meta(pattern=r"^([0-9A-Fa-f]{32})?(?!\n)$")] = ""
    card_atr: Annotated[str, msgspec.Meta(pattern=r"^(([0-9A-Fa-f]{2}){8,15})?(?!\n)$")] = ""
    bank_account: Annotated[str, msgspec.Meta(pattern=r"^([0-9]{16,19})?(?!\n)$")] = ""
