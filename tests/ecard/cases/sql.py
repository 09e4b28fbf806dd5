"""Cases past the application: the same SQL functions that it calls, and people who decide."""

import asyncio
from typing import Any, NamedTuple
from uuid import UUID

from ecard.ids import new_id

HASH = bytes(32)
_HOLDER = """
    WITH made AS (INSERT INTO holder (id, id_index, profile)
                  VALUES (gen_random_uuid(), uuid_send(gen_random_uuid()), '') RETURNING id)
    INSERT INTO card (holder, card_no_index) SELECT id, uuid_send(gen_random_uuid()) FROM made RETURNING holder, seq
"""
_ACTOR = "INSERT INTO actor (id, kind, suite, public) VALUES ($1, $2, 'ES256', uuid_send($1))"


class Person(NamedTuple):
    """A holder and the card."""

    holder: UUID
    card: int


async def person(db: Any) -> Person:
    """Return a new holder with a card."""
    return Person(*(await db.fetchrow(_HOLDER)).values())


async def actor(db: Any, kind: str) -> UUID:
    """Return a new registered key."""
    made = new_id()
    await db.execute(_ACTOR, made, kind)
    return made


async def reviewer(db: Any, who: Person | None) -> UUID:
    """Return a new reviewer, a known person if one is named."""
    made = await actor(db, "operator")
    await db.execute("INSERT INTO operator (actor, name, role) VALUES ($1, '审核员', 'reviewer')", made)
    if who is not None:
        await db.execute("INSERT INTO case_person (actor, holder, by) VALUES ($1, $2, $1)", made, who.holder)
    return made


async def terminal(db: Any) -> UUID:
    """Return a new counter of a new agency, which has no grant."""
    made, agency = await actor(db, "terminal"), new_id()
    await db.execute("INSERT INTO agency (id, name, uscc) VALUES ($1, '测试银行', $2)", agency, str(agency.int)[-18:])
    sql = """
        INSERT INTO terminal (actor, agency, name, setting, region, site) VALUES ($1, $2, '1', 'counter', '640100', '1')
    """
    await db.execute(sql, made, agency)
    return made


async def phone(db: Any, who: Person) -> UUID:
    """Return a key of a holder's phone; the database asks for no more than that to open a case."""
    del who
    return await actor(db, "holder")


async def opened(db: Any, who: Person, by: UUID, levels: int = 3) -> UUID:
    """Return a new case that waits for acceptance."""
    made = new_id()
    outcome = await db.fetchval(
        "SELECT case_open($1, $2, 'A3-26', $3, $4, $5, NULL, $2, $6, NULL, NULL, '{}', $7, $7, now())",
        *(made, new_id(), levels, who.holder, who.card, by, HASH),
    )
    assert outcome == "ok"
    return made


async def decide(db: Any, case: UUID, by: UUID, version: int, level: int, decision: str) -> Any:
    """Return what `case_decide` answers."""
    note = None if decision == "approve" else b"why"
    return await db.fetchrow(
        "SELECT * FROM case_decide($1, $2, $3, $4, $5, $6, $7, now())", case, by, version, level, decision, note, HASH
    )


async def move(db: Any, case: UUID, who: Person, by: UUID, version: int, motion: str) -> Any:
    """Return what `case_move` answers."""
    return await db.fetchrow(
        "SELECT * FROM case_move($1, $2, $3, $4, $5, NULL, '{}', $6, $6, NULL, now(), 60)",
        *(case, who.holder, by, version, motion, HASH),
    )


async def settled(*work: Any) -> list[Any]:
    """Return what each of these answers or raises, all at once."""
    return list(await asyncio.gather(*work, return_exceptions=True))
