"""Vouchers past the application: the same SQL functions that it calls, from as many connections as a race wants."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from ecard.db import Pool
from ecard.ids import new_id
from ecard.settings import Settings
from tests.pay.ledger.accounts import pool_of

FACE = 100
_HOLDERS = """
    WITH made AS (
        INSERT INTO holder (id, id_index, profile)
            SELECT gen_random_uuid(), uuid_send(gen_random_uuid()), '' FROM generate_series(1, $1) RETURNING id)
    INSERT INTO card (holder, card_no_index) SELECT id, uuid_send(gen_random_uuid()) FROM made RETURNING seq
"""


@contextlib.asynccontextmanager
async def connections(settings: Settings, size: int = 16) -> AsyncIterator[Pool]:
    """Yield a pool on the database of `settings`, all of its connections open."""
    async with pool_of(settings, size) as pool:
        await asyncio.gather(*(pool.fetchval("SELECT pg_sleep(0.05)") for _ in range(size)))
        yield pool


async def programme(db: Any, *, money: int, per_person: int = 1, once: bool = False) -> UUID:
    """Return a new programme with money of one source."""
    made = new_id()
    sql = """
        INSERT INTO voucher_programme (id, name, kind, worth, level, content, region, validity_days, per_person, once)
        VALUES ($1, $1::uuid::text, 'general', 'face', 'basic', '养老护理员', '640100', 92, $2, $3)
    """
    await db.execute(sql, made, per_person, once)
    await db.execute("SELECT voucher_budget($1, 'province', $2)", made, money)
    return made


async def batch(db: Any, of: UUID, quantity: int, *, issued: bool = True) -> UUID:
    """Return a batch of a programme whose money was set aside, and (unless said) whose vouchers exist."""
    made = new_id()
    sql = """
        INSERT INTO voucher_batch (id, programme, number, source, face, quantity, pushed, valid_from, valid_until)
            VALUES ($1, $2, $1::uuid::text, 'province', $3, $4, false, clock_timestamp(),
                    clock_timestamp() + interval '1 day')
    """
    await db.execute(sql, made, of, FACE, quantity)
    assert await db.fetchval("SELECT voucher_batch_begin($1)", made) == "ok"
    if issued:
        assert await db.fetchval("SELECT voucher_batch_issue($1, $2)", made, quantity) == quantity
    return made


async def cards(db: Any, count: int) -> list[int]:
    """Return the cards of new holders."""
    return [row["seq"] for row in await db.fetch(_HOLDERS, count)]


async def institution(db: Any) -> UUID:
    """Return a new agency that is a merchant."""
    agency = new_id()
    uscc = str(agency.int)[-18:]
    await db.execute("INSERT INTO agency (id, name, uscc) VALUES ($1, '测试学校', $2)", agency, uscc)
    sql = """
        INSERT INTO merchant (agency, name, category, bank, bank_account, items, order_limit, small_free_limit, payable)
        VALUES ($1, '测试学校', '8299', 'SANDBOX', '', '{A1-75}', 1000, 0,
                ledger_account('merchant', $1::uuid::text, 'merchant_payable'))
    """
    await db.execute(sql, agency)
    return agency


async def walked(db: Any, to: str, of: UUID, card: int, school: UUID) -> UUID:
    """Return a voucher that a card's holder claimed and that went as far as `to`."""
    row = await db.fetchrow("SELECT outcome, voucher FROM voucher_claim($1, $2, NULL, NULL, NULL, NULL)", of, card)
    assert row["outcome"] == "ok", row
    before = "claimed"
    for state in ("bound", "in_use", "completed", "audited"):
        if before == to:
            break
        sql = "SELECT voucher_step($1, ARRAY[$2]::text[], $3, $3, NULL, p_class => $4, p_institution => $4)"
        assert await db.fetchval(sql, row["voucher"], before, state, school)
        before = state
    voucher: UUID = row["voucher"]
    return voucher


async def at_once(pool: Pool, statements: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Return what each statement (SQL and arguments) gives, all sent at once."""
    return list(await asyncio.gather(*(pool.fetchval(*one) for one in statements)))
