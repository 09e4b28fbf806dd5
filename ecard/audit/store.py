"""The table of the audit log."""

import asyncio

from ecard.audit.model import Row, leaf
from ecard.db import Db
from ecard.merkle import Leaf
from ecard.seals import HOURS, Log
from ecard.tokens import TokenType

_INSERT = """
    INSERT INTO audit_event (kind, outcome, actor, card, item, detail) VALUES ($1, $2, $3, $4, $5, $6)
"""
_ROWS = """
    SELECT xid::text::bigint AS xid, n, (extract(epoch FROM at) * 1000000)::bigint AS at_us,
           kind, outcome, actor::text AS actor, card, item, detail
    FROM audit_event WHERE xid >= $1::text::xid8 AND xid < $2::text::xid8 ORDER BY xid, n
"""


async def insert(
    db: Db,
    *,
    kind: str,
    outcome: str,
    actor: object = None,
    card: int | None = None,
    item: str | None = None,
    detail: dict[str, object] | None = None,
) -> None:
    """Append one row."""
    await db.execute(_INSERT, kind, outcome, actor, card, item, detail or {})


async def leaves(db: Db, from_xid: int, to_xid: int) -> list[Leaf]:
    """Return the leaves of the rows of a range of transaction ids, in order."""
    rows = [Row(*row.values()) for row in await db.fetch(_ROWS, str(from_xid), str(to_xid), timeout=HOURS)]
    return await asyncio.to_thread(lambda: [leaf(row) for row in rows])


LOG = Log("audit", "audit_event", "audit_seal", TokenType.SEAL, leaves)
"""The audit log, to be sealed and verified (`ecard.seals`)."""
