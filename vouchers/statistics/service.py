"""Figures of a programme for its bureau, and of an institution for itself."""

import asyncio
import datetime
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from ecard.db import Row
from ecard.errors import NotFound
from ecard.runtime import Runtime
from pay.settlements.model import BEIJING
from vouchers.statistics import store
from vouchers.statistics.model import Figures, Pile, as_csv, by_source, count
from vouchers.statistics.schemas import DailySeries, InstitutionFigures, ProgrammeStatistics, SourceFigures

FRESH = 30.0
"""Seconds for which a count is handed out again: a dashboard that is looked at costs the tables nothing."""
_KEPT = 1000
_Span = tuple[datetime.date, datetime.date]


class _Counted(NamedTuple):
    name: str
    as_of: float
    piles: list[Pile]
    funds: dict[str, int]
    days: list[Row]


class Counter:
    """Counts one programme after another, and each at most every FRESH seconds."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._counted: dict[tuple[UUID, _Span], _Counted] = {}
        self._counting = asyncio.Lock()

    async def programme(self, programme: UUID, span: _Span | None) -> ProgrammeStatistics:
        """Return a programme's figures, with its days in `span` (the last 30 by default); raises NotFound."""
        today = datetime.datetime.fromtimestamp(self._runtime.clock.time(), BEIJING).date()
        since, until = span or (today - datetime.timedelta(days=29), today)
        found = await self._count(programme, (since, until))
        sources = by_source(found.piles)
        return ProgrammeStatistics(
            programme=programme,
            name=found.name,
            as_of=int(found.as_of),
            total=count(found.piles),
            sources=[
                SourceFigures(source=one, fund=found.funds.get(one, 0), figures=sources.get(one, Figures()))
                for one in sorted(sources.keys() | found.funds.keys())
            ],
            daily=_series(found.days, since, until),
        )

    async def programme_csv(self, programme: UUID) -> bytes:
        """Return a programme's figures by source as CSV; raises NotFound."""
        found = await self.programme(programme, None)
        return as_csv((found.name, one.source, one.figures) for one in found.sources)

    async def _count(self, programme: UUID, span: _Span) -> _Counted:
        async with self._counting:
            now = self._runtime.clock.time()
            known = self._counted.get((programme, span))
            if known is not None and now - known.as_of < FRESH:
                return known
            async with store.counting(self._runtime.pool) as db:
                name = await store.name(db, programme)
                if name is None:
                    raise NotFound
                piles, funds = await store.of_programme(db, programme), await store.funds(db, programme)
                found = _Counted(name, now, piles, funds, await store.days(db, programme, *span))
            self._counted.pop((programme, span), None)
            self._counted[programme, span] = found
            if len(self._counted) > _KEPT:
                del self._counted[next(iter(self._counted))]
            return found


async def own_part(runtime: Runtime, agency: UUID) -> list[InstitutionFigures]:
    """Return what an institution has to do with each programme."""
    async with store.counting(runtime.pool) as db:
        found = await store.of_institution(db, agency)
    return [
        InstitutionFigures(programme=programme, name=name, figures=count(piles))
        for (programme, name), piles in found.items()
    ]


async def own_part_csv(runtime: Runtime, agency: UUID) -> bytes:
    """Return an institution's own part by programme and source as CSV."""
    async with store.counting(runtime.pool) as db:
        found = await store.of_institution(db, agency)
    return as_csv(
        (name, source, figures) for (_, name), piles in found.items() for source, figures in by_source(piles).items()
    )


def _series(rows: Sequence[Row], since: datetime.date, until: datetime.date) -> DailySeries:
    known = {row["day"]: row for row in rows}
    days = [since + datetime.timedelta(days=n) for n in range((until - since).days + 1)]
    columns = {
        name: [known[day][name] if day in known else 0 for day in days]
        for name in ("claimed", "redeemed", "expired", "money_redeemed")
    }
    return DailySeries(days=days, **columns)
