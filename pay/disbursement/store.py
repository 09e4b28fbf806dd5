"""The tables of programmes, batches, manifests and approvals."""

import datetime
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from ecard.db import Db, Row, Tx
from pay.disbursement.errors import ProgrammeExists
from pay.disbursement.model import Leaf
from pay.disbursement.schemas import BenefitNotice, BenefitProgrammeRequest

_PATIENT = "SET LOCAL statement_timeout = '120s'; SET LOCAL idle_in_transaction_session_timeout = '60s'"
SECONDS = 120.0
"""Seconds that a statement over all lines of a batch may take."""
_ADD_PROGRAMME = """
    INSERT INTO benefit_programme (id, name, item, agencies, components, line_limit, notice_days, certified_by,
                                   certified_months, pseudonymous, created_by, fund)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, ledger_account('benefit_programme', $1::uuid::text, 'fund'))
"""
_PROGRAMMES = """
    SELECT p.id, p.name, p.item, p.agencies, p.components, p.line_limit, p.notice_days, p.certified_by,
           p.certified_months, p.pseudonymous, a.balance AS fund, p.ended_at IS NOT NULL AS ended
    FROM benefit_programme p JOIN account_balance a ON a.id = p.fund
"""
_UNKNOWN_AGENCY = """
    SELECT true FROM unnest($1::uuid[]) AS t (id) LEFT JOIN agency a ON a.id = t.id WHERE a.id IS NULL LIMIT 1
"""
_BUDGET = """
    INSERT INTO benefit_budget (id, programme, source, amount, by, journal)
    SELECT $1, p.id, $3, $4, $5, ledger_post('benefit_budget', 'benefit_budget', $1, ARRAY[
        (ledger_account('source', $3, 'subsidy'), -$4::bigint)::account_leg, (p.fund, $4::bigint)::account_leg])
    FROM benefit_programme p WHERE p.id = $2 RETURNING true
"""
_END = "UPDATE benefit_programme SET ended_at = coalesce(ended_at, now()) WHERE id = $1 RETURNING true"
_OPEN = """
    INSERT INTO benefit_batch (id, programme, agency, period, number, created_by) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (programme, agency, number) DO NOTHING RETURNING id
"""
_NUMBERED = "SELECT id, period FROM benefit_batch WHERE (programme, agency, number) = ($1, $2, $3)"
_BATCH = """
    SELECT b.id, b.programme, p.item, b.agency, b.period, b.number, b.state, b.round, encode(m.root, 'hex') AS manifest,
           b.notice_ends_at, b.reason, b.created_at, b.released_at, b.done_at,
           (SELECT count(*) FROM benefit_approval a WHERE (a.batch, a.round) = (b.id, b.round)) AS approvals
    FROM benefit_batch b JOIN benefit_programme p ON p.id = b.programme
        LEFT JOIN benefit_manifest m ON (m.batch, m.round) = (b.id, b.round)
"""
_COUNTS = """
    SELECT state, count(*) AS lines, sum(amount)::bigint AS total, count(*) FILTER (WHERE try = 1) AS first,
           coalesce(sum(amount) FILTER (WHERE try = 1), 0)::bigint AS first_total
    FROM benefit_line WHERE batch = $1 GROUP BY state
"""
_REFUSED = "SELECT count(*) FROM benefit_bad_line WHERE batch = $1"
_LOCK = """
    SELECT b.id, b.programme, b.agency, b.period, b.state, b.round, p.item, p.notice_days,
           p.ended_at IS NOT NULL AS ended
    FROM benefit_batch b JOIN benefit_programme p ON p.id = b.programme WHERE b.id = $1 FOR NO KEY UPDATE OF b
"""
_LEAVES = "SELECT n, component, payee, amount, salt FROM benefit_line WHERE batch = $1 AND try = 1 ORDER BY n"
_MANIFEST = """
    INSERT INTO benefit_manifest (batch, round, root, lines, total, leaves, by) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_HANDED_IN = "UPDATE benefit_batch SET state = 'notice', notice_ends_at = $2, reason = '' WHERE id = $1"
_TOKEN = "UPDATE benefit_batch SET token = $2 WHERE id = $1"  # noqa: S105 - a column's name
_APPROVED = """
    SELECT m.root, m.lines, m.total, p.item, p.name, b.period,
           array_agg(extract(epoch FROM a.at)::bigint ORDER BY a.level) AS approved
    FROM benefit_batch b JOIN benefit_programme p ON p.id = b.programme
        JOIN benefit_manifest m ON (m.batch, m.round) = (b.id, b.round)
        JOIN benefit_approval a ON (a.batch, a.round) = (m.batch, m.round)
    WHERE b.id = $1 GROUP BY m.root, m.lines, m.total, p.item, p.name, b.period
"""
_NOTICES = """
    SELECT b.id AS batch, p.name AS programme, p.item, a.name AS agency, b.period, m.lines, m.total,
           b.notice_ends_at AS ends_at
    FROM benefit_batch b JOIN benefit_programme p ON p.id = b.programme JOIN agency a ON a.id = b.agency
        JOIN benefit_manifest m ON (m.batch, m.round) = (b.id, b.round)
    WHERE b.state = 'notice' AND b.notice_ends_at > now() AND NOT p.pseudonymous ORDER BY b.id DESC LIMIT 200
"""


class BatchRow(msgspec.Struct, frozen=True):
    """A batch that is locked, with what its programme says."""

    id: UUID
    programme: UUID
    agency: UUID
    period: str
    state: str
    round: int
    item: str
    notice_days: int
    ended: bool


class Approved(msgspec.Struct, frozen=True):
    """What two operators have approved, and when (Unix seconds, by level)."""

    root: bytes
    lines: int
    total: int
    item: str
    name: str
    period: str
    approved: list[int]


async def be_patient(tx: Tx) -> None:
    """Give this transaction the time that all lines of a batch need."""
    await tx.execute(_PATIENT)


async def add_programme(tx: Tx, number: UUID, asked: BenefitProgrammeRequest, by: UUID, *, pseudonymous: bool) -> None:
    """Add a programme with its fund; raises ProgrammeExists."""
    rules = (asked.components, asked.line_limit, asked.notice_days, asked.certified_by, asked.certified_months)
    try:
        await tx.execute(_ADD_PROGRAMME, number, asked.name, asked.item, asked.agencies, *rules, pseudonymous, by)
    except asyncpg.UniqueViolationError:
        raise ProgrammeExists(pointer="/name") from None


async def unknown_agency(db: Db, agencies: Sequence[UUID]) -> bool:
    """Return whether one of these is no agency."""
    return await db.fetchval(_UNKNOWN_AGENCY, agencies) is not None


async def programmes(db: Db, number: UUID | None = None) -> list[Row]:
    """Return all programmes, oldest first, or one."""
    return list(await db.fetch(f"{_PROGRAMMES} WHERE $1::uuid IS NULL OR p.id = $1 ORDER BY p.id", number))


async def budget(tx: Tx, number: UUID, programme: UUID, source: str, amount: int, by: UUID) -> bool:
    """Give a programme money; return whether there is such a programme."""
    return await tx.fetchval(_BUDGET, number, programme, source, amount, by) is not None


async def end(tx: Tx, programme: UUID) -> bool:
    """End a programme; return whether there is such a one."""
    return await tx.fetchval(_END, programme) is not None


async def open_batch(
    tx: Tx, number: UUID, programme: UUID, agency: UUID, period: str, own: str, by: UUID | None
) -> tuple[UUID, str]:
    """Open a batch, or find the one that has this number of the agency's; return it and its period."""
    await tx.execute(_OPEN, number, programme, agency, period, own, by)
    row = await tx.fetchrow(_NUMBERED, programme, agency, own)
    return row["id"], row["period"]


async def batch(db: Db, number: UUID) -> dict[str, Any] | None:
    """Return a batch as `schemas.BenefitBatch` has it, without its figures."""
    row = await db.fetchrow(f"{_BATCH} WHERE b.id = $1", number)
    return None if row is None else dict(row)


async def batches(db: Db, state: str | None, agency: UUID | None, limit: int) -> list[dict[str, Any]]:
    """Return the youngest batches of a state and of an agency, drafts only of an agency that is named."""
    sql = f"""{_BATCH} WHERE ($1::text IS NULL OR b.state = $1) AND ($2::uuid IS NULL OR b.agency = $2)
              AND (b.state <> 'draft' OR $2 IS NOT NULL) ORDER BY b.id DESC LIMIT $3"""
    return [dict(row) for row in await db.fetch(sql, state, agency, limit)]


async def figures(db: Db, number: UUID) -> dict[str, Any]:
    """Return how many lines a batch has, their total, and how many are in each state."""
    rows = await db.fetch(_COUNTS, number)
    return {
        "lines": sum(row["first"] for row in rows),
        "total": sum(row["first_total"] for row in rows),
        "counts": {row["state"]: row["lines"] for row in rows},
        "refused": await db.fetchval(_REFUSED, number),
    }


async def lock(tx: Tx, number: UUID) -> BatchRow | None:
    """Return a batch, locked until the transaction ends."""
    row = await tx.fetchrow(_LOCK, number)
    return None if row is None else BatchRow(**row)


async def leaves(tx: Tx, number: UUID) -> list[Leaf]:
    """Return a batch's lines as its manifest has them."""
    return [Leaf(*row.values()) for row in await tx.fetch(_LEAVES, number, timeout=SECONDS)]


async def hand_in(
    tx: Tx, row: BatchRow, manifest: tuple[bytes, int, int, bytes], ends_at: datetime.datetime, by: UUID | None
) -> None:
    """Keep a round's manifest (root, lines, total, leaves), and let the public notice begin."""
    await tx.execute(_MANIFEST, row.id, row.round, *manifest, by)
    await tx.execute(_HANDED_IN, row.id, ends_at)


async def approve(tx: Tx, number: UUID, by: UUID, level: int, manifest: bytes) -> str:
    """Approve at a level; return the outcome of `benefit_approve`."""
    return str(await tx.fetchval("SELECT benefit_approve($1, $2, $3::smallint, $4)", number, by, level, manifest))


async def approved(tx: Tx, number: UUID) -> Approved:
    """Return what was approved of a batch that is."""
    return Approved(**await tx.fetchrow(_APPROVED, number))


async def keep_token(tx: Tx, number: UUID, token: str) -> None:
    """Keep the signed manifest."""
    await tx.execute(_TOKEN, number, token)


async def reject(tx: Tx, number: UUID, manifest: bytes, reason: str) -> str:
    """Send a batch back; return the outcome of `benefit_reject`."""
    return str(await tx.fetchval("SELECT benefit_reject($1, $2, $3)", number, manifest, reason))


async def release(tx: Tx, number: UUID, by: UUID, manifest: bytes) -> str:
    """Set the money aside and let a batch be paid; return the outcome of `benefit_release`."""
    return str(await tx.fetchval("SELECT benefit_release($1, $2, $3)", number, by, manifest))


async def close(tx: Tx, number: UUID) -> str:
    """End a batch; return the outcome of `benefit_close`."""
    return str(await tx.fetchval("SELECT benefit_close($1)", number, timeout=SECONDS))


async def cancel(tx: Tx, number: UUID) -> str:
    """Give up a batch that is not released; return the outcome of `benefit_cancel`."""
    return str(await tx.fetchval("SELECT benefit_cancel($1)", number, timeout=SECONDS))


async def notices(db: Db) -> list[BenefitNotice]:
    """Return the batches on public notice."""
    return [msgspec.convert(dict(row), BenefitNotice) for row in await db.fetch(_NOTICES)]
