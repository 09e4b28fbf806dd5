"""The table of certifications; one visit makes one."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from ecard.db import Db, Row, Tx

_ADD = """
    INSERT INTO certification AS c (id, holder, item, how, visit, case_id, agency, valid_until)
    VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp() + interval '12 months')
    ON CONFLICT DO NOTHING RETURNING c.id, c.item, c.how, c.at, c.valid_until
"""
_OF_CASE = "SELECT id, item, how, at, valid_until FROM certification WHERE case_id = $1"
_HISTORY = """
    SELECT c.id, c.item, c.how, c.at, c.valid_until, v.disputed_at IS NOT NULL AS disputed,
           coalesce(g.name, k.name, '') AS place
    FROM certification c JOIN card d ON d.holder = c.holder JOIN visit v ON v.id = c.visit
        LEFT JOIN agency g ON g.id = c.agency LEFT JOIN channel k ON k.actor = c.agency
    WHERE d.seq = $1 ORDER BY c.at DESC LIMIT 100
"""
_CERTIFIED = """
    SELECT DISTINCT c.holder FROM certification c JOIN visit v ON v.id = c.visit
    WHERE c.holder = ANY ($1::uuid[]) AND c.item = ANY ($2::text[]) AND v.disputed_at IS NULL
      AND c.valid_until > clock_timestamp() AND c.at > clock_timestamp() - make_interval(months => $3)
"""


async def add(tx: Tx, *columns: object) -> Row | None:
    """Record a certification: id, holder, item, how, visit, case, agency; None when this visit or case has one."""
    return await tx.fetchrow(_ADD, *columns)


async def of_case(db: Db, case: UUID) -> Row:
    """Return the certification that a case made."""
    return await db.fetchrow(_OF_CASE, case)


async def history(db: Db, card: int) -> list[Any]:
    """Return the certifications of a card's holder, youngest first."""
    rows: list[Any] = await db.fetch(_HISTORY, card)
    return rows


async def certified(db: Db, holders: Sequence[UUID], items: Sequence[str], months: int) -> set[UUID]:
    """Return which holders have a certification of one of `items` in force, and made within so many months."""
    return {row["holder"] for row in await db.fetch(_CERTIFIED, list(holders), list(items), months)}
