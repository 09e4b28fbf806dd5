"""The table of merchants."""

from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from ecard.db import Db, Tx
from pay.merchants.errors import MerchantExists
from pay.merchants.schemas import MerchantRequest

_INSERT = """
    INSERT INTO merchant (agency, name, category, bank, bank_account, items, order_limit, small_free_limit, payable)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, ledger_account('merchant', $1::uuid::text, 'merchant_payable'))
"""
_COLUMNS = """
    SELECT agency, name, category, bank, bank_account, items, order_limit, small_free_limit,
           suspended_at IS NOT NULL AS suspended
    FROM merchant
"""
_SUSPEND = """
    UPDATE merchant SET suspended_at = CASE WHEN $2 THEN coalesce(suspended_at, now()) END WHERE agency = $1
    RETURNING true
"""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A merchant's row; the account number is sealed."""

    agency: UUID
    name: str
    category: str
    bank: str
    bank_account: bytes
    items: list[str]
    order_limit: int
    small_free_limit: int
    suspended: bool


async def insert(tx: Tx, asked: MerchantRequest, sealed: bytes) -> None:
    """Add a merchant with its account in the ledger; raises MerchantExists."""
    columns = (asked.agency, asked.name, asked.category, asked.bank, sealed, asked.items)
    try:
        await tx.execute(_INSERT, *columns, asked.order_limit, asked.small_free_limit)
    except asyncpg.UniqueViolationError:
        raise MerchantExists from None


async def find(db: Db, agency: UUID) -> Stored:
    """Return the merchant of an agency, which is registered."""
    return Stored(**await db.fetchrow(f"{_COLUMNS} WHERE agency = $1", agency))


async def every(db: Db) -> list[Stored]:
    """Return all merchants, oldest first."""
    rows: list[Any] = await db.fetch(f"{_COLUMNS} ORDER BY created_at, agency")
    return [Stored(**row) for row in rows]


async def suspend(tx: Tx, agency: UUID, *, suspended: bool) -> bool:
    """Note whether the merchant is suspended; return whether there is such a merchant."""
    return await tx.fetchval(_SUSPEND, agency, suspended) is not None
