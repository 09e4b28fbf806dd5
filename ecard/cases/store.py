"""Cases in the database: one function for each command (`0010_case_commands.sql`), and what is read of them."""

import datetime
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from ecard.db import Db, Pool, Row, Tx

_OPEN = "SELECT case_open($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
_DECIDE = "SELECT outcome, now_state, now_version, due_level FROM case_decide($1, $2, $3, $4, $5, $6, $7, $8)"
_MOVE = "SELECT outcome, now_state, now_version FROM case_move($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
_ASSIGN = "SELECT case_assign($1, $2, $3, $4)"
_COMMENT = "SELECT case_comment($1, $2, $3, $4)"
_CASE = """
    SELECT f.id, f.visit, f.item, f.state, f.version, f.round, f.level, f.levels, f.opened_at, f.due_at, f.ended_at,
           f.act, f.holder, f.card, f.agency, f.acting, f.assignee, f.form, f.reason, f.appealed, f.evidence_sha256,
           h.profile, coalesce(f.due_at < clock_timestamp(), false) AS overdue
    FROM case_file f JOIN holder h ON h.id = f.holder
"""
_OF_HOLDER = "SELECT id, item, state, opened_at FROM case_file WHERE holder = $1 ORDER BY opened_at DESC LIMIT $2"
_MINE = f"{_CASE} WHERE f.card = $1 AND f.opened_at < $2 AND f.changed_at > $4 ORDER BY f.opened_at DESC LIMIT $3"
_LIST = """
    SELECT f.id, f.item, f.state, f.version, f.round, f.level, f.levels, f.opened_at, f.due_at, f.ended_at, f.act,
           f.assignee, coalesce(g.name, k.name, '') AS agency, coalesce(f.due_at < clock_timestamp(), false) AS overdue
    FROM case_file f LEFT JOIN agency g ON g.id = f.agency LEFT JOIN channel k ON k.actor = f.agency
    WHERE f.state IN ('submitted', 'accepted', 'reviewed') AND ($1::uuid IS NULL OR f.assignee = $1)
      AND (NOT $2 OR f.due_at < clock_timestamp()) AND ($3::text IS NULL OR f.item = $3)
    ORDER BY f.due_at, f.id LIMIT $4
"""
_STEPS = """
    SELECT s.kind, s.round, s.level, s.note, s.at, s.hash FROM case_step s WHERE s.case_id = $1 ORDER BY s.seq
"""
_MATERIALS = """
    SELECT m.id, c.media, c.size FROM case_material m JOIN case_content c ON c.address = m.address
    WHERE m.case_id = $1 ORDER BY m.at, m.id
"""
_IN_HAND = """
    SELECT f.assignee = $2 OR EXISTS (SELECT FROM case_step s WHERE s.case_id = f.id AND s.actor = $2
                                      AND s.level IS NOT NULL)
    FROM case_file f WHERE f.id = $1
"""
_CARD = "SELECT visit, holder, item, evidence_sha256, agency FROM case_file WHERE id = $1"
_NAME = """
    INSERT INTO case_person (actor, holder, by)
    SELECT o.actor, $2, $3 FROM operator o WHERE o.actor = $1 AND o.role = 'reviewer'
    ON CONFLICT (actor) DO UPDATE SET holder = case_person.holder RETURNING holder
"""


class Opening(NamedTuple):
    """A case about to be opened, in the order of `case_open`'s parameters."""

    id: UUID
    visit: UUID | None
    item: str
    levels: int
    holder: UUID
    card: int
    acting: UUID | None
    agency: UUID
    actor: UUID
    act: str | None
    form: bytes | None
    materials: Sequence[UUID]
    evidence: bytes
    request: bytes
    due: datetime.datetime


class Decided(NamedTuple):
    """What `case_decide` answered."""

    outcome: str
    state: str
    version: int
    due_level: int


class Moved(NamedTuple):
    """What `case_move` answered."""

    outcome: str
    state: str
    version: int


async def open_(tx: Tx, opening: Opening) -> str:
    """Open a case; return the outcome."""
    return str(await tx.fetchval(_OPEN, *opening))


async def decide(tx: Tx, *arguments: object) -> Decided:
    """Decide at a level; the arguments are those of `case_decide`."""
    return Decided(*(await tx.fetchrow(_DECIDE, *arguments)).values())


async def move(tx: Tx, *arguments: object) -> Moved:
    """Do what an applicant does; the arguments are those of `case_move`."""
    return Moved(*(await tx.fetchrow(_MOVE, *arguments)).values())


async def assign(tx: Tx, case: UUID, actor: UUID, to: UUID, request: bytes) -> str:
    """Take a case, or hand it over; return the outcome."""
    return str(await tx.fetchval(_ASSIGN, case, actor, to, request))


async def comment(tx: Tx, case: UUID, actor: UUID, note: bytes, request: bytes) -> str:
    """Add a note; return the outcome."""
    return str(await tx.fetchval(_COMMENT, case, actor, note, request))


async def find(db: Db, case: UUID) -> Row | None:
    """Return a case with its applicant's sealed profile."""
    return await db.fetchrow(f"{_CASE} WHERE f.id = $1", case)


async def of_card(
    db: Db, card: int, before: datetime.datetime, limit: int, changed_after: datetime.datetime
) -> list[Any]:
    """Return a card's cases that were opened before one time and changed after another, youngest first."""
    rows: list[Any] = await db.fetch(_MINE, card, before, limit, changed_after)
    return rows


async def due(pool: Pool, assignee: UUID | None, item: str | None, limit: int, *, overdue: bool) -> list[Any]:
    """Return cases under review, the most urgent first."""
    rows: list[Any] = await pool.fetch(_LIST, assignee, overdue, item, limit)
    return rows


async def steps(db: Db, case: UUID) -> list[Any]:
    """Return a case's steps, in order."""
    rows: list[Any] = await db.fetch(_STEPS, case)
    return rows


async def intact(db: Db, case: UUID) -> bool:
    """Return whether the case's chain of steps is whole."""
    return bool(await db.fetchval("SELECT case_intact($1)", case))


async def materials(db: Db, case: UUID) -> list[Any]:
    """Return what was handed in with a case, oldest first."""
    rows: list[Any] = await db.fetch(_MATERIALS, case)
    return rows


async def in_hand(db: Db, case: UUID, actor: UUID) -> bool | None:
    """Return whether an operator has a case in hand or decided in it; None when there is no such case."""
    found = await db.fetchrow(_IN_HAND, case, actor)
    return None if found is None else bool(found[0])


async def whose(db: Db, case: UUID) -> Row | None:
    """Return whose case it is and of which item."""
    return await db.fetchrow(_CARD, case)


async def name_person(tx: Tx, actor: UUID, holder: UUID, by: UUID) -> UUID | None:
    """Say which person a reviewer is, once; return who they are now, None when there is no such reviewer."""
    known: UUID | None = await tx.fetchval(_NAME, actor, holder, by)
    return known


async def of_holder(db: Db, holder: UUID, limit: int) -> list[Row]:
    """Return a person's cases, whichever card they were opened with, youngest first."""
    return list(await db.fetch(_OF_HOLDER, holder, limit))
