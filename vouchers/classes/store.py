"""Institutions, classes and bindings in the database; the commands are `0008_class_commands.sql`."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from ecard.db import Db, Row, Tx
from vouchers.classes.errors import InstitutionExists
from vouchers.classes.model import Session
from vouchers.classes.presenting import Presented
from vouchers.classes.schemas import ClassRequest, InstitutionRequest
from vouchers.life.store import STATE

_INSTITUTIONS = """
    SELECT i.agency, a.name, i.kind, i.region, i.suspended_at IS NOT NULL AS suspended,
           EXISTS (SELECT FROM merchant m WHERE m.agency = i.agency) AS merchant
    FROM institution i JOIN agency a ON a.id = i.agency
"""
_ADD_INSTITUTION = "INSERT INTO institution (agency, kind, region, registered_by) VALUES ($1, $2, $3, $4)"
_SUSPEND = """
    UPDATE institution SET suspended_at = CASE WHEN $2 THEN coalesce(suspended_at, now()) END WHERE agency = $1
    RETURNING true
"""
_STANDING = """
    SELECT i.suspended_at IS NOT NULL AS suspended, p.id IS NOT NULL AS known,
           institution_admitted(p.id, i.agency) AND p.ended_at IS NULL AS admitted
    FROM institution i LEFT JOIN voucher_programme p ON p.id = $2 WHERE i.agency = $1
"""
_ADD_CLASS = """
    INSERT INTO training_class (id, institution, programme, name, capacity, fee, site, latitude, longitude, radius,
                                hours, min_hours, starts_at, ends_at, created_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, to_timestamp($13), to_timestamp($14), $15)
"""
_ADD_SESSION = """
    INSERT INTO class_session (class, n, starts_at, ends_at, opens_at, closes_at, hours)
    VALUES ($1, $2, to_timestamp($3), to_timestamp($4), to_timestamp($5), to_timestamp($6), $7)
"""
_CLASSES = """
    SELECT c.id, c.institution, a.name AS institution_name, c.programme, c.name, c.capacity, c.taken, c.fee, c.hours,
           c.min_hours, extract(epoch FROM c.starts_at)::bigint AS starts_at,
           extract(epoch FROM c.ends_at)::bigint AS ends_at, c.site, c.latitude, c.longitude, c.radius
    FROM training_class c JOIN agency a ON a.id = c.institution
"""
_JOINABLE = """
    WHERE c.programme IN (SELECT v.programme FROM voucher v JOIN card k ON k.holder = v.holder
                          WHERE k.seq = $1 AND v.state = 'claimed')
      AND c.ends_at > clock_timestamp() AND c.taken < c.capacity AND institution_admitted(c.programme, c.institution)
    ORDER BY c.ends_at, c.id LIMIT $2
"""
_SESSIONS = """
    SELECT n, extract(epoch FROM starts_at)::bigint AS starts_at, extract(epoch FROM ends_at)::bigint AS ends_at,
           extract(epoch FROM opens_at)::bigint AS opens_at, extract(epoch FROM closes_at)::bigint AS closes_at, hours
    FROM class_session WHERE class = $1 ORDER BY n
"""
_SEATS = f"""
    SELECT e.holder, e.voucher, {STATE} AS state, extract(epoch FROM e.bound_at)::bigint AS bound_at,
           attended_hours(e.voucher, e.class) AS hours, greatest(c.fee - v.face, 0) AS own,
           EXISTS (SELECT FROM tuition t WHERE t.enrolment = e.id AND t.state = 'paid') AS paid
    FROM enrolment e JOIN voucher v ON v.id = e.voucher JOIN training_class c ON c.id = e.class
    WHERE e.class = $1 AND e.dropped_at IS NULL ORDER BY e.bound_at, e.id
"""  # noqa: S608 - a constant of our own
_BIND = """
    SELECT outcome, voucher, state, face, fee FROM class_bind($1, $2, $3, $4, NULL, $5, NULL, 'app', NULL)
"""
_BIND_HERE = """
    SELECT outcome, voucher, state, face, fee, profile, holder, first_at FROM class_bind_here(
        $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
"""
_DROP = "SELECT outcome, state FROM class_drop($1, $2, $3, $4, $5, $6)"
_TUITION = "SELECT outcome, state, order_id, fee, own FROM tuition_open($1, $2, $3, $4, $5, $6, $7)"
_MY_TUITION = """
    SELECT t.order_id AS order, e.voucher, t.fee, t.own, t.subsidy, o.state
    FROM tuition t JOIN enrolment e ON e.id = t.enrolment JOIN pay_order o ON o.id = t.order_id
    WHERE e.card = $1 ORDER BY o.created_at DESC LIMIT 100
"""


async def add_institution(tx: Tx, asked: InstitutionRequest, by: UUID) -> None:
    """Add an institution; raises InstitutionExists."""
    try:
        await tx.execute(_ADD_INSTITUTION, asked.agency, asked.kind.value, asked.region, by)
    except asyncpg.UniqueViolationError:
        raise InstitutionExists from None


async def institutions(db: Db, agency: UUID | None = None) -> list[Row]:
    """Return every institution by name, or the one of an agency."""
    rows: list[Row] = await db.fetch(
        f"{_INSTITUTIONS} WHERE $1::uuid IS NULL OR i.agency = $1 ORDER BY a.name, i.agency", agency
    )
    return rows


async def suspend(tx: Tx, agency: UUID, *, suspended: bool) -> bool:
    """Note whether an institution is suspended; return whether there is such an institution."""
    return await tx.fetchval(_SUSPEND, agency, suspended) is not None


async def standing(db: Db, agency: UUID, programme: UUID) -> Row | None:
    """Return whether an institution is suspended, and whether it may train for a programme; None if it is none."""
    return await db.fetchrow(_STANDING, agency, programme)


async def add_class(
    tx: Tx, class_: UUID, institution: UUID, asked: ClassRequest, sessions: Sequence[Session], by: UUID
) -> None:
    """Add a class with its sessions."""
    place = asked.place
    where = (None, None, None) if place is None else (place.latitude, place.longitude, place.radius)
    hours = sum(one.hours for one in sessions)
    span = (float(sessions[0].starts_at), float(max(one.ends_at for one in sessions)))
    named = (class_, institution, asked.programme, asked.name, asked.capacity, asked.fee, asked.site)
    await tx.execute(_ADD_CLASS, *named, *where, hours, asked.min_hours, *span, by)
    times = [
        (class_, one.n, *map(float, (one.starts_at, one.ends_at, one.opens_at, one.closes_at)), one.hours)
        for one in sessions
    ]
    await tx.executemany(_ADD_SESSION, times)


async def of_institution(db: Db, institution: UUID, before: UUID | None, limit: int) -> list[Row]:
    """Return an institution's classes, youngest first, those opened before one."""
    sql = f"{_CLASSES} WHERE c.institution = $1 AND ($2::uuid IS NULL OR c.id < $2) ORDER BY c.id DESC LIMIT $3"
    rows: list[Row] = await db.fetch(sql, institution, before, limit)
    return rows


async def joinable(db: Db, card: int, limit: int) -> list[Row]:
    """Return the classes that have a seat for one of a card holder's claimed vouchers, the next to end first."""
    rows: list[Row] = await db.fetch(f"{_CLASSES} {_JOINABLE}", card, limit)
    return rows


async def find(db: Db, class_: UUID) -> Row | None:
    """Return a class, or None."""
    return await db.fetchrow(f"{_CLASSES} WHERE c.id = $1", class_)


async def sessions(db: Db, class_: UUID) -> list[Row]:
    """Return the sessions of a class, in order."""
    rows: list[Row] = await db.fetch(_SESSIONS, class_)
    return rows


async def seats(db: Db, class_: UUID) -> list[Row]:
    """Return who sits in a class, in the order in which they came."""
    rows: list[Row] = await db.fetch(_SEATS, class_)
    return rows


async def bind(tx: Tx, enrolment: UUID, class_: UUID, voucher: UUID, card: int, actor: UUID) -> Row:
    """Bind a holder's voucher from the phone."""
    return await tx.fetchrow(_BIND, enrolment, class_, voucher, card, actor)


async def bind_here(tx: Tx, *columns: object, presented: Presented) -> Row:
    """Bind the voucher of a learner at a terminal.

    `columns`: enrolment, visit, class, serial, terminal, agency, site, request id, SHA-256 of the body.
    """
    return await tx.fetchrow(_BIND_HERE, *columns, *presented.columns())


async def drop(
    tx: Tx, voucher: UUID, *, actor: UUID, reason: str, card: int | None, institution: UUID | None, place: str | None
) -> Row:
    """Take a voucher out of its class, as its holder (`card`) or as the institution."""
    return await tx.fetchrow(_DROP, voucher, card, institution, actor, place, reason)


async def open_tuition(tx: Tx, order: UUID, *columns: object) -> Row:
    """Open the order of an own share; `columns`: voucher, card, item, request id, SHA-256 of the body, seconds."""
    return await tx.fetchrow(_TUITION, order, *columns)


async def tuitions(db: Db, card: int) -> list[Row]:
    """Return the orders for a card's own shares, youngest first."""
    rows: list[Row] = await db.fetch(_MY_TUITION, card)
    return rows
