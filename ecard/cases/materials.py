"""材料 (materials): what is uploaded, kept once under its content's address and sealed, shown to few."""

import asyncio
from typing import NamedTuple
from uuid import UUID

from ecard.audit import store as audit
from ecard.cases.errors import MaterialUnknown
from ecard.cases.inspection import media_type
from ecard.cases.model import MATERIAL_BYTES
from ecard.cases.schemas import CaseMaterial
from ecard.db import Db, Pool, Row, Tx, in_batches
from ecard.errors import TooLarge
from ecard.ids import new_id
from ecard.limits import Limit
from ecard.runtime import Runtime
from ecard.vault import Vault

UPLOADS = Limit("material", 200, 3600)
"""Materials of one caller in an hour."""
_PLACE = "case_content.sealed"
# The first upload of a content keeps it; the row is locked either way, so that no sweep takes it meanwhile.
_KEEP = """
    INSERT INTO case_content (address, media, size, sealed) VALUES ($1, $2, $3, $4)
    ON CONFLICT (address) DO UPDATE SET at = now()
"""
_ADD = "INSERT INTO case_material (id, address, actor) VALUES ($1, $2, $3)"
_FIND = """
    SELECT m.id, m.case_id, c.media, c.size, c.sealed, c.address, f.card, f.item
    FROM case_material m JOIN case_content c ON c.address = m.address JOIN case_file f ON f.id = m.case_id
    WHERE m.case_id = $1 AND m.id = $2
"""
_ADDRESSES = "SELECT address FROM case_material WHERE id = any ($1) ORDER BY id"
_FORGET = [
    """
    DELETE FROM case_material WHERE id IN (SELECT id FROM case_material WHERE case_id IS NULL
        AND at < now() - interval '2 days' LIMIT 1000 FOR UPDATE SKIP LOCKED)
    """,
    """
    DELETE FROM case_content WHERE address IN (SELECT c.address FROM case_content c
        WHERE c.at < now() - interval '2 days' AND NOT EXISTS (
            SELECT FROM case_material m WHERE m.address = c.address) LIMIT 100 FOR UPDATE OF c SKIP LOCKED)
    """,
]


class Inspected(NamedTuple):
    """A content that was found safe: its address, type, size, and itself sealed."""

    address: bytes
    media: str
    size: int
    sealed: bytes


class Shown(NamedTuple):
    """A material to be shown."""

    media: str
    content: bytes


async def inspected(runtime: Runtime, content: bytes, actor: UUID) -> Inspected:
    """Return an upload that may be kept; looked at and sealed in a thread, with no transaction open.

    Raises TooLarge, TooMany, MaterialTypeRefused, MaterialDamaged, MaterialUnsafe.
    """
    if len(content) > MATERIAL_BYTES:
        raise TooLarge(most=MATERIAL_BYTES)
    await runtime.limiter.hit(UPLOADS, str(actor))
    return await asyncio.to_thread(_inspect, runtime.vault, content)


def _inspect(vault: Vault, content: bytes) -> Inspected:
    media = media_type(content)
    # A keyed address: a copy of the database does not even say whether it has a document that one holds.
    return Inspected(vault.mac("case material", content), media, len(content), vault.seal(_PLACE, content))


async def keep(tx: Tx, found: Inspected, actor: UUID) -> CaseMaterial:
    """Keep an upload, for a case that this caller opens or completes within a day."""
    await tx.execute(_KEEP, *found)
    number = new_id()
    await tx.execute(_ADD, number, found.address, actor)
    return CaseMaterial(id=number, media=found.media, size=found.size)


async def addresses(db: Db, numbers: list[UUID]) -> list[bytes]:
    """Return the addresses of the contents of some materials."""
    return [row["address"] for row in await db.fetch(_ADDRESSES, numbers)]


async def show(pool: Pool, vault: Vault, case: UUID, material: UUID, by: UUID) -> Shown:
    """Return a material of a case; that it was looked at is on record. Raises MaterialUnknown."""
    row: Row | None = await pool.fetchrow(_FIND, case, material)
    if row is None:
        raise MaterialUnknown
    detail: dict[str, object] = {"case": str(case), "material": str(material)}
    await audit.insert(
        pool, kind="case_material_shown", outcome="ok", actor=by, card=row["card"], item=row["item"], detail=detail
    )
    return Shown(row["media"], await asyncio.to_thread(vault.open, _PLACE, row["sealed"]))


async def forget(pool: Pool) -> None:
    """Drop what was uploaded and never became part of a case."""
    await in_batches(pool, *_FORGET)
