"""The table of certificates; a row is written by the voucher's own step (`credential_follow`)."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from ecard.db import Db, Row
from vouchers.credentials.model import Certificate

_COLUMNS = """
    c.id, c.programme, c.title, c.content, c.level, c.course, c.institution, c.institution_name, c.hours, c.ended_on,
    c.list, c.place, c.issued_at, c.revoked_at
"""
_OF_HOLDER = f"""
    SELECT {_COLUMNS} FROM credential c WHERE c.holder = $1 AND ($2::uuid IS NULL OR c.id = $2)
    ORDER BY c.issued_at DESC, c.id DESC LIMIT 200
"""  # noqa: S608 - a constant of our own
_HOLDER = "SELECT c.holder, h.profile FROM card c JOIN holder h ON h.id = c.holder WHERE c.seq = $1"
_REVOKED = "SELECT place FROM credential WHERE list = $1 AND revoked_at IS NOT NULL"
_LISTS = "SELECT coalesce(max(list), 0) FROM credential"
_VISITOR = "SELECT c.holder FROM visit v JOIN card c ON c.seq = v.card WHERE v.id = $1"
# With a voucher that waits for a class; else of programmes that anybody may claim from, who has none of theirs.
_OFFERS = """
    SELECT t.id AS class, t.name, p.id AS programme, p.name AS title, p.level, a.name AS institution, t.hours, t.fee,
           t.starts_at, t.ends_at, t.capacity - t.taken AS seats, v.id AS voucher
    FROM training_class t JOIN voucher_programme p ON p.id = t.programme JOIN agency a ON a.id = t.institution
        JOIN institution i ON i.agency = t.institution
        LEFT JOIN LATERAL (
            SELECT id FROM voucher WHERE holder = $1 AND programme = p.id AND state = 'claimed'
                AND valid_until > clock_timestamp() ORDER BY valid_until LIMIT 1) v ON true
    WHERE t.ends_at > clock_timestamp() AND t.taken < t.capacity AND i.suspended_at IS NULL
        AND (v.id IS NOT NULL OR p.kind = 'general' AND p.ended_at IS NULL
            AND voucher_free_slot(p.id, $1, p.per_person) IS NOT NULL
            AND EXISTS (SELECT FROM voucher u WHERE u.programme = p.id AND u.state = 'issued'
                AND u.valid_from <= clock_timestamp() AND u.valid_until > clock_timestamp()))
    ORDER BY v.id IS NULL, t.starts_at, t.id LIMIT 100
"""
_COURSES = """
    SELECT v.id AS voucher, v.state, t.id AS class, t.name, p.id AS programme, p.name AS title, p.level,
           a.name AS institution, t.hours, attended_hours(v.id, t.id) AS attended, t.starts_at, t.ends_at,
           c.id AS credential
    FROM voucher v JOIN training_class t ON t.id = v.class JOIN voucher_programme p ON p.id = v.programme
        JOIN agency a ON a.id = t.institution LEFT JOIN credential c ON c.voucher = v.id
    WHERE v.holder = $1 AND v.state NOT IN ('expired', 'cancelled', 'reversed')
    ORDER BY t.starts_at DESC, v.id DESC LIMIT 200
"""


async def owner(db: Db, card: int) -> tuple[UUID, bytes]:
    """Return who holds a card, and the sealed profile."""
    row = await db.fetchrow(_HOLDER, card)
    return row["holder"], row["profile"]


async def of_holder(db: Db, holder: UUID, named: UUID | None = None) -> Sequence[Certificate]:
    """Return a person's certificates, youngest first, or the one of them that is `named`."""
    return [msgspec.convert(dict(row), Certificate) for row in await db.fetch(_OF_HOLDER, holder, named)]


async def revoked(db: Db, number: int) -> list[int]:
    """Return the places of the revoked certificates of a list."""
    return [row["place"] for row in await db.fetch(_REVOKED, number)]


async def last_list(db: Db) -> int:
    """Return the number of the list that certificates were last put on."""
    return int(await db.fetchval(_LISTS))


async def offers(db: Db, holder: UUID) -> list[Row]:
    """Return the classes that a person may sit in: with a voucher held for them, or one that may be claimed."""
    return list(await db.fetch(_OFFERS, holder))


async def courses(db: Db, holder: UUID) -> list[Row]:
    """Return the classes that a person's vouchers are or were bound to, youngest first, with the hours attended."""
    return list(await db.fetch(_COURSES, holder))


async def visitor(db: Db, visit: UUID) -> UUID:
    """Return whose card was used in a visit."""
    return UUID(str(await db.fetchval(_VISITOR, visit)))
