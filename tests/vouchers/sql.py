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

COMPLETED = """
    WITH v AS (
        SELECT id, programme, institution, coalesce($2, face) AS amount FROM voucher WHERE id = ANY ($1::uuid[])
    ), i AS (
        INSERT INTO institution (agency, kind, region) SELECT DISTINCT institution, 'private', '640100' FROM v
            ON CONFLICT DO NOTHING
    ), t AS (
        INSERT INTO training_class (id, institution, programme, name, capacity, fee, hours, min_hours, starts_at,
                                    ends_at, created_by)
            SELECT $3, institution, programme, '养老护理员一班', 1, 0, 1, 1, now(), now() + interval '1 day',
                   institution
            FROM v LIMIT 1
    ), n AS (
        INSERT INTO completion (id, class, voucher, round, hours, needed, amount, submitted_by)
            SELECT gen_random_uuid(), $3, id, 1, 1, 1, amount, institution FROM v RETURNING id, amount
    ) INSERT INTO completion_audit (completion, level, actor, passed, amount)
        SELECT n.id, level, gen_random_uuid(), true, n.amount FROM n, generate_series(1, 2) level
"""
"""What two operators say of completed vouchers: their ids, the amount of each (None: its face), a new class's id."""
PASSED = """
    UPDATE completion SET state = 'passed', decided_at = clock_timestamp()
    WHERE voucher = ANY ($1::uuid[]) AND state = 'submitted'
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


async def passed(db: Any, *vouchers: UUID, amount: int | None = None) -> None:
    """Let two operators pass completed vouchers, of which none is audited yet."""
    await db.execute(COMPLETED, vouchers, amount, new_id())
    await db.execute(PASSED, vouchers)


async def walked(db: Any, to: str, of: UUID, card: int, school: UUID, *, amount: int = FACE) -> UUID:
    """Return a voucher that a card's holder claimed and that went as far as `to`."""
    row = await db.fetchrow("SELECT outcome, voucher FROM voucher_claim($1, $2, NULL, NULL, NULL, NULL)", of, card)
    assert row["outcome"] == "ok", row
    before = "claimed"
    for state in ("bound", "in_use", "completed", "audited"):
        if before == to:
            break
        if state == "audited":
            await passed(db, row["voucher"], amount=amount)
        sql = """
            SELECT voucher_step($1, ARRAY[$2]::text[], $3, $3, NULL, p_class => $4, p_institution => $4,
                                p_amount => $5)
        """
        assert await db.fetchval(sql, row["voucher"], before, state, school, amount)
        before = state
    voucher: UUID = row["voucher"]
    return voucher


async def at_once(pool: Pool, statements: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Return what each statement (SQL and arguments) gives, all sent at once."""
    return list(await asyncio.gather(*(pool.fetchval(*one) for one in statements)))
