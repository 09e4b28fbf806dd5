"""Card sessions in the database: every step from one state to the next is one guarded statement."""

import datetime
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from cardio.server.model import Policy, SessionState
from cardio.server.store import SILENT
from ecard.catalogue.model import Strength
from ecard.db import Db, Pool, Row, in_batches

# What was written, read together with the clock, the bridge's last sign of life, its key, and the use of it.
_STATE = f"""
    CASE WHEN s.state IN ('proven', 'read') AND EXISTS (SELECT FROM evidence_use e WHERE e.key = $2) THEN 'used'
         WHEN s.state <> 'failed' AND s.expires_at <= clock_timestamp() THEN 'expired'
         WHEN s.state IN ('opening', 'reading', 'pin')
              AND (b.link IS DISTINCT FROM s.link OR b.seen_at < clock_timestamp() - interval '{SILENT} seconds')
              THEN 'failed'
         WHEN s.state IN ('proven', 'read') AND a.revoked_at IS NOT NULL THEN 'failed' ELSE s.state END
"""  # noqa: S608 - a constant of our own
_COLUMNS = "s.id, s.terminal, s.bridge, s.link, s.item, s.policy, s.reader, s.challenge, s.to_write, s.expires_at"
_OPEN = "SELECT outcome, expires_at FROM card_session_open($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
_CHALLENGE = "SELECT challenge FROM card_session WHERE id = $1 AND terminal = $2"
_VIEW = f"""
    SELECT s.id, s.item, {_STATE} AS state, coalesce(s.why, 'bridge_lost') AS why, s.version, s.strength, s.amr,
           s.pin_left, s.card, s.written, s.mended, h.profile,
           greatest(0, ceil(extract(epoch FROM s.expires_at - clock_timestamp())))::int AS expires_in
    FROM card_session s JOIN bridge b ON b.actor = s.bridge JOIN actor a ON a.id = b.actor
    LEFT JOIN card c ON c.seq = s.card LEFT JOIN holder h ON h.id = c.holder
    WHERE s.id = $1
"""  # noqa: S608 - names of columns
_TAKE = f"""
    UPDATE card_session s SET taken_at = clock_timestamp()
    WHERE state = 'opening' AND taken_at IS NULL AND link = ANY($1) AND expires_at > clock_timestamp()
    RETURNING {_COLUMNS}
"""  # noqa: S608 - names of columns
_ENDED = "SELECT id FROM card_session WHERE id = ANY($1) AND state = 'failed'"
_MOVE = """
    UPDATE card_session SET state = $2, pin_left = coalesce($3, pin_left)
    WHERE id = $1 AND state IN ('opening', 'reading', 'pin') AND expires_at > clock_timestamp() RETURNING true
"""
_FINISH = """
    UPDATE card_session SET state = $2, card = $3, strength = $4, amr = $5, version = $6, trips = $7, to_write = NULL,
                            written = $8, mended = $9
    WHERE id = $1 AND state IN ('reading', 'pin') AND expires_at > clock_timestamp() RETURNING true
"""
_FAIL = """
    UPDATE card_session SET state = 'failed', why = $2, card = coalesce($3, card), version = coalesce($4, version),
                            trips = $5, to_write = NULL
    WHERE id = $1 AND state IN ('opening', 'reading', 'pin') RETURNING true
"""
_FORGET = """
    DELETE FROM card_session WHERE id IN
        (SELECT id FROM card_session WHERE expires_at < now() - interval '1 day' LIMIT 5000 FOR UPDATE SKIP LOCKED)
"""


class SessionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A session to be driven; `to_write` is sealed."""

    id: UUID
    terminal: UUID
    bridge: UUID
    link: UUID
    item: str
    policy: Policy
    reader: str | None
    challenge: bytes
    to_write: bytes | None
    expires_at: datetime.datetime


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a finished read says: which registered card, how strongly, in how many round trips, and what was written."""

    state: SessionState
    card: int
    strength: Strength
    amr: list[str]
    version: str
    trips: int
    written: str | None = None
    mended: str | None = None


async def open_session(db: Db, *columns: object) -> Row:
    """Open a session: the arguments of `card_session_open`; return outcome and end."""
    return await db.fetchrow(_OPEN, *columns)


async def challenge(db: Db, session: UUID, terminal: UUID) -> bytes | None:
    """Return the challenge of a terminal's session; None when there is no such session of this terminal."""
    found: bytes | None = await db.fetchval(_CHALLENGE, session, terminal)
    return found


async def view(db: Db, session: UUID, once: bytes) -> Row:
    """Return how a session stands; `once` is what its use burns."""
    return await db.fetchrow(_VIEW, session, once)


async def take(db: Db, links: Sequence[UUID]) -> list[SessionRow]:
    """Take the sessions that wait at these connections; each is taken once."""
    return [SessionRow(**{**row, "policy": Policy(row["policy"])}) for row in await db.fetch(_TAKE, links)]


async def ended(db: Db, driven: Sequence[UUID]) -> list[UUID]:
    """Return which of the sessions that are driven here were ended elsewhere."""
    return [row["id"] for row in await db.fetch(_ENDED, driven)]


async def move(db: Db, session: UUID, state: SessionState, *, pin_left: int | None = None) -> bool:
    """Move a living session on; return False when it has ended."""
    return await db.fetchval(_MOVE, session, state.value, pin_left) is not None


async def finish(db: Db, session: UUID, result: Result) -> bool:
    """Note what a read has shown; return False when the session has ended meanwhile."""
    proven = (result.state.value, result.card, result.strength.value, result.amr, result.version, result.trips)
    return await db.fetchval(_FINISH, session, *proven, result.written, result.mended) is not None


async def fail(
    db: Db,
    session: UUID,
    why: str,
    *,
    card: int | None = None,
    version: str | None = None,
    trips: int = 0,
) -> bool:
    """End a session; return False when it had ended."""
    return await db.fetchval(_FAIL, session, why, card, version, trips) is not None


async def forget(pool: Pool) -> Any:
    """Drop sessions of more than a day ago; visits stay."""
    await in_batches(pool, _FORGET)
