"""The table of staff."""

from typing import Any
from uuid import UUID

from ecard.db import Db, Tx

_ADD = """
    INSERT INTO staff (id, holder, agency, role) VALUES ($1, $2, $3, $4)
    ON CONFLICT (holder, agency) WHERE ended_at IS NULL DO NOTHING RETURNING true
"""
_END = "UPDATE staff SET ended_at = now() WHERE id = $1 AND ended_at IS NULL RETURNING agency"
_OF = """
    SELECT s.id, s.agency, s.role, s.since, h.profile FROM staff s JOIN holder h ON h.id = s.holder
    WHERE ($1::uuid IS NULL OR s.agency = $1) AND s.ended_at IS NULL ORDER BY s.id
"""


async def agency_exists(tx: Tx, agency: UUID) -> bool:
    """Return whether the agency is registered."""
    return await tx.fetchval("SELECT true FROM agency WHERE id = $1", agency) is not None


async def add(tx: Tx, staff: UUID, holder: UUID, agency: UUID, role: str) -> bool:
    """Add a member of staff; return False when the holder is one of this agency now."""
    return await tx.fetchval(_ADD, staff, holder, agency, role) is not None


async def end(tx: Tx, staff: UUID) -> UUID | None:
    """End a role, and by a trigger what was granted under it; return the agency, None when there is none to end."""
    agency: UUID | None = await tx.fetchval(_END, staff)
    return agency


async def of(db: Db, agency: UUID | None) -> list[Any]:
    """Return the staff of now, of one agency or of all, with sealed profiles."""
    return list(await db.fetch(_OF, agency))
