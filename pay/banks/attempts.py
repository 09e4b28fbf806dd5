"""Attempts at a bank: the rows of `bank_attempt` that are not decided, and those that a person must decide."""

from typing import Any
from uuid import UUID

import msgspec

from ecard.db import Db, Tx, in_batches
from pay.banks.bank import Answer

# A row is taken by moving its time ahead: no lock is held while a bank is asked, and a process that dies leaves its
# rows to the next. Three requests are made at most before the row is looked at again.
_TAKE = """
    UPDATE bank_attempt t SET checks = least(checks + 1, 30000),
        next_check_at = clock_timestamp() + make_interval(secs => 2 + 3 * coalesce(
            (SELECT (b.ladder ->> 'timeout')::double precision FROM bank b WHERE b.code = t.bank), 5))
    WHERE t.id IN (SELECT a.id FROM bank_attempt a WHERE a.next_check_at <= clock_timestamp()
                   ORDER BY a.next_check_at LIMIT $1 FOR UPDATE SKIP LOCKED)
      AND t.outcome IN ('sent', 'unknown')
    RETURNING t.id, t.kind, t.bank, t.bank_ref AS ref, t.amount, t.order_id, t.subject, t.reversing,
              extract(epoch FROM clock_timestamp() - t.sent_at)::double precision AS age,
              EXISTS (SELECT FROM bank_suspension s WHERE s.attempt = t.id) AS suspended
"""
_LATER = """
    UPDATE bank_attempt SET next_check_at = clock_timestamp() + make_interval(secs => $2),
        raw_code = coalesce($3, raw_code)
    WHERE id = $1 AND outcome IN ('sent', 'unknown')
"""
_BOOK = "SELECT outcome FROM pay_book($1, $2, $3, $4)"
_REVERSING = "SELECT pay_reverse($1)"
_SUSPEND = "SELECT bank_suspend($1)"
_REFUND = """
    SELECT p.bank_ref AS of, r.reason FROM refund r
    JOIN bank_attempt p ON p.order_id = r.order_id AND p.kind = 'pay' AND p.outcome = 'ok' WHERE r.id = $1
"""
_NOTICED = "SELECT bank_noticed($1, $2, $3)"
_DECIDE = "SELECT bank_decide($1, $2, $3, $4)"
_FIND = "SELECT kind, bank, bank_ref FROM bank_attempt WHERE id = $1"
_LIST = """
    SELECT a.id, a.order_id AS order, a.kind, a.bank, a.bank_ref, a.amount, a.reversing, a.checks, a.raw_code AS code,
           a.sent_at, s.opened_at AS suspended_at, s.proposed, s.proposed_by, s.reason
    FROM bank_attempt a LEFT JOIN bank_suspension s ON s.attempt = a.id AND s.closed_at IS NULL
    WHERE a.next_check_at IS NOT NULL AND a.outcome IN ('sent', 'unknown')
      AND ($1 = 'undecided' OR s.attempt IS NOT NULL) AND a.id > $2
    ORDER BY a.id LIMIT $3
"""
_FORGET = """
    DELETE FROM bank_notice WHERE (bank, event) IN (
        SELECT bank, event FROM bank_notice WHERE at < now() - interval '90 days' LIMIT 5000 FOR UPDATE SKIP LOCKED)
"""


class Attempt(msgspec.Struct, frozen=True):
    """An undecided attempt; `age` is in seconds since it was sent, `subject` the order, refund or pay-out."""

    id: UUID
    kind: str
    bank: str
    ref: str
    amount: int
    order_id: UUID | None
    subject: UUID
    reversing: bool
    age: float
    suspended: bool


async def take(db: Db, most: int) -> list[Attempt]:
    """Return attempts that are due; each is due again after a while unless it is decided by then."""
    return [Attempt(**row) for row in await db.fetch(_TAKE, most)]


async def later(db: Db, attempt: UUID, seconds: float, heard: str | None = None) -> None:
    """Say when an undecided attempt is due again, and what its bank said of it, if it was heard."""
    await db.execute(_LATER, attempt, seconds, heard)


async def book(db: Db, attempt: UUID, answer: Answer, *, of_reversal: bool) -> str:
    """Book what a bank said of a payment or a refund: booked, again, conflict, reversing or not_found."""
    return str(await db.fetchval(_BOOK, attempt, answer.outcome.value, answer.code, of_reversal))


async def reversing(db: Db, attempt: UUID) -> bool:
    """Note that the bank is about to be asked to undo a payment; False when it is decided."""
    return bool(await db.fetchval(_REVERSING, attempt))


async def suspend(db: Db, attempt: UUID) -> bool:
    """Suspend an attempt and book its amount to suspense; False when it is decided or suspended already."""
    return bool(await db.fetchval(_SUSPEND, attempt))


async def refund(db: Db, number: UUID) -> tuple[str, str] | None:
    """Return the reference under which a refund's order was paid, and the refund's reason."""
    row = await db.fetchrow(_REFUND, number)
    return None if row is None else (row["of"], row["reason"])


async def noticed(db: Db, bank: str, event: str, ref: str) -> str:
    """Take a notification in: again, asked, known or unknown."""
    return str(await db.fetchval(_NOTICED, bank, event, ref))


async def decide(tx: Tx, attempt: UUID, by: UUID, outcome: str, reason: str) -> str:
    """Record what an operator says of a suspended attempt; return what came of it (`bank_decide`)."""
    return str(await tx.fetchval(_DECIDE, attempt, by, outcome, reason))


async def find(db: Db, attempt: UUID) -> Any:
    """Return kind, bank and reference of an attempt, or None."""
    return await db.fetchrow(_FIND, attempt)


async def undecided(db: Db, state: str, after: UUID, limit: int) -> list[Any]:
    """Return undecided attempts (or those `suspended`) by id, beyond `after`."""
    rows: list[Any] = await db.fetch(_LIST, state, after, limit)
    return rows


async def forget(db: Db) -> None:
    """Drop notifications of three months ago: nobody repeats them any more."""
    await in_batches(db, _FORGET)
