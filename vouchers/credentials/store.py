"""The table of certificates; a row is written by the voucher's own step (`credential_follow`)."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from ecard.db import Db
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
