"""SQL of paying: batches that are released, lines that are taken, sent and booked."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from ecard.db import Db, Tx

_RELEASING = """
    SELECT b.id, b.programme, p.name, p.pseudonymous, p.certified_by, p.certified_months
    FROM benefit_batch b JOIN benefit_programme p ON p.id = b.programme WHERE b.state = 'releasing'
    ORDER BY b.released_at
"""
_TAKE = "SELECT id, payee FROM benefit_take($1, $2, $3)"
_HOLD = "SELECT benefit_hold($1, $2, $3)"
_SEND = "SELECT line, attempt, bank, bank_ref, amount FROM benefit_send($1, $2, $3, $4, $5)"
_BOOK = "SELECT attempt, result FROM benefit_book($1, $2, $3)"
_FINISH = "SELECT benefit_finish($1)"
_SENT = """
    SELECT a.id AS attempt, a.bank, a.bank_ref AS ref, a.amount, l.account
    FROM bank_attempt a JOIN benefit_line l ON l.id = a.subject WHERE a.id = $1
"""
# A return is looked at for two months, each day, and at once when the payee's profile changed.
_RETURNED = """
    UPDATE benefit_line l SET due_at = CASE WHEN l.done_at > now() - interval '60 days'
        THEN clock_timestamp() + interval '1 day' END
    FROM benefit_programme p
    WHERE p.id = l.programme AND l.id IN (
        SELECT id FROM benefit_line WHERE state = 'returned' AND due_at <= clock_timestamp()
        ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING l.id, l.payee, l.account_index, p.pseudonymous
"""


class Released(msgspec.Struct, frozen=True):
    """A batch that is being paid, and what its programme says of its payees."""

    id: UUID
    programme: UUID
    name: str
    pseudonymous: bool
    certified_by: list[str]
    certified_months: int


class Taken(NamedTuple):
    """A line that is looked at, and whom it is for."""

    line: UUID
    payee: UUID


class Ready(NamedTuple):
    """A line that may be paid: at which bank, to which account (sealed, and its blind index)."""

    line: UUID
    bank: str
    account: bytes
    account_index: bytes


class Sent(NamedTuple):
    """A pay-out that is committed and is to be asked for."""

    line: UUID
    attempt: UUID
    bank: str
    ref: str
    amount: int


class Returned(NamedTuple):
    """A line that its bank returned, and the index of the account that it was sent to."""

    line: UUID
    payee: UUID
    account_index: bytes
    pseudonymous: bool


async def releasing(db: Db) -> list[Released]:
    """Return the batches that are being paid, in the order of their release."""
    return [Released(**row) for row in await db.fetch(_RELEASING)]


async def take(db: Db, batch: UUID, most: int, seconds: float) -> list[Taken]:
    """Return lines of a batch that are due; nobody else is given them for so many seconds."""
    return [Taken(row["id"], row["payee"]) for row in await db.fetch(_TAKE, batch, most, seconds)]


async def hold(db: Db, held: Sequence[tuple[UUID, str]], seconds: float) -> None:
    """Hold lines, each for its reason; they are looked at again after so many seconds."""
    await db.execute(_HOLD, [line for line, _ in held], [reason for _, reason in held], seconds)


async def send(tx: Tx, batch: UUID, ready: Sequence[Ready]) -> list[Sent]:
    """Note that lines are about to be paid; return those that nobody else did anything with."""
    columns = list(zip(*ready, strict=True))
    return [Sent(*row.values()) for row in await tx.fetch(_SEND, batch, *columns)]


async def book(db: Db, answers: Sequence[tuple[UUID, str, str]]) -> dict[UUID, str]:
    """Book what banks said of attempts (outcome, code); return what came of each that is a line's."""
    columns = list(zip(*answers, strict=True))
    return {row["attempt"]: row["result"] for row in await db.fetch(_BOOK, *columns)}


async def finish(db: Db, batch: UUID) -> bool:
    """Note that nothing of a batch is open any more, if so; return whether it is newly done."""
    return bool(await db.fetchval(_FINISH, batch))


async def sent(db: Db, attempt: UUID) -> tuple[str, int, bytes] | None:
    """Return reference, amount and sealed account of a line's attempt; None where it is no line's."""
    row = await db.fetchrow(_SENT, attempt)
    return None if row is None else (row["ref"], row["amount"], row["account"])


async def returned(db: Db, most: int) -> list[Returned]:
    """Return returns that are due to be looked at."""
    return [Returned(*row.values()) for row in await db.fetch(_RETURNED, most)]
