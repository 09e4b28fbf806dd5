"""The table of look-ups."""

from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from ecard.db import BATCH, Db, Pool, Tx
from ecard.records.model import Part
from ecard.vault import Vault

_PLACE = "record_lookup.content"
_FIND = "SELECT asked, complete, content, at FROM record_lookup WHERE visit = $1"
# The one statement that decides: a visit is looked up once, or again while its answer has gaps.
_RECORD = """
    INSERT INTO record_lookup (visit, item, actor, complete, content) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (visit) DO UPDATE SET asked = record_lookup.asked + 1, complete = excluded.complete,
        content = excluded.content, at = now()
    WHERE NOT record_lookup.complete AND record_lookup.asked < $6
    RETURNING extract(epoch FROM at)::bigint
"""
_PERSON = "SELECT h.profile FROM card c JOIN holder h ON h.id = c.holder WHERE c.seq = $1"
_FORGET = """
    UPDATE record_lookup SET content = NULL WHERE visit IN (
        SELECT visit FROM record_lookup WHERE content IS NOT NULL AND at < now() - interval '1 hour'
        LIMIT $1 FOR UPDATE SKIP LOCKED)
"""
MOST_ASKED = 5
"""How often one visit may be asked while its answer has gaps."""
_decoder = msgspec.json.Decoder(list[Part])


class Known(NamedTuple):
    """What one visit has found so far; `parts` is empty once it is forgotten."""

    asked: int
    complete: bool
    parts: list[Part]
    at: Any


async def find(db: Db, vault: Vault, visit: UUID) -> Known | None:
    """Return the look-up of a visit; raises SealBroken."""
    row = await db.fetchrow(_FIND, visit)
    if row is None:
        return None
    content = row["content"]
    parts = [] if content is None else _decoder.decode(vault.open(_PLACE, content))
    return Known(row["asked"], row["complete"], parts, row["at"])


async def record(tx: Tx, vault: Vault, visit: UUID, item: str, actor: UUID, parts: list[Part]) -> int | None:
    """Record what a visit has found; return when (Unix seconds), None where it may not ask again."""
    complete = all(part.reason is None for part in parts)
    sealed = vault.seal(_PLACE, msgspec.json.encode(parts))
    at: int | None = await tx.fetchval(_RECORD, visit, item, actor, complete, sealed, MOST_ASKED)
    return at


async def profile(db: Db, card: int) -> bytes:
    """Return the sealed profile of a card's holder."""
    return bytes(await db.fetchval(_PERSON, card))


async def forget(pool: Pool) -> None:
    """Forget what was found more than an hour ago: a visit stands for a quarter of one."""
    await pool.execute(_FORGET, BATCH)
