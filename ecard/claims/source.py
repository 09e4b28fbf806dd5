"""Where what a credential says comes from: the authority that keeps it, behind one seam."""

import datetime
from collections.abc import Mapping
from hashlib import sha256
from typing import Protocol

from ecard.cards.model import Profile
from ecard.claims.model import ClaimType
from ecard.errors import Unavailable

NOTHING = "sandbox-no-certificates"
"""What a fictitious person has for an address who has none of them."""
_SCHOOLS = ("测试大学", "示例职业技术学院", "虚构师范大学")
_SUBJECTS = ("护理学", "机械制造", "计算机应用", "会计学")
_LEVELS = ("专科", "本科", "硕士研究生")
_CLASSES = (["C1"], ["C1", "D"], ["B2"], ["C2"])
_CATEGORIES = ("视力", "听力", "肢体")
_GRADES = ("一级", "二级", "三级", "四级")
_ADULT = 18


class ClaimSource(Protocol):
    """An authority's register."""

    async def claims(self, type_: ClaimType, person: Profile, today: datetime.date) -> Mapping[str, object] | None:
        """Return all claims of a person's certificate, None where there is none; raises Unavailable."""
        ...


class SandboxSource:
    """The sandbox's authorities: every fictitious person has what their number says, always the same."""

    async def claims(self, type_: ClaimType, person: Profile, today: datetime.date) -> Mapping[str, object] | None:
        """Return what the number says; None for NOTHING, and for a licence of who is under age."""
        born = datetime.date.fromisoformat(person.birth_date)
        grown = _years(born, _ADULT) <= today
        if person.address == NOTHING or (type_.name == "driving_licence" and not grown):
            return None
        seed = sha256(person.id_no.encode()).digest()
        since = min(_years(born, _ADULT) + datetime.timedelta(days=seed[0] * 7), today)
        said: dict[str, object] = {
            "name": person.name,
            "licence_no": person.id_no,
            "vehicle_classes": _CLASSES[seed[1] % 4],
            "first_issued_on": str(since),
            "valid_until": str(_years(today, 1 + seed[2] % 9)),
            "age_over_18": grown,
            "level": _LEVELS[seed[3] % 3],
            "school": _SCHOOLS[seed[4] % 3],
            "subject": _SUBJECTS[seed[5] % 4],
            "graduated_on": str(_years(born, 22)),
            "category": _CATEGORIES[seed[6] % 3],
            "grade": _GRADES[seed[7] % 4],
            "region": person.issuing_area,
            "since": str(since),
        }
        return {field.name: said[field.name] for field in type_.claims}


class NotConnected:
    """No authority is connected: nothing is certified on trust."""

    async def claims(self, type_: ClaimType, person: Profile, today: datetime.date) -> Mapping[str, object] | None:
        """Raise Unavailable."""
        del type_, person, today
        raise Unavailable


def _years(day: datetime.date, years: int) -> datetime.date:
    """Return a day some years later; 29 February becomes 1 March where there is none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return datetime.date(day.year + years, 3, 1)
