"""培训班 (class), 课次 (session), 学时 (hour): when people check in, and what a timetable must be; pure.

A 学时 is 45 minutes. A session's window is open from `opens_before` seconds before it starts until `closes_after`
seconds after; windows of one class never overlap, so that a moment names one session.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

HOUR_SECONDS = 45 * 60
"""Seconds of a 学时."""
MOST_HOURS_A_DAY = 10
"""学时 that one class may count on one day (China's)."""
OPENS_BEFORE, CLOSES_AFTER = 1800, 900
"""Seconds of a window before and after a session's start, unless its class says otherwise."""
ITEMS = ("A1-73", "A1-74")
"""Items that a learner is at an institution for: the voucher's code, and the real-name registration."""
OWN_SHARE = "A1-75"
"""职业培训缴费: the item that a learner's own share is paid under."""
_CHINA = 8 * 3600


class InstitutionKind(StrEnum):
    """培训主体: 企业, 职业院校, 民办培训机构, 高技能人才培训基地, 大师工作室 (人社厅发〔2021〕21号)."""

    ENTERPRISE = "enterprise"
    COLLEGE = "college"
    PRIVATE = "private"
    BASE = "base"
    STUDIO = "studio"


class Session(NamedTuple):
    """A session with its window (Unix seconds)."""

    n: int
    starts_at: int
    ends_at: int
    opens_at: int
    closes_at: int
    hours: int


def timetable(
    asked: Sequence[tuple[int, int, int]], *, opens_before: int, closes_after: int, rehearsal: bool = False
) -> tuple[list[Session], list[str]]:
    """Return the sessions of (start, end, hours) in the order given, and what is wrong with them ("2: overlaps").

    A rehearsal's sessions may lie on top of each other, so that a whole class is told in a minute.
    """
    sessions = [
        Session(n, start, end, start - opens_before, min(start + closes_after, end), hours)
        for n, (start, end, hours) in enumerate(asked, 1)
    ]
    faults: list[str] = []
    days: dict[int, int] = {}
    for before, one in zip([None, *sessions], sessions, strict=False):
        if one.ends_at <= one.starts_at:
            faults.append(f"{one.n}: ends_before_start")
        elif rehearsal:
            continue
        elif one.hours * HOUR_SECONDS > one.ends_at - one.starts_at:
            faults.append(f"{one.n}: hours_exceed_duration")
        if before is not None and one.starts_at < before.ends_at:
            faults.append(f"{one.n}: overlaps")
        elif before is not None and one.opens_at < before.closes_at:
            faults.append(f"{one.n}: windows_overlap")
        day = (one.starts_at + _CHINA) // 86400
        days[day] = days.get(day, 0) + one.hours
        if days[day] > MOST_HOURS_A_DAY:
            faults.append(f"{one.n}: hours_of_day")
    return sessions, faults
