"""The tables of the audit log."""

from collections.abc import AsyncIterator

import msgspec

from ecard.audit.model import Row
from ecard.db import Db, Tx

_INSERT = """
    INSERT INTO audit_event (kind, outcome, actor, card, item, detail) VALUES ($1, $2, $3, $4, $5, $6)
"""
# Transactions below the snapshot's xmin have all ended: no row can still appear under their ids.
_HORIZON = """
    SELECT least(pg_snapshot_xmin(pg_current_snapshot())::text::bigint, (
        SELECT xid::text::bigint + 1 FROM audit_event WHERE xid >= $1::text::xid8 ORDER BY xid OFFSET $2 LIMIT 1))
"""
_ROWS = """
    SELECT xid::text::bigint AS xid, n, (extract(epoch FROM at) * 1000000)::bigint AS at_us,
           kind, outcome, actor::text AS actor, card, item, detail
    FROM audit_event WHERE xid >= $1::text::xid8 AND xid < $2::text::xid8 ORDER BY xid, n
"""
_LAST = "SELECT seq, to_xid, token FROM audit_seal ORDER BY seq DESC LIMIT 1"
_SEAL = "INSERT INTO audit_seal (seq, from_xid, to_xid, leaves, token) VALUES ($1, $2, $3, $4, $5)"
_SEALS = "SELECT seq, from_xid, to_xid, leaves, token FROM audit_seal ORDER BY seq"
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('ecard.audit.seal'))"


class SealRow(msgspec.Struct, frozen=True):
    """A stored seal: the range [from_xid, to_xid), its leaves, and the signed token."""

    seq: int
    from_xid: int
    to_xid: int
    leaves: bytes
    token: str


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


async def try_lock(tx: Tx) -> bool:
    """Return whether this transaction is the only sealer now."""
    return bool(await tx.fetchval(_LOCK))


async def horizon(tx: Tx, start: int, rows: int) -> int:
    """Return the transaction id below which nothing can be added any more, or that ends about `rows` rows."""
    return int(await tx.fetchval(_HORIZON, str(start), rows))


async def rows(db: Db, from_xid: int, to_xid: int) -> list[Row]:
    """Return the rows of a range of transaction ids, in order."""
    return [Row(*row.values()) for row in await db.fetch(_ROWS, str(from_xid), str(to_xid))]


async def last_seal(tx: Tx) -> tuple[int, int, str] | None:
    """Return number, end of range and token of the youngest seal."""
    row = await tx.fetchrow(_LAST)
    return None if row is None else (row["seq"], row["to_xid"], row["token"])


async def insert_seal(tx: Tx, seal: SealRow) -> None:
    """Append a seal."""
    await tx.execute(_SEAL, seal.seq, seal.from_xid, seal.to_xid, seal.leaves, seal.token)


async def seals(connection: Db) -> AsyncIterator[SealRow]:
    """Yield all seals, oldest first, without holding them all in memory."""
    async with connection.transaction():
        async for row in connection.cursor(_SEALS):
            yield SealRow(*row.values())
