"""Refunds: in a row by the order's lock, never more than was paid, each an attempt of its own at the bank."""

from hashlib import sha256
from typing import Any
from uuid import UUID

import asyncpg

from ecard.callers import Terminal
from ecard.db import Db
from ecard.errors import NotFound
from ecard.idempotency import InFlight, KeyReused
from ecard.ids import new_id
from pay.banks.bank import Credit
from pay.orders import store
from pay.orders.asking import Till, ask
from pay.orders.errors import BalanceShort, NotRefundable, OutRefundNoUsed, OverRefund
from pay.orders.model import IN_FLIGHT_SECONDS, RefundState
from pay.orders.schemas import Refund, RefundRequest

_REFUND = """
    SELECT outcome, refundable, bank, bank_ref, of_ref FROM pay_refund($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
_KNOWN = """
    SELECT r.id, r.order_id, r.out_refund_no, r.terminal, r.request_id, r.body_sha256, r.amount, r.reason, r.state,
           r.created_at, r.done_at,
           coalesce(a.outcome = 'sent' AND a.sent_at > clock_timestamp() - make_interval(secs => $1), false)
               AS in_flight
    FROM refund r JOIN pay_order o ON o.id = r.order_id LEFT JOIN bank_attempt a ON a.subject = r.id AND a.seq = 1
    WHERE r.order_id = $2 AND o.merchant = $3
"""
_NO_BALANCE = "LG001"
"""The ledger's SQLSTATE for an account that has too little."""


async def refund(
    till: Till, by: Terminal, order: UUID, asked: RefundRequest, *, key: str, body: bytes
) -> tuple[Refund, bool]:
    """Give money of an order back; return the refund, and whether this is a retry.

    What may go out is taken from the order and held at the merchant in one statement, before the bank is asked.
    Raises NotFound, NotRefundable, OverRefund, OutRefundNoUsed, BalanceShort, KeyReused, InFlight.
    """
    pool, body_sha256 = till.runtime.pool, sha256(order.bytes + body).digest()
    number, attempt = new_id(), new_id()
    try:
        made = await pool.fetchrow(
            _REFUND,
            number,
            attempt,
            order,
            by.agency,
            by.actor,
            key,
            body_sha256,
            asked.out_refund_no,
            asked.amount,
            asked.reason,
        )
    except asyncpg.UniqueViolationError:
        # The key is at this moment used for a refund of another order.
        raise KeyReused from None
    except asyncpg.PostgresError as error:
        if error.sqlstate == _NO_BALANCE:
            raise BalanceShort from None
        raise
    match made["outcome"]:
        case "ok":
            credit = Credit(made["bank_ref"], made["of_ref"], asked.amount, asked.reason)
            await ask(till, made["bank"], attempt, credit)
            return await _find(pool, by, order, asked.out_refund_no), False
        case "taken":
            return await _again(pool, by, order, asked.out_refund_no, key, body_sha256), True
        case "not_found":
            raise NotFound
        case "over_refund":
            raise OverRefund(refundable=made["refundable"])
        case "not_refundable":
            known = await store.find(pool, order)
            raise NotRefundable(state=known.state.value if known else None)
        case _:
            raise KeyReused


async def refunds(db: Db, by: Terminal, order: UUID) -> list[Refund]:
    """Return the refunds of an order of the terminal's agency, oldest first; raises NotFound."""
    known = await store.find(db, order)
    if known is None or known.merchant != by.agency:
        raise NotFound
    return [_view(row) for row in await db.fetch(f"{_KNOWN} ORDER BY r.created_at, r.id", 0, order, by.agency)]


async def _again(db: Db, by: Terminal, order: UUID, out_refund_no: str, key: str, body_sha256: bytes) -> Refund:
    row = await _row(db, by, order, out_refund_no)
    if (row["terminal"], row["request_id"]) != (by.actor, key):
        raise OutRefundNoUsed
    if row["body_sha256"] != body_sha256:
        raise KeyReused
    if row["in_flight"]:
        raise InFlight(headers={"Retry-After": "1"})
    return _view(row)


async def _find(db: Db, by: Terminal, order: UUID, out_refund_no: str) -> Refund:
    return _view(await _row(db, by, order, out_refund_no))


async def _row(db: Db, by: Terminal, order: UUID, out_refund_no: str) -> Any:
    return await db.fetchrow(f"{_KNOWN} AND r.out_refund_no = $4", IN_FLIGHT_SECONDS, order, by.agency, out_refund_no)


def _view(row: Any) -> Refund:
    return Refund(
        id=row["id"],
        order=row["order_id"],
        out_refund_no=row["out_refund_no"],
        amount=row["amount"],
        reason=row["reason"],
        state=RefundState(row["state"]),
        created_at=int(row["created_at"].timestamp()),
        done_at=None if row["done_at"] is None else int(row["done_at"].timestamp()),
    )
