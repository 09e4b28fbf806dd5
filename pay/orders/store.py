"""Orders in the database: one function for each command (`0004_order_commands.sql`), and what is read of them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from ecard.db import Db, Pool, Tx
from ecard.desk.model import Evidence
from pay.orders.model import Class, OrderKind, OrderState

_CHARGE = """
    SELECT outcome, state, bank, bank_ref, profile, first_at, expires_at, at FROM pay_charge(
        $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
"""
_OPEN = "SELECT pay_open($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
_CONFIRM = """
    SELECT outcome, state, bank, bank_ref, profile, amount, subject
    FROM pay_confirm($1, $2, $3, $4, $5, $6, $7)
"""
_CLOSE = "SELECT outcome, state FROM pay_close($1, $2, $3)"
_BOOK = "SELECT outcome, order_id, state, paid_at FROM pay_book($1, $2, $3)"
# The registry may have changed since the profile was read: then nothing is bound, and the next try reads it anew.
_BIND = """
    INSERT INTO payer (card, bank)
    SELECT c.seq, $3 FROM card c JOIN holder h ON h.id = c.holder WHERE c.seq = $1 AND h.profile = $2 FOR SHARE OF h
    ON CONFLICT (card) DO UPDATE SET bank = EXCLUDED.bank
"""
_TERMS = """
    INSERT INTO payer (card, free_each, free_times, agreed) VALUES ($1, $2, $3, $4)
    ON CONFLICT (card) DO UPDATE
        SET free_each = EXCLUDED.free_each, free_times = EXCLUDED.free_times, agreed = EXCLUDED.agreed
"""
_ORDER = """
    SELECT o.id, o.merchant, o.out_trade_no, o.terminal, o.request_id, o.body_sha256, o.item, o.subject, o.kind,
           CASE WHEN o.state IN ('created', 'user_confirming') AND o.expires_at <= clock_timestamp() THEN 'closed'
                ELSE o.state END AS state,
           o.amount, o.refunded, o.payer, o.created_at, o.expires_at, o.paid_at,
           a.outcome AS attempt, a.raw_code,
           coalesce(a.outcome = 'sent' AND a.sent_at > clock_timestamp() - make_interval(secs => $1), false)
               AS in_flight
    FROM pay_order o LEFT JOIN bank_attempt a ON a.subject = o.id AND a.seq = 1
"""
_BY_NUMBER = f"{_ORDER} WHERE o.merchant = $2 AND o.out_trade_no = $3"
_MINE = """
    SELECT o.id, m.name AS merchant, o.item, o.subject, o.kind,
           CASE WHEN o.state IN ('created', 'user_confirming') AND o.expires_at <= clock_timestamp() THEN 'closed'
                ELSE o.state END AS state,
           o.amount, o.refunded, o.payer, o.created_at, o.expires_at, o.paid_at
    FROM pay_order o JOIN merchant m ON m.agency = o.merchant
"""
_LATEST = f"""
    {_MINE} JOIN visit v ON v.id = o.id WHERE v.card = $1 AND v.at < $2 ORDER BY v.at DESC LIMIT $3
"""

# An unbound phone is shown nothing, even by a call that began before.
_WAITING = f"""
    {_MINE} JOIN visit v ON v.id = o.id JOIN device d ON d.actor = $2 AND d.unbound_at IS NULL
    WHERE v.card = $1 AND v.at > clock_timestamp() - make_interval(secs => $3)
        AND o.state = 'user_confirming' AND o.expires_at > clock_timestamp() ORDER BY v.at DESC
"""


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """A charge about to be made: by whom, for what, and what the holder has still to prove."""

    id: UUID
    attempt: UUID
    terminal: UUID
    merchant: UUID
    request_id: str
    body_sha256: bytes
    out_trade_no: str
    amount: int
    subject: str
    item: str
    level: int
    confirm: bool
    confirm_seconds: int
    banks: Sequence[str]
    evidence_class: Class


class Charged(msgspec.Struct, frozen=True, kw_only=True):
    """What `pay_charge` answered; `profile` is sealed, `bank_ref` is None where the password is waited for."""

    outcome: str
    state: OrderState | None
    bank: str | None
    bank_ref: str | None
    profile: bytes | None
    first_at: Any
    expires_at: Any
    at: Any


class Confirmed(msgspec.Struct, frozen=True, kw_only=True):
    """What `pay_confirm` answered."""

    outcome: str
    state: str | None
    bank: str | None
    bank_ref: str | None
    profile: bytes | None
    amount: int | None
    subject: str | None


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """What `pay_book` answered: booked, again, conflict or not_found, and how the order stands."""

    outcome: str
    order_id: UUID | None
    state: OrderState | None
    paid_at: Any


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """An order with the request that made it, and how its attempt stands."""

    id: UUID
    merchant: UUID
    out_trade_no: str
    terminal: UUID | None
    request_id: str
    body_sha256: bytes
    item: str
    subject: str
    kind: OrderKind
    state: OrderState
    amount: int
    refunded: int
    payer: int | None
    created_at: Any
    expires_at: Any
    paid_at: Any
    attempt: str | None
    raw_code: str | None
    in_flight: bool


async def charge(pool: Pool, asked: Charge, evidence: Evidence) -> Charged:
    """Make a charge in one statement, which is its own transaction."""
    row = await pool.fetchrow(
        _CHARGE,
        asked.id,
        asked.attempt,
        asked.terminal,
        asked.merchant,
        asked.request_id,
        asked.body_sha256,
        asked.out_trade_no,
        asked.amount,
        asked.subject,
        asked.item,
        asked.level,
        asked.confirm,
        asked.confirm_seconds,
        asked.banks,
        evidence.form.value,
        evidence.kind,
        evidence.strength.value,
        evidence.amr,
        asked.evidence_class.value,
        evidence.card,
        evidence.device,
        evidence.once,
        evidence.shadow,
    )
    return Charged(**{**row, "state": None if row["state"] is None else OrderState(row["state"])})


async def open_order(tx: Tx, order: UUID, *columns: object) -> tuple[str, Known | None]:
    """Make an order that waits for a holder; return the outcome, and the order where it was made.

    `columns`: merchant, terminal, request id, SHA-256 of the body, the merchant's number, amount, subject, item,
    kind, seconds.
    """
    outcome = await tx.fetchval(_OPEN, order, *columns)
    return outcome, await find(tx, order) if outcome == "ok" else None


async def confirm(
    pool: Pool, order: UUID, attempt: UUID, card: int, actor: UUID, busi_seq: UUID, level: int, banks: Sequence[str]
) -> Confirmed:
    """Confirm an order in one statement, which is its own transaction."""
    return Confirmed(**await pool.fetchrow(_CONFIRM, order, attempt, card, actor, busi_seq, level, banks))


async def close(db: Db, order: UUID, *, merchant: UUID | None = None, card: int | None = None) -> tuple[str, str]:
    """End an order that waits, as its merchant or as its payer; return the outcome and the state."""
    row = await db.fetchrow(_CLOSE, order, merchant, card)
    return row["outcome"], row["state"]


async def book(db: Db, attempt: UUID, outcome: str, raw_code: str) -> Booked:
    """Book what a bank said of an attempt."""
    row = await db.fetchrow(_BOOK, attempt, outcome, raw_code)
    return Booked(**{**row, "state": None if row["state"] is None else OrderState(row["state"])})


async def bind(pool: Pool, card: int, profile: bytes, bank: str) -> None:
    """Note which bank a card's account is at, as long as the registry says what `profile` does."""
    await pool.execute(_BIND, card, profile, bank)


async def agree(tx: Tx, card: int, free_each: int, free_times: int, agreed: int) -> None:
    """Note what a holder agreed to."""
    await tx.execute(_TERMS, card, free_each, free_times, agreed)


async def by_number(db: Db, merchant: UUID, out_trade_no: str, in_flight_seconds: float) -> Known | None:
    """Return a merchant's order by the merchant's number, or None."""
    row = await db.fetchrow(
        f"{_ORDER} WHERE o.merchant = $2 AND o.out_trade_no = $3", in_flight_seconds, merchant, out_trade_no
    )
    return None if row is None else _known(row)


async def find(db: Db, order: UUID, in_flight_seconds: float = 0) -> Known | None:
    """Return an order, or None."""
    row = await db.fetchrow(f"{_ORDER} WHERE o.id = $2", in_flight_seconds, order)
    return None if row is None else _known(row)


async def mine(db: Db, order: UUID) -> Any:
    """Return an order as its payer sees it, or None."""
    return await db.fetchrow(f"{_MINE} WHERE o.id = $1", order)


async def latest(db: Db, card: int, before: Any, limit: int) -> list[Any]:
    """Return the orders that a card pays, paid or is asked to confirm, youngest first."""
    rows: list[Any] = await db.fetch(_LATEST, card, before, limit)
    return rows


async def waiting(db: Db, card: int, device: UUID, seconds: int) -> list[Any]:
    """Return the orders of the last `seconds` that wait for a card's holder, youngest first, to its bound device."""
    rows: list[Any] = await db.fetch(_WAITING, card, device, seconds)
    return rows


async def expire(pool: Pool) -> int:
    """Close some of what nobody confirmed in time; return how many."""
    return int(await pool.fetchval("SELECT pay_expire()"))


def _known(row: Any) -> Known:
    return Known(**{**row, "kind": OrderKind(row["kind"]), "state": OrderState(row["state"])})
