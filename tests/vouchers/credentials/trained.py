"""Somebody who has completed a training, made by the database's own commands: what leads there is tested elsewhere."""

import asyncio
import secrets
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from ecard.client import Phone
from ecard.ids import new_id
from tests.bureau import Bureau, new_uscc

_PROGRAMME = """
    INSERT INTO voucher_programme (id, name, kind, worth, level, content, region, validity_days)
    VALUES ($1, $2, 'general', $3, 'basic', '婴幼儿照护的基本知识与操作', '640100', 90)
"""
_BATCH = """
    INSERT INTO voucher_batch (id, programme, number, source, face, quantity, pushed, valid_from, valid_until)
    VALUES ($1, $2, '2026-01', 'province', $4, $3, false, now() - interval '1 day', now() + interval '80 days')
"""
_CLASS = """
    INSERT INTO training_class (id, institution, programme, name, capacity, fee, hours, min_hours, starts_at, ends_at,
                                created_by)
    VALUES ($1, $2, $3, '育婴员第 3 班', 30, $4, 8, 4, now() - interval '1 hour', now() + interval '3 hours', $2)
"""
_SESSION = """
    INSERT INTO class_session (class, n, starts_at, ends_at, opens_at, closes_at, hours)
    VALUES ($1, 1, now() - interval '1 hour', now() + interval '3 hours', now() - interval '2 hours',
            now() + interval '1 hour', 8)
"""
_ATTENDED = """
    WITH seen AS (
        INSERT INTO visit (id, terminal, agency, request_id, body_sha256, item, form, evidence, strength, amr, fields,
                           kid, keys_as_of, card, level)
        SELECT $1::uuid, $2::uuid, $2::uuid, $1::uuid::text, '', 'A1-73', 'electronic', 'code', 'possession', '{}',
               '{}', '', 0, c.seq, 1
        FROM card c WHERE c.holder = $3 RETURNING id
    ) INSERT INTO attendance (id, class, session, voucher, how, terminal, visit, seen_at)
        SELECT id, $4, 1, $5, 'code', $2, id, now() FROM seen
"""
_COMPLETION = """
    INSERT INTO completion (id, class, voucher, round, hours, needed, amount, submitted_by)
    VALUES ($1, $2, $3, 1, 8, 4, $5, $4)
"""


class Trained(NamedTuple):
    """A learner whose completion passed: phone, voucher, certificate, and where it was."""

    phone: Phone
    voucher: UUID
    credential: UUID
    programme: UUID
    institution: UUID


class Academy:
    """An institution with a class of a programme that anybody may claim from, and free vouchers for it.

    With `face` (分), the programme has a budget of twice as much as its vouchers, and the institution is a merchant.
    """

    def __init__(self, bureau: Bureau, vouchers: int = 20, face: int = 0) -> None:
        self.bureau, self.face = bureau, face
        self.agency = UUID(str(bureau.registrar.register_agency("测试职业培训学校", new_uscc())))
        self.programme, self.klass = new_id(), new_id()
        self.title = f"育婴员初级 {secrets.token_hex(4)}"
        if face:
            self._as_merchant()
        asyncio.run(self._open(vouchers))

    def _as_merchant(self) -> None:
        paid = {"bank": "SANDBOX", "bank_account": "6299990000000000012", "order_limit": 1_000_000}
        named = {"agency": str(self.agency), "name": "测试职业培训学校", "category": "8249", "items": ["A1-75"]}
        self.bureau.finance.call("POST", "/v1/merchants", {**named, **paid, "small_free_limit": 0})

    async def _open(self, vouchers: int) -> None:
        db, batch = await self._connected(), new_id()
        try:
            await db.execute(
                "INSERT INTO institution (agency, kind, region) VALUES ($1, 'private', '640100')", self.agency
            )
            await db.execute(_PROGRAMME, self.programme, self.title, "face" if self.face else "entitlement")
            if self.face:
                await db.fetchval("SELECT voucher_budget($1, 'province', $2)", self.programme, 2 * vouchers * self.face)
            await db.execute(_BATCH, batch, self.programme, vouchers, self.face)
            assert await db.fetchval("SELECT voucher_batch_begin($1)", batch) == "ok"
            while (await db.fetchval("SELECT issued FROM voucher_batch WHERE id = $1", batch)) < vouchers:
                await db.fetchval("SELECT voucher_batch_issue($1, 1000)", batch)
            await db.execute(_CLASS, self.klass, self.agency, self.programme, self.face)
            await db.execute(_SESSION, self.klass)
        finally:
            await db.close()

    def claimed(self, phone: Phone) -> UUID:
        """Return the voucher that a holder claims."""
        return UUID(
            str(asyncio.run(self._one("SELECT voucher FROM voucher_claim($1, $2, $3, NULL, NULL, NULL)", phone)))
        )

    def train(self, phone: Phone | None = None) -> Trained:
        """Take a holder (a new one by default) from the claim to the second audit."""
        learner = phone or self.bureau.phone()
        return asyncio.run(self._train(learner, self.claimed(learner)))

    def redeem(self, one: Trained) -> None:
        """Redeem the learner's voucher."""
        asyncio.run(self._end(one.voucher, reverse=False))

    def reverse(self, one: Trained) -> None:
        """Redeem the learner's voucher and reverse it."""
        asyncio.run(self._end(one.voucher, reverse=True))

    async def _one(self, sql: str, phone: Phone) -> Any:
        db = await self._connected()
        try:
            card = await db.fetchval("SELECT card FROM device WHERE actor = $1", phone.actor)
            return await db.fetchval(sql, self.programme, card, phone.actor)
        finally:
            await db.close()

    async def _train(self, phone: Phone, voucher: UUID) -> Trained:
        db, completion = await self._connected(), new_id()
        try:
            holder = await db.fetchval("SELECT holder FROM voucher WHERE id = $1", voucher)
            step = "SELECT voucher_step($1, $2, $3, $3, $4, p_class => $5, p_institution => $6)"
            bound = (self.agency, self.klass, self.agency)
            assert await db.fetchval(step, voucher, ["claimed"], "bound", *bound)
            assert await db.fetchval(step, voucher, ["bound"], "in_use", *bound)
            await db.execute(_ATTENDED, new_id(), self.agency, holder, self.klass, voucher)
            assert await db.fetchval(step, voucher, ["in_use"], "completed", *bound)
            await db.execute(_COMPLETION, completion, self.klass, voucher, self.agency, self.face)
            for operator in ("training", "registrar"):
                actor = self.bureau.operators[operator].actor
                await db.fetchval("SELECT completion_judge($1, $2, true, NULL, NULL)", completion, actor)
            credential = await db.fetchval("SELECT id FROM credential WHERE voucher = $1", voucher)
            return Trained(phone, voucher, credential, self.programme, self.agency)
        finally:
            await db.close()

    async def _end(self, voucher: UUID, *, reverse: bool) -> None:
        db, actor = await self._connected(), self.bureau.training.actor
        try:
            redeem = "SELECT outcome FROM voucher_redeem($1, $2, $2, $1::uuid::text)"
            assert await db.fetchval(redeem, voucher, self.agency) == "ok"
            if reverse:
                assert await db.fetchval("SELECT voucher_reverse($1, $2, '审计')", voucher, actor) == "ok"
        finally:
            await db.close()

    async def _connected(self) -> "asyncpg.Connection[asyncpg.Record]":
        assert self.bureau.settings is not None
        return await asyncpg.connect(self.bureau.settings.database_url)
