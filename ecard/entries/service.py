"""Letting holders through gates, by the place's own rule; and what gates, agencies and holders see of it."""

import datetime
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from ecard.callers import Holder, Terminal
from ecard.catalogue.model import Catalogue, Flow
from ecard.db import Db, Tx
from ecard.desk.service import pseudonym
from ecard.desk.standing import at_agency
from ecard.entries import store
from ecard.entries.errors import EnteredBefore
from ecard.entries.model import CHINA, WORK, Direction, Passage, both_ways, hours
from ecard.entries.refusing import refusal
from ecard.entries.schemas import (
    Entry,
    EntryConflict,
    EntryRequest,
    MyEntry,
    MyWorkDay,
    SeenEntry,
    WorkDay,
)
from ecard.ids import new_id
from ecard.runtime import Runtime

WORK_DAYS = 31
"""Days of work that a holder is shown."""


async def enter(tx: Tx, catalogue: Catalogue, asked: EntryRequest, by: Terminal) -> Entry:
    """Let the holder of a visit through a gate; raises what `at_agency` raises, those of PLACE, EnteredBefore."""
    standing = await at_agency(tx, catalogue, asked.visit, by, Flow.IDENTIFY, Flow.RECORD)
    item, number = standing.item, new_id()
    place = (by.agency, by.site, item.code, both_ways(item.code))
    who = (asked.visit, standing.holder, asked.direction.value, asked.room)
    row = await store.admit(tx, number, *place, *who, by.actor)
    if row["outcome"] == "entered":
        raise EnteredBefore
    if row["outcome"] != "ok":
        raise refusal(row, level=item.level)
    return Entry(
        id=number,
        item=item.code,
        direction=asked.direction,
        at=int(row["at"].timestamp()),
        list=row["list"],
        room=row["room"] or None,
        seat=row["seat"] or None,
    )


async def seen(
    runtime: Runtime, by: Terminal, item: str | None, before: datetime.datetime | None, limit: int
) -> list[SeenEntry]:
    """Return who went through the gates of the terminal's agency, youngest first."""
    until = before or datetime.datetime.fromtimestamp(runtime.clock.time() + 60, datetime.UTC)
    found = []
    for row in await store.seen(runtime.pool, by.agency, item, until, limit):
        facts = dict(row)
        sub = pseudonym(runtime, by.agency, facts.pop("holder"))
        found.append(msgspec.convert({**facts, "sub": sub}, SeenEntry))
    return found


async def mine(db: Db, catalogue: Catalogue, holder: Holder) -> list[MyEntry]:
    """Return the holder's entries, youngest first."""
    rows = [dict(row) for row in await store.mine(db, holder.card)]
    return [msgspec.convert({**row, "title": catalogue.get(row["item"]).title}, MyEntry) for row in rows]


async def conflicts(db: Db, by: Terminal) -> list[EntryConflict]:
    """Return the agency's entries whose code was taken elsewhere as well, youngest first."""
    return [msgspec.convert(dict(row), EntryConflict) for row in await store.conflicts(db, by.agency)]


async def work_at(runtime: Runtime, by: Terminal, day: datetime.date) -> list[WorkDay]:
    """Return what each person worked at the terminal's site on a day of Beijing."""
    begin = datetime.datetime.combine(day, datetime.time(), CHINA)
    # A night shift began the day before or ends the day after.
    span = (begin - datetime.timedelta(days=1), begin + datetime.timedelta(days=2))
    people: dict[UUID, list[Any]] = defaultdict(list)
    for row in await store.work_at(runtime.pool, WORK, span, by.agency, by.site):
        people[row["holder"]].append(row)
    worked = {pseudonym(runtime, by.agency, holder): _of_day(rows, day) for holder, rows in people.items()}
    return [WorkDay(sub=sub, day=str(day), minutes=minutes) for sub, minutes in sorted(worked.items()) if minutes]


async def work_of(runtime: Runtime, holder: Holder) -> list[MyWorkDay]:
    """Return what the holder worked at each site and day, youngest day first."""
    now = datetime.datetime.fromtimestamp(runtime.clock.time() + 60, datetime.UTC)
    span = (now - datetime.timedelta(days=WORK_DAYS), now)
    sites: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in await store.work_of(runtime.pool, WORK, span, holder.card):
        sites[row["agency"], row["site"]].append(row)
    days = [
        MyWorkDay(agency=agency, site=site, day=str(one.day), minutes=one.minutes)
        for (agency, site), rows in sites.items()
        for one in hours(_passages(rows))
    ]
    return sorted(days, key=lambda one: (one.day, one.agency, one.site), reverse=True)


def _passages(rows: Sequence[Any]) -> list[Passage]:
    return [Passage(Direction(row["direction"]), row["at"]) for row in rows]


def _of_day(rows: Sequence[Any], day: datetime.date) -> int:
    return next((one.minutes for one in hours(_passages(rows)) if one.day == day), 0)
