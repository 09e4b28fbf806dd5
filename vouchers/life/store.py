"""Vouchers in the database: one function for each command (`0008_voucher_commands.sql`), and what is read of them."""

from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from ecard.db import Db, Pool, Row, Tx
from ecard.idempotency import KeyReused

_CLAIM = "SELECT outcome, voucher FROM voucher_claim($1, $2, $3, $4, NULL, 'app')"
_FREEZE = "SELECT voucher_freeze($1, $2, $3, $4)"
_CANCEL = "SELECT voucher_cancel($1, $2, $3)"
_REVERSE = "SELECT voucher_reverse($1, $2, $3)"
_REDEEM = "SELECT outcome, amount, journal, first_at, first_by FROM voucher_redeem($1, $2, $3, $4, $5)"
# What has ended by time is told so from that second on, whenever it is swept.
STATE = """
    CASE WHEN v.valid_until <= clock_timestamp() AND coalesce(v.frozen_from, v.state)
              IN ('issued', 'claimed', 'bound', 'in_use') THEN 'expired' ELSE v.state END
"""
"""The state of voucher v for whoever reads it."""
_STATE = f"""
    {STATE} AS state, extract(epoch FROM v.valid_from)::bigint AS valid_from,
    extract(epoch FROM v.valid_until)::bigint AS valid_until
"""
_MINE = f"""
    SELECT v.id, v.serial, v.programme, p.name, p.content, v.face, {_STATE}, a.name AS institution, v.class
    FROM card c JOIN voucher v ON v.holder = c.holder JOIN voucher_programme p ON p.id = v.programme
        LEFT JOIN agency a ON a.id = v.institution
    WHERE c.seq = $1
"""  # noqa: S608 - a constant of our own
_ONE = f"""
    SELECT v.id, v.serial, v.batch, v.n, v.programme, v.face, {_STATE}, v.frozen_from, v.institution, v.class,
           v.amount, extract(epoch FROM v.redeemed_at)::bigint AS redeemed_at, v.journal
    FROM voucher v WHERE
"""  # noqa: S608 - a constant of our own
_EVENTS = """
    SELECT 0 AS seq, 'issued' AS kind, extract(epoch FROM b.created_at)::bigint AS at, b.created_by AS actor,
           NULL AS place, NULL AS evidence, NULL::uuid AS visit, '{}'::jsonb AS detail
    FROM voucher v JOIN voucher_batch b ON b.id = v.batch WHERE v.id = $1
    UNION ALL
    SELECT seq, kind, extract(epoch FROM at)::bigint, actor, place, evidence, visit, detail
    FROM voucher_event WHERE voucher = $1 ORDER BY seq
"""
_OFFERS = """
    SELECT p.id, p.name, p.worth, p.level, p.content, p.region, p.groups, p.per_person, p.min_attendance_percent,
           EXISTS (SELECT FROM voucher v WHERE v.programme = p.id AND v.state = 'issued'
                   AND v.valid_until > clock_timestamp() AND v.valid_from <= clock_timestamp()) AS left,
           (SELECT count(*) FROM voucher v JOIN card c ON c.holder = v.holder
            WHERE c.seq = $1 AND v.programme = p.id AND v.slot IS NOT NULL) AS mine
    FROM voucher_programme p
    WHERE p.kind = 'general' AND p.ended_at IS NULL AND ($2::uuid IS NULL OR p.id < $2) ORDER BY p.id DESC LIMIT $3
"""


class Redeemed(NamedTuple):
    """What came of a redemption; `first_at`, `first_by`: when and by which terminal it was done first."""

    outcome: str
    amount: int
    journal: UUID | None
    first_at: Any
    first_by: UUID | None


async def claim(tx: Tx, programme: UUID, card: int, actor: UUID, group: str | None) -> tuple[str, UUID | None]:
    """Claim a voucher for the holder of a card; return the outcome and the voucher."""
    row = await tx.fetchrow(_CLAIM, programme, card, actor, group)
    return row["outcome"], row["voucher"]


async def freeze(tx: Tx, voucher: UUID, by: UUID, reason: str, *, frozen: bool) -> str:
    """Freeze a voucher or let it go on; return the outcome."""
    return str(await tx.fetchval(_FREEZE, voucher, by, reason, frozen))


async def cancel(tx: Tx, voucher: UUID, by: UUID, reason: str) -> str:
    """Make a voucher void; return the outcome."""
    return str(await tx.fetchval(_CANCEL, voucher, by, reason))


async def reverse(tx: Tx, voucher: UUID, by: UUID, reason: str) -> str:
    """Undo a redemption; return the outcome. Raises LG001."""
    return str(await tx.fetchval(_REVERSE, voucher, by, reason))


async def redeem(pool: Pool, voucher: UUID, institution: UUID, terminal: UUID, key: str, place: str) -> Redeemed:
    """Redeem a voucher in a statement of its own; raises KeyReused (the terminal's key redeemed another)."""
    try:
        return Redeemed(*(await pool.fetchrow(_REDEEM, voucher, institution, terminal, key, place)).values())
    except asyncpg.UniqueViolationError:
        raise KeyReused from None


async def offers(db: Db, card: int, before: UUID | None, limit: int) -> list[Row]:
    """Return up to `limit` programmes that anybody may claim of, youngest first."""
    return list(await db.fetch(_OFFERS, card, before, limit))


async def mine(db: Db, card: int, before: UUID | None, limit: int) -> list[Row]:
    """Return up to `limit` vouchers of a card's holder, youngest first."""
    sql = f"{_MINE} AND ($2::uuid IS NULL OR v.id < $2) ORDER BY v.id DESC LIMIT $3"
    return list(await db.fetch(sql, card, before, limit))


async def my_one(db: Db, card: int, voucher: UUID) -> Row | None:
    """Return a voucher if it is that of the card's holder."""
    return await db.fetchrow(f"{_MINE} AND v.id = $2", card, voucher)


async def one(db: Db, voucher: UUID) -> Row | None:
    """Return a voucher."""
    return await db.fetchrow(f"{_ONE} v.id = $1", voucher)


async def by_serial(db: Db, serial: str) -> Row | None:
    """Return the voucher of a number."""
    return await db.fetchrow(f"{_ONE} v.serial = $1", serial)


async def events(db: Db, voucher: UUID) -> list[Row]:
    """Return what happened to a voucher, its issue first."""
    return list(await db.fetch(_EVENTS, voucher))


async def expire(db: Db, limit: int) -> int:
    """End up to `limit` vouchers whose time is over; return how many."""
    return int(await db.fetchval("SELECT voucher_expire($1)", limit))


async def settle(db: Db, limit: int) -> int:
    """Mark up to `limit` redeemed vouchers whose institution has been paid; return how many."""
    return int(await db.fetchval("SELECT voucher_settle($1)", limit))
