"""工作日 (working days): which days are worked in China, and when a period of so many of them is over.

A period of working days begins on the day after the event (民法典 第二百零一条: the day it begins on does not count)
and is over when its last day is, at midnight of Beijing. The calendar is data (`workdays.toml`), one entry a year.
"""

import datetime
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

BEIJING = datetime.timezone(datetime.timedelta(hours=8), "Asia/Shanghai")
_SATURDAY = 5
_DAY = datetime.timedelta(days=1)


@cache
def _calendar() -> Mapping[str, Any]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


@cache
def _exceptions(year: int) -> tuple[frozenset[datetime.date], frozenset[datetime.date]]:
    """Return the days of a year that are off, and the weekends that are worked."""
    known: Mapping[str, list[str]] = _calendar().get(str(year), {"off": _calendar()["fixed"], "on": []})
    return _days(year, known["off"]), _days(year, known["on"])


def _days(year: int, spans: list[str]) -> frozenset[datetime.date]:
    found = set()
    for span in spans:
        first, _, last = span.partition("/")
        day = datetime.date.fromisoformat(f"{year}-{first}")
        while day <= datetime.date.fromisoformat(f"{year}-{last or first}"):
            found.add(day)
            day += _DAY
    return frozenset(found)


def published(year: int) -> bool:
    """Return whether the holidays of a year are in the calendar.

    >>> published(2026), published(1999)
    (True, False)
    """
    return str(year) in _calendar()


def is_workday(day: datetime.date) -> bool:
    """Return whether a day is worked.

    >>> is_workday(datetime.date(2026, 10, 9)), is_workday(datetime.date(2026, 10, 10))
    (True, True)
    >>> is_workday(datetime.date(2026, 10, 7)), is_workday(datetime.date(2026, 10, 11))
    (False, False)
    """
    off, on = _exceptions(day.year)
    return day in on or (day.weekday() < _SATURDAY and day not in off)


def after(day: datetime.date, workdays: int) -> datetime.date:
    """Return the last of so many working days after `day`; `day` itself for none.

    >>> after(datetime.date(2026, 9, 30), 7)  # the National Day's week, then a worked Saturday
    datetime.date(2026, 10, 15)
    """
    while workdays:
        day += _DAY
        workdays -= is_workday(day)
    return day


def ends_at(now: float, workdays: int) -> datetime.datetime:
    """Return when a period that begins at `now` (Unix seconds) is over; `now` itself for no day at all."""
    begun = datetime.datetime.fromtimestamp(now, BEIJING)
    if not workdays:
        return begun
    last = after(begun.date(), workdays)
    return datetime.datetime.combine(last + _DAY, datetime.time(), BEIJING)
