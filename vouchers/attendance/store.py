"""Check-ins in the database; the commands are `0008_class_commands.sql` and `0008_completions.sql`."""

import datetime
from typing import NamedTuple
from uuid import UUID

from ecard.db import Db, Row, Tx
from vouchers.classes.presenting import Presented

_CHECK_IN = """
    SELECT outcome, voucher, session, hours, state, at, first_at, profile, holder FROM class_check_in(
        $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
"""
_SCAN = """
    SELECT outcome, voucher, session, hours, state, at, first_at FROM class_scan($1, $2, $3, $4, $5, $6, $7)
"""
_UPLOAD = """
    SELECT outcome, attendance, first_at FROM attendance_upload($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""
_PLACE = "SELECT latitude, longitude, radius FROM training_class WHERE id = $1"
_OPEN_SESSION = """
    SELECT s.n FROM class_session s JOIN training_class c ON c.id = s.class
    WHERE s.class = $1 AND c.institution = $2 AND s.opens_at <= clock_timestamp() AND clock_timestamp() < s.closes_at
      AND s.n = coalesce($3, s.n) ORDER BY s.n LIMIT 1
"""
_CONFLICTS = """
    SELECT a.id AS attendance, a.class, a.session, a.voucher, extract(epoch FROM a.seen_at)::bigint AS seen_at,
           extract(epoch FROM a.contested_at)::bigint AS found_at, a.state = 'counted' AS won
    FROM attendance a JOIN training_class c ON c.id = a.class
    WHERE c.institution = $1 AND a.contested_at IS NOT NULL ORDER BY a.contested_at DESC, a.id LIMIT 500
"""


class Seen(NamedTuple):
    """A code that a terminal took offline, read: what it burns, whose it is, and when it was seen."""

    once: bytes
    shadow: bytes | None
    card: int
    device: int
    strength: str
    at: datetime.datetime


async def check_in(tx: Tx, *columns: object, presented: Presented) -> Row:
    """Check a learner in; `columns`: id, class, terminal, agency, site, request id, SHA-256 of the body."""
    return await tx.fetchrow(_CHECK_IN, *columns, *presented.columns())


async def scan(tx: Tx, *columns: object) -> Row:
    """Check a learner in by the class's code; `columns`: id, class, session, card, device's actor, item, metres."""
    return await tx.fetchrow(_SCAN, *columns)


async def upload(tx: Tx, *columns: object, seen: Seen) -> Row:
    """Record a check-in seen offline; `columns`: id, class, terminal, agency, site, item."""
    return await tx.fetchrow(_UPLOAD, *columns, *seen)


async def place(db: Db, class_: UUID) -> Row | None:
    """Return the circle in which phones must be (all None where there is none); None without such a class."""
    return await db.fetchrow(_PLACE, class_)


async def open_session(db: Db, class_: UUID, institution: UUID, wanted: int | None) -> int | None:
    """Return the session of an institution's class that takes check-ins now, the one wanted if there are several."""
    session: int | None = await db.fetchval(_OPEN_SESSION, class_, institution, wanted)
    return session


async def conflicts(db: Db, institution: UUID) -> list[Row]:
    """Return an institution's check-ins whose code another terminal took as well, youngest first."""
    rows: list[Row] = await db.fetch(_CONFLICTS, institution)
    return rows
