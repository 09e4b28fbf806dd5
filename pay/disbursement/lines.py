"""The table of lines: taking them in, reading them, and what operators decide of one."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from ecard.db import Db, Row, Tx
from pay.disbursement.schemas import BenefitBadLine, BenefitLine

_RULES = "SELECT components, line_limit, pseudonymous FROM benefit_programme WHERE id = $1"
_PEOPLE = "SELECT id_index, id, profile FROM holder WHERE id_index = ANY ($1::bytea[])"
_PSEUDONYMS = "SELECT token_index, id FROM benefit_pseudonym WHERE programme = $1 AND token_index = ANY ($2::bytea[])"
_OF_CARDS = "SELECT seq, holder FROM card WHERE seq = ANY ($1::integer[])"
# In one order whoever inserts, so that two agencies with the same people wait for each other and do not meet crosswise.
_ADD = """
    INSERT INTO benefit_line (id, batch, n, programme, period, component, payee, amount, reference, salt)
    SELECT g.id, $1, g.n, $2, $3, g.component, g.payee, g.amount, g.reference, g.salt
    FROM unnest($4::uuid[], $5::integer[], $6::text[], $7::uuid[], $8::bigint[], $9::text[], $10::bytea[])
        AS g (id, n, component, payee, amount, reference, salt) ORDER BY g.payee, g.component
    ON CONFLICT DO NOTHING RETURNING n
"""
_DROP = "DELETE FROM benefit_line WHERE batch = $1 AND n BETWEEN $2 AND $3"
_FORGIVE = "DELETE FROM benefit_bad_line WHERE batch = $1 AND n BETWEEN $2 AND $3"
_NOTE_BAD = "INSERT INTO benefit_bad_line (batch, n, reason) SELECT $1, unnest($2::integer[]), unnest($3::text[])"
_BAD = "SELECT n, reason FROM benefit_bad_line WHERE batch = $1 AND n > $2 ORDER BY n LIMIT $3"
_VIEW = """
    SELECT l.id, l.n, l.try AS attempt, l.reference, l.component, l.amount, l.state, l.reason, l.sent_at, l.done_at,
           CASE WHEN c.journal IS NULL THEN 0 ELSE c.amount - c.recovered END AS owed_back,
           coalesce(c.recovered, 0) AS recovered
    FROM benefit_line l LEFT JOIN benefit_clawback c ON c.line = l.id
"""
_FIND = f"{_VIEW} WHERE l.id = $1"
_LIST = f"""{_VIEW} WHERE l.batch = $1 AND ($2::text IS NULL OR l.state = $2) AND l.n > $3
             ORDER BY l.n FETCH FIRST $4 ROWS WITH TIES"""
_MINE = """
    SELECT l.id, p.name AS programme, p.item, l.component, l.period, l.amount, l.state, l.reason, l.sent_at, l.done_at,
           b.state AS batch_state, b.notice_ends_at, b.notice_ends_at > now() AS on_notice,
           CASE WHEN c.journal IS NULL THEN 0 ELSE c.amount - c.recovered END AS owed_back
    FROM benefit_line l JOIN benefit_batch b ON b.id = l.batch JOIN benefit_programme p ON p.id = l.programme
        LEFT JOIN benefit_clawback c ON c.line = l.id
    WHERE l.payee = ANY ($1::uuid[]) AND b.state NOT IN ('draft', 'cancelled')
      AND NOT EXISTS (SELECT FROM benefit_line x WHERE x.redrive_of = l.id)
"""
_PLACE = """
    SELECT b.token, m.leaves, l.n, l.component, l.payee, l.amount, l.salt, l.batch, l.programme, l.period,
           (SELECT count(*) FROM benefit_line x WHERE x.batch = l.batch AND x.try = 1 AND x.n < l.n) AS index
    FROM benefit_line l JOIN benefit_batch b ON b.id = l.batch
        JOIN benefit_manifest m ON (m.batch, m.round) = (b.id, b.round)
    WHERE l.id = $1 AND l.payee = ANY ($2::uuid[]) AND b.state <> 'draft'
"""


class Rules(NamedTuple):
    """What a programme says of its lines."""

    components: list[str]
    line_limit: int
    pseudonymous: bool


class NewLine(NamedTuple):
    """A line that is to be taken in."""

    id: UUID
    n: int
    component: str
    payee: UUID
    amount: int
    reference: str
    salt: bytes


async def rules(db: Db, programme: UUID) -> Rules:
    """Return what a programme says of its lines."""
    return Rules(*(await db.fetchrow(_RULES, programme)).values())


async def people(db: Db, indexes: Sequence[bytes]) -> dict[bytes, tuple[UUID, bytes]]:
    """Return holders and their sealed profiles by the blind index of their number."""
    return {row["id_index"]: (row["id"], row["profile"]) for row in await db.fetch(_PEOPLE, indexes)}


async def pseudonyms(db: Db, programme: UUID, indexes: Sequence[bytes]) -> dict[bytes, UUID]:
    """Return a programme's payees by the blind index of their pseudonym."""
    return {row["token_index"]: row["id"] for row in await db.fetch(_PSEUDONYMS, programme, indexes)}


async def holders_of(db: Db, cards: Sequence[int]) -> dict[int, UUID]:
    """Return the holders of cards."""
    return {row["seq"]: row["holder"] for row in await db.fetch(_OF_CARDS, cards)}


async def add(tx: Tx, batch: UUID, programme: UUID, period: str, lines: Sequence[NewLine]) -> set[int]:
    """Take lines in; return the places of those taken: another line of the same may be there already."""
    columns = list(zip(*lines, strict=True))
    return {row["n"] for row in await tx.fetch(_ADD, batch, programme, period, *columns)} if lines else set()


async def drop(tx: Tx, batch: UUID, first: int, last: int) -> None:
    """Drop the lines of some places of a draft, and what was wrong there."""
    await tx.execute(_DROP, batch, first, last)
    await tx.execute(_FORGIVE, batch, first, last)


async def note_bad(tx: Tx, batch: UUID, bad: Iterable[BenefitBadLine]) -> None:
    """Note lines that were not taken."""
    found = list(bad)
    if found:
        await tx.execute(_NOTE_BAD, batch, [one.n for one in found], [one.reason for one in found])


async def bad(db: Db, batch: UUID, after: int, limit: int) -> list[BenefitBadLine]:
    """Return lines that were not taken, beyond a place."""
    return [BenefitBadLine(**row) for row in await db.fetch(_BAD, batch, after, limit)]


async def listed(db: Db, batch: UUID, state: str | None, after: int, limit: int) -> list[BenefitLine]:
    """Return a batch's lines beyond a place: so many, and what else stands at the last one's place."""
    found = [msgspec.convert(dict(row), BenefitLine) for row in await db.fetch(_LIST, batch, state, after, limit)]
    return sorted(found, key=lambda line: (line.n, line.attempt))


async def find(db: Db, line: UUID) -> BenefitLine | None:
    """Return a line."""
    row = await db.fetchrow(_FIND, line)
    return None if row is None else msgspec.convert(dict(row), BenefitLine)


async def mine(db: Db, payees: Sequence[UUID], before: UUID | None, limit: int) -> list[dict[str, Any]]:
    """Return the benefits of a holder, youngest first; of one that was paid again, the last."""
    sql = f"{_MINE} AND ($2::uuid IS NULL OR l.id < $2) ORDER BY l.id DESC LIMIT $3"
    return [dict(row) for row in await db.fetch(sql, payees, before, limit)]


async def of_item(db: Db, payees: Sequence[UUID], item: str, limit: int) -> list[dict[str, Any]]:
    """Return the benefits of a holder for one item, youngest first."""
    sql = f"{_MINE} AND p.item = $2 ORDER BY l.id DESC LIMIT $3"
    return [dict(row) for row in await db.fetch(sql, payees, item, limit)]


async def one_of_mine(db: Db, payees: Sequence[UUID], line: UUID) -> dict[str, Any] | None:
    """Return one benefit of a holder."""
    row = await db.fetchrow(f"{_MINE} AND l.id = $2", payees, line)
    return None if row is None else dict(row)


async def place(db: Db, payees: Sequence[UUID], line: UUID) -> Row | None:
    """Return where a holder's line stands in its manifest."""
    return await db.fetchrow(_PLACE, line, payees)


async def cancel(tx: Tx, line: UUID) -> str:
    """Give a line up; return the outcome of `benefit_cancel_line`."""
    return str(await tx.fetchval("SELECT benefit_cancel_line($1)", line))


async def redrive(db: Db, line: UUID, new: UUID) -> str:
    """Pay a returned line again; return the outcome of `benefit_redrive`."""
    return str(await db.fetchval("SELECT benefit_redrive($1, $2)", line, new))


async def claw(tx: Tx, line: UUID, by: UUID, amount: int, reason: str) -> str:
    """Say that a line was overpaid, or confirm it; return the outcome of `benefit_claw`."""
    return str(await tx.fetchval("SELECT benefit_claw($1, $2, $3, $4)", line, by, amount, reason))


async def recover(tx: Tx, line: UUID, by: UUID, amount: int, bank: str, ref: str) -> str:
    """Book what came back; return the outcome of `benefit_recover`."""
    return str(await tx.fetchval("SELECT benefit_recover($1, $2, $3, $4, $5)", line, by, amount, bank, ref))
