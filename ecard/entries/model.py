"""入场 (entry): who is let in where, who is inside, and hours at work; pure.

A place is an agency's site with an item. Its rule is data: anybody or a list (考场座位表, 住宿名单, 年卡名单), entries
alone or both ways (presence, 在场), at most so many inside. Nobody is ever kept from leaving.
"""

import datetime
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

WORK = "A1-91"
"""农民工上工实人登记管理: who comes and goes at a work site, both ways unless its rule says otherwise."""
UPLOAD_DAYS = 7
"""Days after which a gate that was offline brings an entry too late."""
LONGEST = datetime.timedelta(hours=16)
"""A stay that nobody ended is over after so long: whoever forgot to check out may come again, and earns no hours."""
CHINA = datetime.timezone(datetime.timedelta(hours=8), "Asia/Shanghai")
KEEPERS = frozenset({"counter", "online"})
"""The settings of terminals that may keep lists."""


class Direction(StrEnum):
    """进, 出."""

    IN = "in"
    OUT = "out"


class Passage(NamedTuple):
    """One way through a gate."""

    direction: Direction
    at: datetime.datetime


class Worked(NamedTuple):
    """What somebody worked on a day of Beijing."""

    day: datetime.date
    minutes: int


def both_ways(item: str) -> bool:
    """Return whether a place without a rule of its own notes who leaves: a work site does."""
    return item == WORK


def stays(passages: Iterable[Passage]) -> list[tuple[datetime.datetime, datetime.datetime]]:
    """Return the stays that passages make: an entry and the next passage, if that is the leaving.

    An entry that another follows, or whose leaving comes later than LONGEST, is no stay.
    """
    found: list[tuple[datetime.datetime, datetime.datetime]] = []
    since: datetime.datetime | None = None
    for one in sorted(passages, key=lambda one: (one.at, one.direction)):
        if one.direction is Direction.IN:
            since = one.at
        elif since is not None:
            if one.at - since <= LONGEST:
                found.append((since, one.at))
            since = None
    return found


def hours(passages: Iterable[Passage]) -> list[Worked]:
    """Return the whole minutes worked on each day of Beijing, oldest first; a night shift is split at midnight.

    >>> at = datetime.datetime(2026, 3, 1, 22, 30, tzinfo=CHINA)
    >>> night = [Passage(Direction.IN, at), Passage(Direction.OUT, at + datetime.timedelta(hours=3))]
    >>> [(str(one.day), one.minutes) for one in hours(night)]
    [('2026-03-01', 90), ('2026-03-02', 90)]
    """
    seconds: dict[datetime.date, float] = {}
    for since, until in stays(passages):
        begin, end = since.astimezone(CHINA), until.astimezone(CHINA)
        while begin < end:
            midnight = datetime.datetime.combine(begin.date() + datetime.timedelta(days=1), datetime.time(), CHINA)
            part = min(end, midnight)
            seconds[begin.date()] = seconds.get(begin.date(), 0.0) + (part - begin).total_seconds()
            begin = part
    return [Worked(day, int(spent // 60)) for day, spent in sorted(seconds.items())]
