"""Places, lists and entries in the database; the commands are `0010_entries.sql`."""

import datetime
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from ecard.db import Db, Row, Tx
from ecard.entries.model import LONGEST

_RULE = "id, agency, site, item, listed, both_ways, capacity, inside"
_SET = f"SELECT {_RULE} FROM entry_rule_set($1, $2, $3, $4, $5, $6, $7)"  # noqa: S608 - a constant of our own
_RULES = f"SELECT {_RULE} FROM entry_rule WHERE agency = coalesce($1, agency) ORDER BY agency, site, item LIMIT 500"  # noqa: S608 - a constant of our own
_RULE_OF = "SELECT id FROM entry_rule_of($1, $2, $3, $4)"
_ADD_LIST = """
    INSERT INTO entry_list (id, rule, name, opens_at, closes_at, uses, by) VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (rule, name) DO NOTHING RETURNING true
"""
_LIST = """
    SELECT l.id, r.site, r.item, l.name, extract(epoch FROM l.opens_at)::bigint AS opens_at,
           extract(epoch FROM l.closes_at)::bigint AS closes_at, l.uses, count(p.person)::int AS persons,
           count(p.person) FILTER (WHERE p.used > 0)::int AS entered
    FROM entry_list l JOIN entry_rule r ON r.id = l.rule LEFT JOIN entry_person p ON p.list = l.id
    WHERE l.id = $1 AND r.agency = $2 GROUP BY l.id, r.id
"""
_ADD_PERSONS = """
    INSERT INTO entry_person (list, person, room, seat)
    SELECT DISTINCT ON (p.person) $1, p.person, p.room, p.seat
    FROM unnest($2::bytea[], $3::text[], $4::text[]) WITH ORDINALITY AS p (person, room, seat, n)
    ORDER BY p.person, p.n DESC
    ON CONFLICT (list, person) DO UPDATE SET room = EXCLUDED.room, seat = EXCLUDED.seat
"""
_ADMIT = """
    SELECT outcome, at, list, room, seat, first_at, opens_at, closes_at, capacity
    FROM entry_admit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
_UPLOAD = """
    SELECT outcome, made, first_at, room, opens_at, closes_at, capacity
    FROM entry_upload($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
"""
_SEEN = """
    SELECT e.id, e.holder, r.item, r.site, e.direction, extract(epoch FROM e.seen_at)::bigint AS at, e.room, e.seat,
           e.once IS NOT NULL AS offline, e.state = 'counted' AS counted
    FROM gate_entry e JOIN entry_rule r ON r.id = e.rule
    WHERE r.agency = $1 AND ($2::text IS NULL OR r.item = $2) AND e.seen_at < $3
    ORDER BY e.seen_at DESC, e.id DESC LIMIT $4
"""
_MINE = """
    SELECT e.id, g.name AS agency, r.site, r.item, e.direction, extract(epoch FROM e.seen_at)::bigint AS at,
           e.state = 'counted' AS counted
    FROM gate_entry e JOIN entry_rule r ON r.id = e.rule JOIN agency g ON g.id = r.agency
    WHERE e.holder = (SELECT holder FROM card WHERE seq = $1) ORDER BY e.seen_at DESC, e.id DESC LIMIT 200
"""
_CONFLICTS = """
    SELECT e.id AS entry, r.item, r.site, extract(epoch FROM e.seen_at)::bigint AS seen_at,
           extract(epoch FROM e.contested_at)::bigint AS found_at, e.state = 'counted' AS won
    FROM gate_entry e JOIN entry_rule r ON r.id = e.rule
    WHERE r.agency = $1 AND e.contested_at IS NOT NULL ORDER BY e.contested_at DESC, e.id LIMIT 500
"""
# Uses that the holder disputed are no work of theirs.
_PASSAGES = """
    SELECT e.holder, g.name AS agency, r.site, e.direction, e.seen_at AS at
    FROM gate_entry e JOIN entry_rule r ON r.id = e.rule JOIN agency g ON g.id = r.agency JOIN visit v ON v.id = e.visit
    WHERE r.item = $1 AND e.state = 'counted' AND v.disputed_at IS NULL AND e.seen_at >= $2 AND e.seen_at < $3
"""
_WORK_AT = f"{_PASSAGES} AND r.agency = $4 AND r.site = $5"
_WORK_OF = f"{_PASSAGES} AND e.holder = (SELECT holder FROM card WHERE seq = $4)"  # noqa: S608 - as above


async def set_rule(tx: Tx, *columns: object) -> Row:
    """Set a place's rule: agency, site, item, listed, both ways, capacity, by whom."""
    return await tx.fetchrow(_SET, *columns)


async def rules(db: Db, agency: UUID | None) -> list[Row]:
    """Return places, of an agency or of all."""
    return list(await db.fetch(_RULES, agency))


async def add_list(tx: Tx, place: tuple[UUID, str, str, bool], *columns: object) -> bool:
    """Add a list to a place (agency, site, item, both ways): id, name, from, until, uses, by whom; False: it exists."""
    number, *facts = columns
    rule = await tx.fetchval(_RULE_OF, *place)
    return await tx.fetchval(_ADD_LIST, number, rule, *facts) is not None


async def one_list(db: Db, number: UUID, agency: UUID) -> Row | None:
    """Return a list of an agency with how many are on it."""
    return await db.fetchrow(_LIST, number, agency)


async def add_persons(tx: Tx, number: UUID, persons: Sequence[tuple[bytes, str, str]]) -> None:
    """Put people on a list: blind index, room, seat; of one person named twice the last counts."""
    indexes, rooms, seats = ([one[n] for one in persons] for n in range(3))
    await tx.execute(_ADD_PERSONS, number, indexes, rooms, seats)


async def admit(tx: Tx, *columns: object) -> Row:
    """Let a visit's holder through: id, agency, site, item, both ways, visit, holder, direction, room, terminal."""
    return await tx.fetchrow(_ADMIT, *columns, LONGEST)


async def upload(tx: Tx, place: tuple[object, ...], way: tuple[str, str], shown: tuple[object, ...]) -> Row:
    """Record an entry seen offline.

    `place`: id, agency, site, item, both ways, level, terminal; `way`: direction, room; `shown`: what the code burns,
    its shadow, card, phone, strength, and when it was seen.
    """
    return await tx.fetchrow(_UPLOAD, *place, *way, LONGEST, *shown)


async def seen(db: Db, agency: UUID, item: str | None, before: datetime.datetime, limit: int) -> list[Row]:
    """Return an agency's entries before a time, youngest first."""
    return list(await db.fetch(_SEEN, agency, item, before, limit))


async def mine(db: Db, card: int) -> list[Row]:
    """Return the entries of a card's holder, youngest first."""
    return list(await db.fetch(_MINE, card))


async def conflicts(db: Db, agency: UUID) -> list[Row]:
    """Return an agency's entries whose code another gate took as well, youngest first."""
    return list(await db.fetch(_CONFLICTS, agency))


async def work_at(db: Db, item: str, span: Sequence[datetime.datetime], agency: UUID, site: str) -> list[Any]:
    """Return the passages of a work site within a span of time."""
    return list(await db.fetch(_WORK_AT, item, *span, agency, site))


async def work_of(db: Db, item: str, span: Sequence[datetime.datetime], card: int) -> list[Any]:
    """Return the passages of a card's holder at all work sites within a span of time."""
    return list(await db.fetch(_WORK_OF, item, *span, card))
