"""The tables of settlements, shops and fees, and the lines of a statement."""

import datetime
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg

from ecard.db import Db, Pool, Row, Tx, begin
from pay.settlements.errors import ShopExists, ShopTerminalRefused

_SECONDS = 300.0
_DUE = "SELECT merchant, due FROM settle_due($1, $2)"
_BEGIN = "SELECT settle_begin($1, $2, $3)"
_PAYOUT = """
    SELECT a.id, a.bank, a.bank_ref, a.amount, coalesce(h.name, m.name) AS name, h.id IS NOT NULL AS of_shop,
           coalesce(h.bank_account, m.bank_account) AS account
    FROM bank_attempt a JOIN settlement s ON s.id = a.subject JOIN merchant m ON m.agency = s.merchant
        LEFT JOIN shop h ON h.id = s.shop
    WHERE a.kind = 'payout' AND {wanted}
"""
_OF_SETTLEMENT = _PAYOUT.format(wanted="s.id = $1 AND a.outcome IN ('sent', 'unknown')")
_OF_ATTEMPT = _PAYOUT.format(wanted="a.id = $1")
_BOOK = "SELECT outcome FROM settle_book($1, $2, $3)"
_LIST = """
    SELECT id, merchant, shop, day, bank, gross, fee, amount, state, created_at, done_at FROM settlement
    WHERE ($1::uuid IS NULL OR merchant = $1) AND ($2::date IS NULL OR day = $2) ORDER BY id DESC LIMIT $3
"""
_MERCHANT = "SELECT true FROM merchant WHERE agency = $1 FOR NO KEY UPDATE"
_ADD_SHOP = "INSERT INTO shop (id, merchant, name, bank, bank_account) VALUES ($1, $2, $3, $4, $5)"
_BANK = "SELECT true FROM bank WHERE code = $1"
_FOREIGN = """
    SELECT true FROM unnest($2::uuid[]) AS t (id) LEFT JOIN terminal o ON o.actor = t.id
    WHERE o.agency IS DISTINCT FROM $1 LIMIT 1
"""
_ADD_TERMINALS = "INSERT INTO shop_terminal (terminal, shop) SELECT DISTINCT unnest($2::uuid[]), $1::uuid"
_SHOPS = """
    SELECT h.id, h.name, h.bank, h.bank_account, array_agg(t.terminal ORDER BY t.terminal) AS terminals
    FROM shop h JOIN shop_terminal t ON t.shop = h.id WHERE h.merchant = $1 GROUP BY h.id ORDER BY h.id
"""
_FEE = """
    INSERT INTO settlement_fee (merchant, points) VALUES ($1, $2)
    ON CONFLICT (merchant) DO UPDATE SET points = EXCLUDED.points
"""
# Payments and refunds of a day, in the order in which they were made.
_STATEMENT = """
    WITH span AS (
        SELECT $2::date::timestamp AT TIME ZONE 'Asia/Shanghai' AS begun,
               ($2::date + 1)::timestamp AT TIME ZONE 'Asia/Shanghai' AS ended
    )
    SELECT to_char(x.at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD HH24:MI:SS') AS at, x.kind, o.id::text AS order,
           o.out_trade_no, x.out_refund_no, o.item, o.subject, coalesce(t.name, '') AS terminal,
           coalesce(h.name, '') AS shop, x.amount
    FROM (
        SELECT id AS order_id, 'payment' AS kind, '' AS out_refund_no, amount, paid_at AS at FROM pay_order, span
            WHERE merchant = $1 AND paid_at >= begun AND paid_at < ended
        UNION ALL
        SELECT r.order_id, 'refund', r.out_refund_no, -r.amount, r.done_at FROM refund r
            JOIN pay_order p ON p.id = r.order_id, span
            WHERE p.merchant = $1 AND r.state = 'done' AND r.done_at >= begun AND r.done_at < ended
    ) x JOIN pay_order o ON o.id = x.order_id LEFT JOIN terminal t ON t.actor = o.terminal
        LEFT JOIN shop_terminal st ON st.terminal = o.terminal LEFT JOIN shop h ON h.id = st.shop
    ORDER BY x.at, x.order_id, x.out_refund_no
"""


class PayoutRow(NamedTuple):
    """A pay-out to be asked for: its attempt, and where the money goes (the account is sealed)."""

    attempt: UUID
    bank: str
    ref: str
    amount: int
    name: str
    of_shop: bool
    account: bytes


async def due(pool: Pool, day: datetime.date, *, rehearsal: bool = False) -> list[tuple[UUID, int]]:
    """Return the merchants who are owed something of a day that is over, and how much; settled ones not."""
    async with begin(pool) as tx:
        await tx.execute("SET LOCAL statement_timeout = '300s'")
        return [(row["merchant"], row["due"]) for row in await tx.fetch(_DUE, day, rehearsal, timeout=_SECONDS)]


async def begin_settlement(tx: Tx, merchant: UUID, day: datetime.date, amount: int) -> list[UUID]:
    """Book a merchant's settlements of a day, once; return them. Their attempts are then to be asked."""
    return [row[0] for row in await tx.fetch(_BEGIN, merchant, day, amount)]


async def payout_of(db: Db, settlement: UUID) -> PayoutRow | None:
    """Return what a settlement is to be paid by, None when that is decided."""
    row = await db.fetchrow(_OF_SETTLEMENT, settlement)
    return None if row is None else PayoutRow(*row.values())


async def payout(db: Db, attempt: UUID) -> PayoutRow | None:
    """Return the pay-out of an attempt."""
    row = await db.fetchrow(_OF_ATTEMPT, attempt)
    return None if row is None else PayoutRow(*row.values())


async def book(db: Db, attempt: UUID, outcome: str, code: str) -> str:
    """Book what a bank said of a pay-out; return booked, again, conflict or not_found."""
    return str(await db.fetchval(_BOOK, attempt, outcome, code))


async def settlements(db: Db, merchant: UUID | None, day: datetime.date | None, limit: int) -> list[Row]:
    """Return settlements, youngest first."""
    return list(await db.fetch(_LIST, merchant, day, limit))


async def lock_merchant(tx: Tx, merchant: UUID) -> bool:
    """Return whether there is such a merchant."""
    return await tx.fetchval(_MERCHANT, merchant) is not None


async def bank_exists(tx: Tx, bank: str) -> bool:
    """Return whether there is such a bank."""
    return await tx.fetchval(_BANK, bank) is not None


async def add_shop(
    tx: Tx, shop: UUID, merchant: UUID, name: str, bank: str, account: bytes, terminals: Sequence[UUID]
) -> None:
    """Add a shop with its terminals; raises ShopTerminalRefused, ShopExists."""
    if await tx.fetchval(_FOREIGN, merchant, terminals):
        raise ShopTerminalRefused(pointer="/terminals")
    try:
        await tx.execute(_ADD_SHOP, shop, merchant, name, bank, account)
        await tx.execute(_ADD_TERMINALS, shop, terminals)
    except asyncpg.UniqueViolationError:
        raise ShopExists from None


async def shops(db: Db, merchant: UUID) -> list[Row]:
    """Return a merchant's shops; accounts are sealed."""
    return list(await db.fetch(_SHOPS, merchant))


async def set_fee(tx: Tx, merchant: UUID, points: int) -> None:
    """Say what the platform keeps of the merchant's settlements from now on."""
    await tx.execute(_FEE, merchant, points)


async def statement(pool: Pool, merchant: UUID, day: datetime.date) -> list[Row]:
    """Return a day's payments and refunds of a merchant."""
    async with begin(pool) as tx:
        await tx.execute("SET LOCAL statement_timeout = '60s'")
        return list(await tx.fetch(_STATEMENT, merchant, day, timeout=_SECONDS))
