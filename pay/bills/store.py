"""The tables of billers and bills; the trigger on orders moves a bill with the order that pays for it."""

from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from ecard.db import Db, Pool, Row, Tx

_ADD = """
    INSERT INTO biller (merchant, url, key, items) SELECT $1, $2, $3, $4 FROM merchant
    WHERE agency = $1 AND items @> $4 ON CONFLICT DO NOTHING RETURNING true
"""
_BILLERS = """
    SELECT b.merchant AS id, m.name, b.items FROM biller b JOIN merchant m ON m.agency = b.merchant
    WHERE m.suspended_at IS NULL ORDER BY m.name, b.merchant
"""
_BILLER = """
    SELECT b.merchant, m.name, b.url, b.key, b.items FROM biller b JOIN merchant m ON m.agency = b.merchant
    WHERE b.merchant = $1 AND m.suspended_at IS NULL
"""
# What is being paid or is paid stays as it was shown; an open bill takes what the agency says now.
_SEEN = """
    INSERT INTO bill AS b (id, biller, item, card, bill_index, facts, amount, snapshot_mac)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (card, biller, bill_index) DO UPDATE SET facts = EXCLUDED.facts, amount = EXCLUDED.amount,
        snapshot_mac = EXCLUDED.snapshot_mac, seen_at = clock_timestamp(),
        state = CASE WHEN b.state = 'elsewhere' THEN 'open' ELSE b.state END,
        order_id = CASE WHEN b.state = 'elsewhere' THEN NULL ELSE b.order_id END
        WHERE b.state IN ('open', 'elsewhere')
"""
_BILL = """
    SELECT b.id, b.biller, m.name, b.item, b.facts, b.amount, b.snapshot_mac, b.state, b.order_id
    FROM bill b JOIN merchant m ON m.agency = b.biller
"""
_ORDERED = """
    UPDATE bill SET state = 'ordered', order_id = $2 WHERE id = $1 AND state = 'open' AND snapshot_mac = $3
    RETURNING true
"""
_PAYER = "UPDATE pay_order SET payer = $2 WHERE id = $1 AND state = 'created'"
_ELSEWHERE = "UPDATE bill SET state = 'elsewhere' WHERE id = $1 AND state = $2 RETURNING true"
_TO_MARK = """
    SELECT b.id, b.biller, b.facts, b.amount, b.order_id, extract(epoch FROM b.paid_at)::bigint AS paid_at
    FROM bill b WHERE b.id = $1 AND b.state = 'paid'
"""
_MARKED = "UPDATE bill SET state = 'marked', marked_at = clock_timestamp() WHERE id = $1 AND state = 'paid'"
_REFUND = "SELECT outcome, bank, bank_ref, of_ref FROM pay_refund($1, $2, $3, $4, $4, $5, $6, $7, $8, $9)"
# The outbox gives a message up at last; money was taken for the bill, so it is told until it is heard.
_TELL_ON = """
    INSERT INTO outbox (id, topic, body)
    SELECT gen_random_uuid(), 'bill', jsonb_build_object('bill', b.id, 'biller', b.biller) FROM bill b
    WHERE b.state = 'paid' AND NOT EXISTS (
        SELECT FROM outbox o WHERE o.topic = 'bill' AND o.done_at IS NULL AND o.given_up_at IS NULL
                               AND o.body ->> 'bill' = b.id::text)
    LIMIT 200
"""


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """How a biller is reached; its key is sealed."""

    merchant: UUID
    name: str
    url: str
    key: bytes
    items: list[str]


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A bill's row."""

    id: UUID
    biller: UUID
    name: str
    item: str
    facts: bytes
    amount: int
    snapshot_mac: bytes
    state: str
    order_id: UUID | None


async def add(tx: Tx, merchant: UUID, url: str, sealed: bytes, items: list[str]) -> bool:
    """Register a biller; return whether it is a merchant with these items, and no biller yet."""
    return await tx.fetchval(_ADD, merchant, url, sealed, items) is not None


async def billers(db: Db) -> list[Any]:
    """Return id, name and items of every biller that takes money now."""
    rows: list[Any] = await db.fetch(_BILLERS)
    return rows


async def find(db: Db, biller: UUID) -> Connection | None:
    """Return how a biller is reached, None where there is none that takes money now."""
    row = await db.fetchrow(_BILLER, biller)
    return None if row is None else Connection(**row)


async def seen(
    db: Db, bill: UUID, biller: UUID, item: str, card: int, index: bytes, facts: bytes, amount: int, mac: bytes
) -> None:
    """Keep what a biller answered to a holder."""
    await db.execute(_SEEN, bill, biller, item, card, index, facts, amount, mac)


async def bills(db: Db, card: int) -> list[Stored]:
    """Return a holder's bills, the last seen first."""
    return [
        Stored(**row) for row in await db.fetch(f"{_BILL} WHERE b.card = $1 ORDER BY b.seen_at DESC LIMIT 100", card)
    ]


async def by_index(db: Db, card: int, biller: UUID, indexes: list[bytes]) -> list[Stored]:
    """Return a holder's bills among those of these blind indexes."""
    sql = f"{_BILL} WHERE b.card = $1 AND b.biller = $2 AND b.bill_index = ANY ($3) ORDER BY b.seen_at, b.id"
    return [Stored(**row) for row in await db.fetch(sql, card, biller, indexes)]


async def bill(db: Db, number: UUID, card: int) -> Stored | None:
    """Return a holder's bill."""
    row = await db.fetchrow(f"{_BILL} WHERE b.id = $1 AND b.card = $2", number, card)
    return None if row is None else Stored(**row)


async def ordered(tx: Tx, number: UUID, snapshot_mac: bytes, order: UUID, card: int) -> bool:
    """Note that an order, which only this card's holder may pay, is to pay for an open bill.

    Return False where it is not open any more or not what was confirmed, or somebody else is paying the same bill.
    """
    try:
        done = await tx.fetchval(_ORDERED, number, order, snapshot_mac)
    except asyncpg.UniqueViolationError:
        return False
    await tx.execute(_PAYER, order, card)
    return done is not None


async def elsewhere(db: Db, number: UUID, before: str) -> bool:
    """Note that a bill, so far in state `before`, was paid at the agency by other means."""
    return await db.fetchval(_ELSEWHERE, number, before) is not None


async def to_mark(db: Db, number: UUID) -> Row | None:
    """Return a bill that is paid and not yet marked at the agency."""
    return await db.fetchrow(_TO_MARK, number)


async def marked(db: Db, number: UUID) -> None:
    """Note that the agency has heard."""
    await db.execute(_MARKED, number)


async def refund(
    db: Db, number: UUID, attempt: UUID, order: UUID, merchant: UUID, bill_id: UUID, amount: int, reason: str
) -> Row:
    """Begin to give a bill's money back: once for a bill, in one statement; return what the bank is to be asked."""
    text = bill_id.hex
    return await db.fetchrow(_REFUND, number, attempt, order, merchant, text, b"", text, amount, reason)


async def tell_on(pool: Pool) -> None:
    """Tell again of bills whose message was given up, or forgotten."""
    await pool.execute(_TELL_ON)
