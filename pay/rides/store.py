"""The tables of rides; `record_taps`, `ride_capture` and the trigger on orders decide what happens once."""

import datetime
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from ecard.db import Db, Pool, Row, Tx, in_batches
from pay.rides.model import Direction, FareTable, Journey, Price, Spent, Tap
from qr.model import FareClass

_TABLES = """
    SELECT extract(epoch FROM valid_from)::bigint AS since, body FROM fare_table
    WHERE operator = $1 AND valid_from <= to_timestamp($3)
      AND valid_from >= coalesce((SELECT max(valid_from) FROM fare_table WHERE operator = $1
                                  AND valid_from <= to_timestamp($2)), '-infinity')
    ORDER BY valid_from DESC
"""
_ADD_TABLE = """
    INSERT INTO fare_table (operator, valid_from, body) SELECT $1, to_timestamp($2), $3
    WHERE to_timestamp($2) > now() - interval '1 minute' ON CONFLICT DO NOTHING RETURNING true
"""
_RECORD = (
    "SELECT n, outcome, tap, first_at FROM record_taps($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
)
_CONTESTED = """
    SELECT id, extract(epoch FROM at)::bigint AS at, line, station, state <> 'contested' AS won FROM tap
    WHERE gate = $1 AND contested_at IS NOT NULL ORDER BY contested_at DESC LIMIT 100
"""
_DUE_RIDER = """
    SELECT card, operator, clock_timestamp() AS now FROM rider WHERE due_at <= clock_timestamp()
    ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_OPEN_TAPS = """
    SELECT id, line, station, direction, extract(epoch FROM at)::float8 AS at, fare, city FROM tap
    WHERE card = $1 AND operator = $2 AND state = 'open'
"""
_SPENT = """
    SELECT extract(epoch FROM began_at)::float8 AS began, fare FROM ride
    WHERE card = $1 AND operator = $2 AND began_at >= to_timestamp($3) - interval '3 days'
"""
_ADD_RIDE = """
    INSERT INTO ride (id, card, operator, line, kind, entry, exit, began_at, ended_at, listed, fare, subsidy, city,
                      state, next_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, to_timestamp($8), to_timestamp($9), $10, $11::bigint, $12, $13,
            CASE WHEN $11::bigint = 0 THEN 'free' ELSE 'due' END, CASE WHEN $11::bigint > 0 THEN clock_timestamp() END)
"""
_JOIN_TAPS = "UPDATE tap SET state = 'joined', ride = $1 WHERE id = ANY ($2) AND state = 'open'"
_ADD_SUBSIDY = """
    INSERT INTO ride_subsidy AS s (id, operator, city, hour, rides, amount)
    VALUES ($1, $2, $3, date_trunc('hour', to_timestamp($4)), 1, $5)
    ON CONFLICT (operator, city, hour) WHERE journal IS NULL
    DO UPDATE SET rides = s.rides + 1, amount = s.amount + EXCLUDED.amount
"""
_LOOK_AGAIN = "UPDATE rider SET due_at = to_timestamp($3) WHERE card = $1 AND operator = $2"
_RIDES = """
    SELECT r.id, m.name AS operator, r.line, r.kind, r.entry, r.exit, r.listed, r.fare, r.state, r.order_id AS "order",
           extract(epoch FROM r.began_at)::bigint AS began_at, extract(epoch FROM r.ended_at)::bigint AS ended_at
    FROM ride r JOIN merchant m ON m.agency = r.operator
    WHERE r.card = $1 AND r.began_at < $2 ORDER BY r.began_at DESC, r.id LIMIT $3
"""
_TO_CAPTURE = """
    SELECT id FROM ride WHERE state IN ('due', 'owed') AND next_at <= clock_timestamp() ORDER BY next_at LIMIT $1
"""
_CAPTURE = "SELECT outcome, bank, bank_ref, profile, amount, card FROM ride_capture($1, $2, $3, $4, $5)"
_UNBANKED = """
    UPDATE ride SET state = 'owed', owed_since = coalesce(owed_since, clock_timestamp()), tries = tries + 1,
        next_at = clock_timestamp() + ride_retry((tries + 1)::smallint)
    WHERE id = $1 AND state IN ('due', 'owed')
"""
_OWED = "SELECT DISTINCT card FROM ride WHERE owed_since IS NOT NULL"
_MINE = """
    SELECT operator, fare, line, state FROM ride WHERE id = $1 AND card = $2 FOR UPDATE
"""
_PAYING = "UPDATE ride SET state = 'capturing', order_id = $2, next_at = NULL WHERE id = $1 AND state = 'owed'"
_PAYER = "UPDATE pay_order SET payer = $2 WHERE id = $1 AND state = 'created'"
_GRANT = """
    INSERT INTO fare_class (card, fare, until)
    SELECT v.card, $4, to_timestamp($5) FROM visit v
    WHERE v.id = $1 AND v.agency = $2 AND v.item = ANY ($3) AND v.disputed_at IS NULL AND v.acting_card IS NULL
      AND v.at > clock_timestamp() - interval '10 minutes'
    ON CONFLICT (card) DO UPDATE SET fare = EXCLUDED.fare, until = EXCLUDED.until, changed_at = now()
    RETURNING card
"""
_WITHDRAW = """
    WITH here AS (
        SELECT v.card FROM visit v
        WHERE v.id = $1 AND v.agency = $2 AND v.item = ANY ($3) AND v.disputed_at IS NULL AND v.acting_card IS NULL
          AND v.at > clock_timestamp() - interval '10 minutes'
    ), gone AS (DELETE FROM fare_class f USING here h WHERE f.card = h.card)
    SELECT card FROM here
"""
_FORGET = """
    DELETE FROM tap WHERE id IN (SELECT id FROM tap WHERE received_at < now() - interval '180 days' AND state <> 'open'
                                 LIMIT 5000 FOR UPDATE SKIP LOCKED)
"""
_SUBSIDIES = """
    SELECT city, extract(epoch FROM hour)::bigint AS hour, rides, amount, journal IS NOT NULL AS posted
    FROM ride_subsidy WHERE operator = $1 AND hour < to_timestamp($2) ORDER BY hour DESC, id LIMIT 200
"""


class Recording(NamedTuple):
    """A line of an upload that was read: its number, and everything that the tap's row holds."""

    n: int
    id: UUID
    once: bytes
    shadow: bytes | None
    line: str
    station: str | None
    direction: str
    at: datetime.datetime
    card: int
    device: int | None
    fare: int


class Rider(NamedTuple):
    """A card whose taps at an operator are to be looked at, locked until the transaction ends."""

    card: int
    operator: UUID
    now: float


class Tables:
    """An operator's fare tables of a time, youngest first."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._tables = [(row["since"], msgspec.convert(row["body"], FareTable)) for row in rows]

    def every(self) -> list[FareTable]:
        """Return the tables, oldest first."""
        return [table for _, table in reversed(self._tables)]

    def at(self, time: float) -> FareTable | None:
        """Return the table in force at a time (Unix seconds)."""
        return next((table for since, table in self._tables if since <= time), None)


async def tables(db: Db, operator: UUID, first: float, last: float) -> Tables:
    """Return the fare tables that were in force between two times."""
    return Tables(await db.fetch(_TABLES, operator, float(first), float(last)))


async def takes_fares(db: Db, operator: UUID, item: str) -> bool:
    """Return whether an agency is a merchant that may charge the item of rides."""
    return bool(await db.fetchval("SELECT $2 = ANY (items) FROM merchant WHERE agency = $1", operator, item))


async def add_table(tx: Tx, operator: UUID, since: int, table: FareTable) -> bool:
    """Add a fare table for a time to come; return whether it is one, and no other table stands there."""
    return await tx.fetchval(_ADD_TABLE, operator, float(since), msgspec.to_builtins(table)) is not None


async def record(db: Db, gate: UUID, operator: UUID, city: str, taps: Sequence[Recording]) -> list[Row]:
    """Record taps in one statement, on a pool its own transaction; return n, outcome, tap and first_at of each."""
    columns = [list(column) for column in zip(*taps, strict=True)] or [[] for _ in Recording._fields]
    rows: list[Row] = await db.fetch(_RECORD, gate, operator, city, *columns)
    return rows


async def fare_of(db: Db, card: int) -> int:
    """Return a card's fare class as it stands now."""
    return await db.fetchval("SELECT fare FROM fare_class WHERE card = $1 AND until > now()", card) or 0


async def contested(db: Db, gate: UUID) -> list[Row]:
    """Return a gate's taps of codes that another gate, or another use, took as well; the youngest first."""
    rows: list[Row] = await db.fetch(_CONTESTED, gate)
    return rows


async def due_rider(tx: Tx) -> Rider | None:
    """Lock and return a rider whose taps are to be looked at, if there is one that nobody is at."""
    row = await tx.fetchrow(_DUE_RIDER)
    return None if row is None else Rider(row["card"], row["operator"], row["now"].timestamp())


async def open_taps(tx: Tx, rider: Rider) -> tuple[list[Tap], dict[object, str]]:
    """Return the rider's taps that are in no ride yet, and the city of each."""
    rows = await tx.fetch(_OPEN_TAPS, rider.card, rider.operator)
    taps = [
        Tap(row["id"], row["line"], row["station"], Direction(row["direction"]), row["at"], FareClass(row["fare"]))
        for row in rows
    ]
    return taps, {row["id"]: row["city"] for row in rows}


async def spent(tx: Tx, rider: Rider, table: FareTable, since: float) -> Spent:
    """Return what the rider's earlier rides at the operator come to, from three days before a time on."""
    last: float | None = None
    by_day: dict[int, int] = {}
    for row in await tx.fetch(_SPENT, rider.card, rider.operator, since):
        last = row["began"] if last is None else max(last, row["began"])
        day = table.day(row["began"])
        by_day[day] = by_day.get(day, 0) + row["fare"]
    return Spent(last, by_day)


async def add_ride(tx: Tx, ride: UUID, subsidy: UUID, rider: Rider, journey: Journey, price: Price, city: str) -> None:
    """Add a ride with its taps, and count its subsidy into the hour's."""
    entry, exit_ = journey.entry, journey.exit
    await tx.execute(
        _ADD_RIDE,
        ride,
        rider.card,
        rider.operator,
        journey.line,
        journey.kind.value,
        entry.station if entry else None,
        exit_.station if exit_ else None,
        journey.began,
        exit_.at if exit_ else None,
        *price,
        city,
    )
    await tx.execute(_JOIN_TAPS, ride, [tap.key for tap in journey.taps])
    if price.subsidy:
        await tx.execute(_ADD_SUBSIDY, subsidy, rider.operator, city, journey.began, price.subsidy)


async def look_again(tx: Tx, rider: Rider, at: float | None) -> None:
    """Note when the rider's taps are to be looked at again; None: not before the next tap."""
    await tx.execute(_LOOK_AGAIN, rider.card, rider.operator, at)


async def rides(db: Db, card: int, before: datetime.datetime, limit: int) -> list[Row]:
    """Return a card's rides before a time, youngest first."""
    rows: list[Row] = await db.fetch(_RIDES, card, before, limit)
    return rows


async def to_capture(db: Db, limit: int) -> list[UUID]:
    """Return rides whose fare is to be taken now."""
    return [row["id"] for row in await db.fetch(_TO_CAPTURE, limit)]


async def capture(pool: Pool, ride: UUID, order: UUID, attempt: UUID, item: str, banks: Sequence[str]) -> Row:
    """Open the order and the bank's attempt for a ride, in one statement that is its own transaction."""
    return await pool.fetchrow(_CAPTURE, ride, order, attempt, item, banks)


async def unbanked(pool: Pool, ride: UUID) -> None:
    """Note that no bank of ours has the rider's account: the fare is owed, and tried again some times."""
    await pool.execute(_UNBANKED, ride)


async def owed(db: Db) -> list[int]:
    """Return the cards that owe for a ride."""
    return [row["card"] for row in await db.fetch(_OWED)]


async def mine(tx: Tx, ride: UUID, card: int) -> Row | None:
    """Lock and return a ride of the card, whatever its state."""
    return await tx.fetchrow(_MINE, ride, card)


async def paying(tx: Tx, ride: UUID, order: UUID, card: int) -> None:
    """Note that an order, which only this card's holder may pay, is to pay for an owed ride."""
    await tx.execute(_PAYING, ride, order)
    await tx.execute(_PAYER, order, card)


async def grant(tx: Tx, visit: UUID, agency: UUID, items: Sequence[str], fare: FareClass, until: int) -> int | None:
    """Give the holder of a visit a fare class, or take it away; return the card, None without such a visit."""
    here = (visit, agency, list(items))
    card: int | None = (
        await tx.fetchval(_WITHDRAW, *here)
        if fare is FareClass.FULL
        else await tx.fetchval(_GRANT, *here, int(fare), float(until))
    )
    return card


async def subsidies(db: Db, operator: UUID, before: float) -> list[Row]:
    """Return an operator's hours before a time, youngest first."""
    rows: list[Row] = await db.fetch(_SUBSIDIES, operator, before)
    return rows


async def forget(pool: Pool) -> None:
    """Drop taps of long ago: where somebody went in and out stays in the ride alone, for its holder."""
    await in_batches(pool, _FORGET)


async def post_subsidies(pool: Pool, before: datetime.datetime) -> int:
    """Book the subsidies of hours that ended before a time; return how many."""
    return int(await pool.fetchval("SELECT ride_subsidies_post($1)", before))
