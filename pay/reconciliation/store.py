"""The tables of day files and breaks."""

import datetime
from collections.abc import Iterable
from io import BytesIO
from typing import NamedTuple
from uuid import UUID

import asyncpg

from ecard.db import Db, Row, Tx
from pay.reconciliation.model import Bad, Line

SECONDS = 900.0
"""Seconds that a statement over a day's lines may take; a million need some ten."""
_PATIENT = """
    SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '10s'; SET LOCAL work_mem = '128MB';
    SET LOCAL idle_in_transaction_session_timeout = '60s'
"""
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('pay.reconciliation'), hashtext($1))"
_ADD = """
    INSERT INTO recon_file (id, bank, day, sha256, loaded_by) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (sha256) DO NOTHING RETURNING id
"""
_LAYOUT = "SELECT layout FROM bank WHERE code = $1"
_KNOWN = "SELECT id FROM recon_file WHERE sha256 = $1"
_STAGING = """
    CREATE TEMP TABLE recon_staging (n integer, kind text, ref text, of text, amount bigint, at timestamptz)
    ON COMMIT DROP
"""
_NULL = "\\N"
_COLUMNS = ("n", "kind", "ref", "of", "amount", "at")
_OTHERS = "SELECT EXISTS (SELECT FROM recon_file WHERE bank = $2 AND day = $3 AND id <> $1)"
_KEEP = """
    INSERT INTO recon_line (bank, ref, day, kind, copy, n, amount, of, at, file)
    SELECT $2, ref, $3, kind, row_number() OVER (PARTITION BY ref, kind ORDER BY n), n, amount, of, at, $1
    FROM recon_staging
"""
_KEEP_NEWS = f"{_KEEP} ON CONFLICT DO NOTHING"
# What was just written is not known to the planner yet.
_COUNT = "ANALYZE recon_line (bank, ref, day, file)"
_BAD = "INSERT INTO recon_bad_line (file, place, reason) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
_LOADED = "UPDATE recon_file SET lines = $2, bad = $3, whole = $4 WHERE id = $1"
_ANSWERS = "SELECT attempt, kind, outcome FROM recon_answers($1)"
# That a payment was booked on the file's day says nothing of a reversal that is asked for since: "ok" waits for it.
_BOOK_ORDER = "SELECT outcome FROM pay_book($1, $2, 'day_file', $2 <> 'ok')"
_BOOK = {
    "pay": _BOOK_ORDER,
    "refund": _BOOK_ORDER,
    "payout": "SELECT outcome FROM payout_book($1, $2, 'day_file')",
}
_MATCH = "SELECT opened, closed FROM recon_match($1, $2)"
_FILE = """
    SELECT id, bank, day, encode(sha256, 'hex') AS sha256, lines, bad, whole, loaded_at, matched_at, resolved, opened,
           closed FROM recon_file
"""
_BAD_LINES = "SELECT place, reason FROM recon_bad_line WHERE file = $1 ORDER BY place LIMIT 100"
_BREAKS = """
    SELECT b.id, b.bank, b.day, b.ref, b.kind, a.order_id AS order, b.amount, b.state, b.opened_at, b.how, b.note,
           b.proposed_by, b.decided_by, b.closed_at
    FROM recon_break b LEFT JOIN bank_attempt a ON a.id = b.attempt
"""


class Attempt(NamedTuple):
    """What a file says of an attempt whose outcome was not known."""

    id: UUID
    kind: str
    outcome: str


async def be_patient(tx: Tx, bank: str) -> None:
    """Give this transaction the time that a day needs, and one bank's reconciliation to it alone."""
    await tx.execute(_PATIENT)
    await tx.execute(_LOCK, bank, timeout=SECONDS)


async def layout_of(db: Db, bank: str) -> str | None:
    """Return the layout of a bank's day files, None when there is no such bank."""
    layout: str | None = await db.fetchval(_LAYOUT, bank)
    return layout


async def known(db: Db, sha256: bytes) -> UUID | None:
    """Return the file of this digest."""
    found: UUID | None = await db.fetchval(_KNOWN, sha256)
    return found


async def add(tx: Tx, file: UUID, bank: str, day: datetime.date, sha256: bytes, by: UUID | None) -> bool:
    """Begin to load a file; return False when it was loaded before. Its lines are then staged."""
    if await tx.fetchval(_ADD, file, bank, day, sha256, by) is None:
        return False
    await tx.execute(_STAGING)
    return True


def as_text(lines: Iterable[Line]) -> bytes:
    """Return lines as COPY reads them; nothing of a line needs escaping, its fields are plain by the layouts' rules."""
    return "".join(
        [f"{n}\t{kind}\t{ref}\t{of or _NULL}\t{amount}\t{at.isoformat()}\n" for n, kind, ref, of, amount, at in lines]
    ).encode()


async def stage(tx: Tx, lines: bytes) -> None:
    """Copy lines (`as_text`) beside the table."""
    await tx.copy_to_table("recon_staging", source=BytesIO(lines), columns=_COLUMNS, timeout=SECONDS)


async def note_bad(tx: Tx, file: UUID, bad: Iterable[Bad]) -> None:
    """Note lines that are not believed."""
    await tx.executemany(_BAD, [(file, one.place, one.reason.value) for one in bad], timeout=SECONDS)


async def keep(tx: Tx, file: UUID, bank: str, day: datetime.date, lines: int, bad: int, *, whole: bool) -> bool:
    """Keep what is staged, as far as no file had it before; return False when the day has a whole file already."""
    try:
        async with tx.transaction():
            await tx.execute(_LOADED, file, lines, bad, whole)
    except asyncpg.UniqueViolationError:
        return False
    # The first file of a day has only news, and need not be compared line by line.
    sql = _KEEP_NEWS if await tx.fetchval(_OTHERS, file, bank, day) else _KEEP
    await tx.execute(sql, file, bank, day, timeout=SECONDS)
    await tx.execute(_COUNT, timeout=SECONDS)
    return True


async def answers(tx: Tx, file: UUID) -> list[Attempt]:
    """Return the attempts whose unknown outcome a file tells."""
    return [Attempt(*row.values()) for row in await tx.fetch(_ANSWERS, file, timeout=SECONDS)]


async def book(tx: Tx, attempt: Attempt) -> bool:
    """Book what the file says of an attempt, as any answer of the bank; return whether it was news."""
    return bool(await tx.fetchval(_BOOK[attempt.kind], attempt.id, attempt.outcome) == "booked")


async def match(tx: Tx, file: UUID, resolved: int) -> None:
    """Compare a loaded file with what we booked, and book the differences."""
    await tx.fetchrow(_MATCH, file, resolved, timeout=SECONDS)


async def files(db: Db, bank: str | None, limit: int) -> list[Row]:
    """Return the youngest files."""
    sql = f"{_FILE} WHERE $1::text IS NULL OR bank = $1 ORDER BY id DESC LIMIT $2"
    return list(await db.fetch(sql, bank, limit))


async def file(db: Db, wanted: UUID) -> Row | None:
    """Return a file's row."""
    return await db.fetchrow(f"{_FILE} WHERE id = $1", wanted)


async def bad_lines(db: Db, file_id: UUID) -> list[Row]:
    """Return the first hundred lines that were not believed."""
    return list(await db.fetch(_BAD_LINES, file_id))


async def breaks(
    db: Db, bank: str | None, state: str | None, day: datetime.date | None, after: UUID | None, limit: int
) -> list[Row]:
    """Return breaks in the order in which they were opened."""
    sql = f"""{_BREAKS} WHERE ($1::text IS NULL OR b.bank = $1) AND ($2::text IS NULL OR b.state = $2)
        AND ($3::date IS NULL OR b.day = $3) AND ($4::uuid IS NULL OR b.id > $4) ORDER BY b.id LIMIT $5"""
    return list(await db.fetch(sql, bank, state, day, after, limit))


async def break_of(db: Db, wanted: UUID) -> Row | None:
    """Return a break."""
    return await db.fetchrow(f"{_BREAKS} WHERE b.id = $1", wanted)


async def propose(tx: Tx, wanted: UUID, by: UUID, how: str, note: str) -> str:
    """Note how a break is to be closed; return the outcome."""
    return str(await tx.fetchval("SELECT recon_propose($1, $2, $3, $4)", wanted, by, how, note))


async def decide(tx: Tx, wanted: UUID, by: UUID, *, agree: bool) -> str:
    """Carry a proposal out, or refuse it; return the outcome."""
    return str(await tx.fetchval("SELECT recon_decide($1, $2, $3)", wanted, by, agree))
