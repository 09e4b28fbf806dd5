"""The table of order codes."""

from uuid import UUID

import msgspec

from ecard.db import Db, Tx

_ADD = """
    INSERT INTO order_code (id, merchant, terminal, kind, item, subject, order_id) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_FIND = """
    SELECT c.id, c.merchant, m.name, m.category, c.kind, c.item, c.subject, c.order_id, c.terminal,
           o.amount, o.payer,
           c.ended_at IS NOT NULL OR m.suspended_at IS NOT NULL
           OR coalesce(o.state <> 'created' OR o.expires_at <= clock_timestamp(), false) AS ended
    FROM order_code c JOIN merchant m ON m.agency = c.merchant LEFT JOIN pay_order o ON o.id = c.order_id
    WHERE c.id = $1
"""
_MERCHANT = "SELECT name, category, items FROM merchant WHERE agency = $1 AND suspended_at IS NULL"
_END = "UPDATE order_code SET ended_at = now() WHERE id = $1 AND merchant = $2 AND ended_at IS NULL RETURNING true"
_PAYER = "UPDATE pay_order SET payer = $2 WHERE id = $1 AND state = 'created' AND payer IS NULL"


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A code's row, with its merchant and its order."""

    id: UUID
    merchant: UUID
    name: str
    category: str
    kind: str
    item: str
    subject: str
    order_id: UUID | None
    terminal: UUID
    amount: int | None
    payer: int | None
    ended: bool


class Payee(msgspec.Struct, frozen=True, kw_only=True):
    """A merchant, as a code says it."""

    name: str
    category: str
    items: list[str]


async def payee(db: Db, merchant: UUID) -> Payee | None:
    """Return the merchant that takes money now under this id."""
    row = await db.fetchrow(_MERCHANT, merchant)
    return None if row is None else Payee(**row)


async def add(tx: Tx, *columns: object) -> None:
    """Add a code: id, merchant, terminal, kind, item, subject, order."""
    await tx.execute(_ADD, *columns)


async def find(db: Db, code: UUID) -> Known | None:
    """Return what a code's text names."""
    row = await db.fetchrow(_FIND, code)
    return None if row is None else Known(**row)


async def end(db: Db, code: UUID, merchant: UUID) -> bool:
    """Withdraw a merchant's code; return whether it was in use."""
    return await db.fetchval(_END, code, merchant) is not None


async def hold(tx: Tx, order: UUID, card: int) -> None:
    """Reserve a payer's own order for them."""
    await tx.execute(_PAYER, order, card)
