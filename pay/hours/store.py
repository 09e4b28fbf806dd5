"""Volunteers' services and redemptions in the database; the commands are `0010_hours.sql`."""

from typing import Any
from uuid import UUID

from ecard.db import Db, Row, Tx
from pay.hours.model import HELD_SECONDS, LONGEST

_AGENCY = "SELECT true FROM agency WHERE id = $1"
_SET_BODY = """
    INSERT INTO volunteer_body (agency, records, redeems, set_by) VALUES ($1, $2, $3, $4)
    ON CONFLICT (agency) DO UPDATE SET records = EXCLUDED.records, redeems = EXCLUDED.redeems,
        set_by = EXCLUDED.set_by, set_at = clock_timestamp()
"""
_ARRIVE = "SELECT outcome, came_at FROM hours_arrive($1, $2, $3, $4, $5, $6, $7)"
_OPEN = """
    SELECT id, came, came_at, clock_timestamp() AS now FROM volunteer_service
    WHERE holder = $1 AND agency = $2 AND state = 'open' FOR UPDATE
"""
_COUNTED = "SELECT hours_counted($1)"
_CREDIT = "SELECT outcome FROM hours_credit($1, $2, $3, $4)"
_REDEEM = "SELECT outcome, available FROM hours_redeem($1, $2, $3, $4, $5, $6, $7)"
_FINISH = "SELECT outcome, state, held FROM hours_finish($1, $2, $3)"
_SERVICES = """
    SELECT s.id, g.name AS agency, s.site, s.project, s.state, extract(epoch FROM s.came_at)::bigint AS came_at,
           extract(epoch FROM s.went_at)::bigint AS went_at, coalesce(s.minutes, 0) AS minutes
    FROM volunteer_service s JOIN agency g ON g.id = s.agency
    WHERE s.id = $1 OR s.holder = $2 ORDER BY s.came_at DESC, s.id DESC LIMIT 200
"""
_REDEMPTIONS = """
    SELECT r.id, g.name AS agency, r.service, r.state, r.minutes, r.spent, extract(epoch FROM r.at)::bigint AS at
    FROM hour_redemption_state r JOIN agency g ON g.id = r.agency
    WHERE r.id = $1 OR r.holder = $2 ORDER BY r.at DESC, r.id DESC LIMIT 200
"""
_WALLET = """
    SELECT balance, held, available FROM account_balance
    WHERE owner_kind = 'volunteer' AND owner = $1 AND book = 'wallet' AND unit = 'VHOUR'
"""
_HOLDER = "SELECT holder FROM card WHERE seq = $1"


async def set_body(tx: Tx, agency: UUID, *columns: object) -> bool:
    """Set an agency's part: records, redeems, by whom; return False when there is no such agency."""
    if not await tx.fetchval(_AGENCY, agency):
        return False
    await tx.execute(_SET_BODY, agency, *columns)
    return True


async def arrive(tx: Tx, *columns: object) -> Row:
    """Begin a service: id, visit, holder, agency, site, project."""
    return await tx.fetchrow(_ARRIVE, *columns, LONGEST)


async def open_service(tx: Tx, holder: UUID, agency: UUID) -> Row | None:
    """Return the service that a volunteer is at, locked, with the time that it is now."""
    return await tx.fetchrow(_OPEN, holder, agency)


async def counted(db: Db, visit: UUID) -> bool:
    """Return whether a visit has begun or ended a service, or spent time."""
    return bool(await db.fetchval(_COUNTED, visit))


async def credit(tx: Tx, *columns: object) -> str:
    """End a service and credit it: id, visit, when, minutes; return the outcome."""
    return str(await tx.fetchval(_CREDIT, *columns))


async def redeem(tx: Tx, *columns: object) -> Row:
    """Set minutes aside: id, visit, holder, agency, service, minutes."""
    return await tx.fetchrow(_REDEEM, *columns, HELD_SECONDS)


async def finish(tx: Tx, number: UUID, agency: UUID, minutes: int | None) -> Row:
    """Spend so many of the minutes set aside, or none of them (None)."""
    return await tx.fetchrow(_FINISH, number, agency, minutes)


async def services(db: Db, *, number: UUID | None = None, holder: UUID | None = None) -> list[Row]:
    """Return one service, or a volunteer's, youngest first."""
    return list(await db.fetch(_SERVICES, number, holder))


async def redemptions(db: Db, *, number: UUID | None = None, holder: UUID | None = None) -> list[Row]:
    """Return one redemption, or a volunteer's, youngest first."""
    return list(await db.fetch(_REDEMPTIONS, number, holder))


async def wallet(db: Db, holder: UUID) -> Any:
    """Return a volunteer's balance, what of it is held and what is free; None before the first service."""
    return await db.fetchrow(_WALLET, str(holder))


async def holder_of(db: Db, card: int) -> UUID:
    """Return the holder of a card that is there."""
    return UUID(str(await db.fetchval(_HOLDER, card)))
