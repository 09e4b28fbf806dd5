"""The JSON of programmes. Amounts are 分, times Unix seconds."""

from typing import Annotated
from uuid import UUID

import msgspec

from ecard.access.schemas import Body, Name, Region
from vouchers.programmes.model import LARGEST_BUDGET, LONGEST_DAYS, VALIDITY_DAYS, ProgrammeKind, SkillLevel, Worth

Source = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[a-z][a-z0-9_]{0,31}(?!\n)$",
        description="资金来源代码, 如 central, province, unemployment_fund (a source of money)",
    ),
]


class ProgrammeRequest(Body, frozen=True, kw_only=True):
    """A programme: what its vouchers are good for, for whom, where and how long.

    No `groups`: everybody; no `institutions`: each training institution of the region. `longer_by` names the local
    rule that allows more than 92 days. `once`: who has used a voucher of it gets no other. A completion that is
    rejected has `correction_days` at least to be put right.
    """

    name: Name
    kind: ProgrammeKind
    worth: Worth
    level: SkillLevel
    content: Name
    region: Region
    groups: Annotated[list[Name], msgspec.Meta(max_length=32)] = msgspec.field(default_factory=list)
    institutions: Annotated[list[UUID], msgspec.Meta(max_length=1000)] = msgspec.field(default_factory=list)
    validity_days: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_DAYS)] = VALIDITY_DAYS
    longer_by: Name | None = None
    per_person: Annotated[int, msgspec.Meta(ge=1, le=20)] = 1
    once: bool = False
    min_attendance_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 80
    correction_days: Annotated[int, msgspec.Meta(ge=0, le=30)] = 7


class Fund(msgspec.Struct, frozen=True, kw_only=True):
    """A programme's money of one source that no batch has: what may still be issued (分)."""

    source: str
    available: int


class Programme(msgspec.Struct, frozen=True, kw_only=True):
    """A programme as its bureau sees it."""

    id: UUID
    name: str
    kind: ProgrammeKind
    worth: Worth
    level: SkillLevel
    content: str
    region: str
    groups: list[str]
    institutions: list[UUID]
    validity_days: int
    longer_by: str | None = None
    per_person: int
    once: bool
    min_attendance_percent: int
    correction_days: int
    created_at: int
    ended_at: int | None = None
    funds: list[Fund]


class BudgetRequest(Body, frozen=True, kw_only=True):
    """Money of a source for a programme (分); `returned`: what is not needed goes back to the source."""

    source: Source
    amount: Annotated[int, msgspec.Meta(ge=1, le=LARGEST_BUDGET)]
    returned: bool = False


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What was posted, and what the programme has of the source now (分)."""

    journal: UUID
    source: str
    available: int
