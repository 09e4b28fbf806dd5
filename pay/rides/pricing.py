"""Taps become rides: one rider at a time, whom no other process is at."""

from ecard.db import Pool, Tx, begin
from ecard.ids import new_id
from pay.rides import store
from pay.rides.model import FareTable, Journey, Spent, Tap, join, price


async def price_due(pool: Pool, limit: int = 200) -> int:
    """Make rides of the taps of riders that are due; return how many riders were looked at."""
    looked = 0
    while looked < limit:
        async with begin(pool) as tx:
            rider = await store.due_rider(tx)
            if rider is None:
                break
            await _price(tx, rider)
        looked += 1
    return looked


async def _price(tx: Tx, rider: store.Rider) -> None:
    """Make rides of a rider's taps: each by the table in force at its first tap, counting the rides before it."""
    taps, cities = await store.open_taps(tx, rider)
    if not taps:
        await store.look_again(tx, rider, None)
        return
    first, last = min(tap.at for tap in taps), max(tap.at for tap in taps)
    tables = await store.tables(tx, rider.operator, first, last)
    again: list[float] = []
    for table in tables.every():
        mine = [tap for tap in taps if tables.at(tap.at) is table]
        joined = join(mine, table, rider.now)
        again += [joined.again_at] if joined.again_at is not None else []
        for journey in joined.journeys:
            earlier = await store.spent(tx, rider, table, first)
            await _add(tx, rider, journey, cities, table, earlier)
    await store.look_again(tx, rider, min(again, default=None))


async def _add(
    tx: Tx,
    rider: store.Rider,
    journey: Journey,
    cities: dict[object, str],
    table: FareTable,
    earlier: Spent,
) -> None:
    began: Tap = journey.taps[0]
    made = price(journey, table, earlier)
    await store.add_ride(tx, new_id(), new_id(), rider, journey, made, cities[began.key])
