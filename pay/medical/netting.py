"""清算: what regions owe each other for patients treated elsewhere, netted to one payment a pair."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from ecard.db import Db, Pool, begin
from pay.medical.schemas import MedicalNetting

_NET = "SELECT medical_net($1)"
_LIST = """
    SELECT id, day, a, b, owed_by_a, owed_by_b, net, journal FROM medical_netting ORDER BY id DESC LIMIT $1
"""


async def net(pool: Pool, by: UUID | None) -> int:
    """Net every pair now; return how many had anything open. Without an operator, once a day."""
    async with begin(pool) as tx:
        return int(await tx.fetchval(_NET, by))


async def nettings(db: Db, limit: int) -> Sequence[MedicalNetting]:
    """Return what was netted, youngest first."""
    return [msgspec.convert(dict(row), MedicalNetting) for row in await db.fetch(_LIST, limit)]
