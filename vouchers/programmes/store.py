"""The table of programmes, and their funds in the ledger."""

from uuid import UUID

import asyncpg
import msgspec

from ecard.db import Db, Row, Tx
from vouchers.programmes.errors import ProgrammeExists
from vouchers.programmes.schemas import ProgrammeRequest

_INSERT = """
    INSERT INTO voucher_programme (id, name, kind, worth, level, content, region, groups, institutions, validity_days,
                                   longer_by, per_person, once, min_attendance_percent, correction_days, created_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
"""
# An account's owner is the programme, a stroke, the source: the range of one programme's is found by the index.
_COLUMNS = """
    SELECT p.id, p.name, p.kind, p.worth, p.level, p.content, p.region, p.groups, p.institutions, p.validity_days,
           p.longer_by, p.per_person, p.once, p.min_attendance_percent, p.correction_days,
           extract(epoch FROM p.created_at)::bigint AS created_at, extract(epoch FROM p.ended_at)::bigint AS ended_at,
           coalesce((SELECT jsonb_agg(jsonb_build_object('source', split_part(a.owner, '/', 2),
                                                         'available', a.balance - a.held) ORDER BY a.owner)
                     FROM account a WHERE a.owner_kind = 'programme' AND a.book = 'fund' AND a.unit = 'CNY'
                         AND a.owner >= p.id::text || '/' AND a.owner < p.id::text || '0'), '[]') AS funds
    FROM voucher_programme p
"""
_BUDGET = "SELECT voucher_budget($1, $2, $3)"
_AVAILABLE = """
    SELECT balance - held FROM account
    WHERE owner_kind = 'programme' AND owner = $1::uuid::text || '/' || $2 AND book = 'fund' AND unit = 'CNY'
"""
_END = "UPDATE voucher_programme SET ended_at = coalesce(ended_at, clock_timestamp()) WHERE id = $1 RETURNING true"
_UNKNOWN = """
    SELECT place - 1 FROM unnest($1::uuid[]) WITH ORDINALITY AS u (agency, place)
    WHERE NOT EXISTS (SELECT FROM agency a WHERE a.id = u.agency) ORDER BY place LIMIT 1
"""


async def insert(tx: Tx, programme: UUID, asked: ProgrammeRequest, by: UUID | None) -> None:
    """Add a programme; raises ProgrammeExists."""
    said = msgspec.structs.asdict(asked)
    order = ("name", "kind", "worth", "level", "content", "region", "groups", "institutions", "validity_days")
    rest = ("longer_by", "per_person", "once", "min_attendance_percent", "correction_days")
    try:
        await tx.execute(_INSERT, programme, *(said[name] for name in (*order, *rest)), by)
    except asyncpg.UniqueViolationError:
        raise ProgrammeExists from None


async def unknown_institution(db: Db, institutions: list[UUID]) -> int | None:
    """Return the place of the first that is not a registered agency."""
    place: int | None = await db.fetchval(_UNKNOWN, institutions)
    return place


async def find(db: Db, programme: UUID) -> Row | None:
    """Return a programme with its funds."""
    return await db.fetchrow(f"{_COLUMNS} WHERE p.id = $1", programme)


async def every(db: Db, after: UUID | None, limit: int) -> list[Row]:
    """Return up to `limit` programmes, youngest first, those made before `after`."""
    sql = f"{_COLUMNS} WHERE $1::uuid IS NULL OR p.id < $1 ORDER BY p.id DESC LIMIT $2"
    return list(await db.fetch(sql, after, limit))


async def budget(tx: Tx, programme: UUID, source: str, amount: int) -> UUID:
    """Post money of a source to a programme (negative: back); return the journal. Raises LG001."""
    journal: UUID = await tx.fetchval(_BUDGET, programme, source, amount)
    return journal


async def available(db: Db, programme: UUID, source: str) -> int:
    """Return what a programme has of a source, 0 where it never had any."""
    return await db.fetchval(_AVAILABLE, programme, source) or 0


async def end(tx: Tx, programme: UUID) -> bool:
    """Note that a programme has ended; return whether there is such a programme."""
    return await tx.fetchval(_END, programme) is not None
