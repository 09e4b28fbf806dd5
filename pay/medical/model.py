"""就医结算: kinds of care and legs, states, what a person's insurance says, what fees are; pure.

统筹地区 pooling region · 险种 scheme · 医疗类别 care · 定点机构 institution · 就诊登记 encounter · 试结算 trial ·
统筹基金 pooled · 大病 serious · 公务员补助 civil · 医疗救助 aid · 商保 commercial · 个人账户 personal · 现金 cash.

    precalc ──confirm──▶ confirming ──the agency's yes──▶ confirmed ──▶ reversed (all of it; a part leaves it confirmed)
       │                      └──its no──▶ rejected (the cash goes back)
       └──a new trial, cancelled──▶ superseded
    recorded ──upload──▶ uploaded ──yes──▶ confirmed        (what is recorded was done while off-line)
                             └──no──▶ debt ──paid──▶ rejected

An agency that does not answer leaves `confirming` and `uploaded`: nobody knows until it is asked again.
"""

import datetime
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import msgspec

from pay.medical.errors import FeesDoNotSum, RecordRefused

TRIAL_SECONDS = 1800
"""Seconds for which a trial may be confirmed."""
RECORD_DAYS = 30
"""Days for which an off-line record may be uploaded after its day."""
MOST = 9_999_999_99
"""分 of the largest line or total: a region's own limit is lower."""
SEGMENTS = 99
BEIJING = datetime.timezone(datetime.timedelta(hours=8))


class Care(StrEnum):
    """医疗类别: what kind of care is settled."""

    OUTPATIENT = "outpatient"
    INPATIENT = "inpatient"
    PHARMACY = "pharmacy"
    MATERNITY = "maternity"
    REHABILITATION = "rehabilitation"
    DEVICE = "device"


class Scheme(StrEnum):
    """险种: 职工医保, 居民医保, 工伤保险, 生育保险."""

    EMPLOYEE = "employee"
    RESIDENT = "resident"
    INJURY = "injury"
    MATERNITY = "maternity"


class Category(StrEnum):
    """What a person is beside insured: 公务员, 医疗救助对象, with 商业保险."""

    CIVIL_SERVANT = "civil_servant"
    MEDICAL_AID = "medical_aid"
    COMMERCIAL = "commercial"


class Grade(StrEnum):
    """机构等级: 一级, 二级, 三级, 零售药店."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    TERTIARY = "tertiary"
    PHARMACY = "pharmacy"


class LegKind(StrEnum):
    """A leg's kind, in the order in which legs are paid and stand in every list of seven."""

    POOLED = "pooled"
    SERIOUS = "serious"
    CIVIL = "civil"
    AID = "aid"
    COMMERCIAL = "commercial"
    PERSONAL = "personal"
    CASH = "cash"


class MedicalState(StrEnum):
    """How a settlement stands."""

    PRECALC = "precalc"
    CONFIRMING = "confirming"
    CONFIRMED = "confirmed"
    REVERSED = "reversed"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    RECORDED = "recorded"
    UPLOADED = "uploaded"
    DEBT = "debt"


class FeeClass(StrEnum):
    """甲类 (covered), 乙类 (a part is borne first), 丙类 (borne by the patient)."""

    A = "A"
    B = "B"
    C = "C"


Amount = Annotated[int, msgspec.Meta(ge=1, le=MOST, description="金额, 单位分 (in 分)")]
Segment = Annotated[int, msgspec.Meta(ge=1, le=SEGMENTS, description="结算段 (segment of a stay)")]


class Insured(msgspec.Struct, frozen=True, kw_only=True):
    """How a person is insured: where, in which schemes, what else they are; `account` is 分 of the personal account."""

    region: str
    schemes: tuple[Scheme, ...]
    categories: tuple[Category, ...] = ()
    account: int = 0

    def basic(self) -> Scheme | None:
        """Return the person's basic medical insurance."""
        return next((one for one in (Scheme.EMPLOYEE, Scheme.RESIDENT) if one in self.schemes), None)


class Sums(msgspec.Struct, frozen=True, array_like=True):
    """年度累计, in the table's order, 分.

    deductible (起付线) borne, eligible (政策范围内费用) met, pooled paid, borne within the policy, serious, aid,
    commercial paid.
    """

    deductible: int = 0
    eligible: int = 0
    pooled: int = 0
    borne: int = 0
    serious: int = 0
    aid: int = 0
    commercial: int = 0


class FeeTotals(msgspec.Struct, frozen=True):
    """What a list of fees comes to, 分: all of it, and of that the classes 乙 and 丙."""

    total: int
    class_b: int
    class_c: int


def add_up(lines: Sequence[tuple[FeeClass, int, int, int]], total: int) -> FeeTotals:
    """Return what lines of (class, price, quantity, amount) come to; raises FeesDoNotSum.

    >>> add_up([(FeeClass.A, 500, 2, 1000), (FeeClass.C, 30, 1, 30)], 1030)
    FeeTotals(total=1030, class_b=0, class_c=30)
    """
    sums = dict.fromkeys(FeeClass, 0)
    for place, (named, price, quantity, amount) in enumerate(lines):
        if price * quantity != amount:
            raise FeesDoNotSum(pointer=f"/fees/{place}/amount")
        sums[named] += amount
    if sum(sums.values()) != total:
        raise FeesDoNotSum(pointer="/total")
    return FeeTotals(total, sums[FeeClass.B], sums[FeeClass.C])


def check_record(day: datetime.date, today: datetime.date, paid: int, total: int) -> None:
    """Check an off-line record; raises RecordRefused."""
    if not today - datetime.timedelta(days=RECORD_DAYS) <= day <= today:
        raise RecordRefused(pointer="/recorded_on", days=RECORD_DAYS)
    if paid > total:
        raise RecordRefused(pointer="/paid")


def today(now: float) -> datetime.date:
    """Return the day of Beijing at `now` (Unix seconds)."""
    return datetime.datetime.fromtimestamp(now, BEIJING).date()
