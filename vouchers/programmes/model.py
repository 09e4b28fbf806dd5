"""培训券项目 (voucher programme): what it may say; pure.

通用券 (general): whoever is eligible claims one. 定向券 (targeted): pushed to people who are named. 面值券 (face
value): its institution is paid up to it. 抵用券 (entitlement) and 打卡券 (attendance): proof of a right, or of
presence; no money. 普及型 (basic), 提升型 (advanced). Source of all: 人社厅发〔2021〕21号 and the rules of provinces.
"""

from enum import StrEnum

VALIDITY_DAYS = 92
"""Days that a voucher lives at most unless a local rule says more: three months."""
LONGEST_DAYS = 1096
LARGEST_FACE = 100_000_000
"""分: a million yuan, more than any training costs."""
LARGEST_BUDGET = 10**14
"""分 in one posting: a million vouchers of the largest face."""


class ProgrammeKind(StrEnum):
    """通用券, 定向券."""

    GENERAL = "general"
    TARGETED = "targeted"


class Worth(StrEnum):
    """面值券, 抵用券, 打卡券."""

    FACE = "face"
    ENTITLEMENT = "entitlement"
    ATTENDANCE = "attendance"


class SkillLevel(StrEnum):
    """普及型, 提升型."""

    BASIC = "basic"
    ADVANCED = "advanced"


def face_fits(worth: Worth, face: int) -> bool:
    """Return whether vouchers of this worth may have this face (分): only 面值券 have one.

    >>> face_fits(Worth.FACE, 60000), face_fits(Worth.FACE, 0), face_fits(Worth.ATTENDANCE, 0)
    (True, False, True)
    """
    return (face > 0) == (worth is Worth.FACE)
