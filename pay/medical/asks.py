"""What agencies and banks are asked for settlements, in the tables."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from ecard.db import Db
from pay.medical.agency import Said

_ASKED = """
    SELECT k.subject, k.settlement, k.kind, k.region, k.checks, s.encounter, e.scheme, e.care,
           coalesce(r.amount, s.total) AS total, f.lines,
           coalesce(r.parts, array(SELECT l.amount FROM medical_leg l WHERE l.settlement = s.id ORDER BY l.place))
               AS parts
    FROM medical_ask k JOIN medical_settlement s ON s.id = k.settlement JOIN medical_encounter e ON e.id = s.encounter
        LEFT JOIN medical_reversal r ON r.id = k.subject
        LEFT JOIN medical_fees f ON (f.encounter, f.segment) = (s.encounter, s.segment) AND k.kind = 'settle'
    WHERE k.id = $1 AND k.outcome IN ('sent', 'unknown')
"""
_BOOK = "SELECT outcome FROM medical_book($1, $2, $3)"
# Taken by pushing it on: another process that looks meanwhile finds nothing due.
_DUE = """
    UPDATE medical_ask SET next_check_at = clock_timestamp() + interval '30 seconds', checks = greatest(checks, 1)
    WHERE id IN (SELECT id FROM medical_ask WHERE next_check_at <= clock_timestamp() ORDER BY next_check_at LIMIT 50
                 FOR UPDATE SKIP LOCKED) RETURNING id
"""
_GIVE_BACK = "SELECT attempt, bank, bank_ref, of_ref, amount FROM medical_give_back($1)"


class AskRow(msgspec.Struct, frozen=True, kw_only=True):
    """What an agency is asked, as it is kept; the fees are sealed."""

    subject: UUID
    settlement: UUID
    kind: str
    region: str
    checks: int
    encounter: UUID
    scheme: str
    care: str
    total: int
    lines: bytes | None
    parts: list[int]


class Due(NamedTuple):
    """A refund of cash, begun in the books: what the bank is to be asked."""

    attempt: UUID
    bank: str
    bank_ref: str
    of_ref: str
    amount: int


async def asked(db: Db, number: UUID) -> AskRow | None:
    """Return what is asked, None once it is answered."""
    row = await db.fetchrow(_ASKED, number)
    return None if row is None else AskRow(**row)


async def book(db: Db, number: UUID, said: Said) -> str:
    """Book an answer; return `medical_book`'s outcome."""
    return str(await db.fetchval(_BOOK, number, said.verdict.value, said.code or None))


async def due(db: Db) -> Sequence[UUID]:
    """Return what is to be asked about now; nobody else is given it for a while."""
    return [row["id"] for row in await db.fetch(_DUE)]


async def give_back(db: Db, settlement: UUID | None) -> Sequence[Due]:
    """Begin the refunds of cash that is to go back."""
    return [Due(*row.values()) for row in await db.fetch(_GIVE_BACK, settlement)]
