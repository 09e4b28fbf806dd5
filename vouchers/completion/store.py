"""Completions in the database; the commands are `0008_completions.sql`."""

from uuid import UUID

from ecard.db import Db, Row, Tx
from vouchers.life.store import STATE

_SUBMIT = """
    SELECT outcome, state, hours, needed, amount, round FROM completion_submit($1, $2, $3, $4, $5, $6, $7)
"""
_JUDGE = "SELECT outcome, level, state, voucher, amount FROM completion_judge($1, $2, $3, $4, $5)"
_WAITING = """
    SELECT n.id, g.name AS institution, p.name AS programme, c.name AS class, n.voucher, n.hours, n.needed, n.amount,
           n.state, extract(epoch FROM n.submitted_at)::bigint AS submitted_at,
           coalesce((SELECT jsonb_agg(jsonb_build_object('level', a.level, 'actor', a.actor, 'passed', a.passed,
                         'amount', a.amount, 'reason', a.reason, 'at', extract(epoch FROM a.at)::bigint)
                         ORDER BY a.level)
                     FROM completion_audit a WHERE a.completion = n.id), '[]') AS audits
    FROM completion n JOIN training_class c ON c.id = n.class JOIN agency g ON g.id = c.institution
    JOIN voucher_programme p ON p.id = c.programme JOIN voucher v ON v.id = n.voucher
    WHERE n.state = $1 AND n.id > $2 AND (n.state <> 'submitted' OR v.state IN ('completed', 'frozen'))
    ORDER BY n.id LIMIT $3
"""
_OF_INSTITUTION = f"""
    SELECT v.id, v.serial, v.programme, v.class, v.holder, {STATE} AS state, v.face, v.amount,
           extract(epoch FROM v.valid_until)::bigint AS valid_until,
           extract(epoch FROM v.redeemed_at)::bigint AS redeemed_at, attended_hours(v.id, v.class) AS hours,
           CASE WHEN v.state = 'in_use' THEN (
               SELECT a.reason FROM completion n JOIN completion_audit a ON a.completion = n.id AND NOT a.passed
               WHERE n.voucher = v.id AND n.class = v.class ORDER BY n.round DESC LIMIT 1) END AS reason
    FROM voucher v
"""  # noqa: S608 - a constant of our own


async def submit(tx: Tx, completion: UUID, *columns: object) -> Row:
    """Submit a completion; `columns`: class, institution, voucher, amount, terminal, place."""
    return await tx.fetchrow(_SUBMIT, completion, *columns)


async def judge(tx: Tx, completion: UUID, actor: UUID, *, passed: bool, amount: int | None, reason: str | None) -> Row:
    """Note an operator's word on a completion."""
    return await tx.fetchrow(_JUDGE, completion, actor, passed, amount, reason)


async def in_state(db: Db, state: str, after: UUID, limit: int) -> list[Row]:
    """Return completions in a state with what was said of them, oldest first, those after an id.

    What waits for a word on a voucher that was cancelled meanwhile waits for nobody.
    """
    rows: list[Row] = await db.fetch(_WAITING, state, after, limit)
    return rows


async def of_institution(db: Db, institution: UUID, after: UUID, limit: int) -> list[Row]:
    """Return an institution's vouchers after an id, in the order of their ids."""
    rows: list[Row] = await db.fetch(
        f"{_OF_INSTITUTION} WHERE v.institution = $1 AND v.id > $2 ORDER BY v.id LIMIT $3", institution, after, limit
    )
    return rows


async def of_institution_one(db: Db, institution: UUID, voucher: UUID) -> Row | None:
    """Return one of an institution's vouchers, or None."""
    return await db.fetchrow(f"{_OF_INSTITUTION} WHERE v.institution = $1 AND v.id = $2", institution, voucher)
