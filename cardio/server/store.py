"""Bridges in the database, and who is paired with whom."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from ecard.db import Db, Row, Tx
from ecard.keys import Suite

SILENT = 6
"""Seconds after which a bridge that no process speaks for is off-line; the schema's functions name it too."""
_ONLINE = f"b.link IS NOT NULL AND b.seen_at > clock_timestamp() - interval '{SILENT} seconds'"
_ADD = "INSERT INTO bridge (actor, agency, name, site) VALUES ($1, $2, $3, $4)"
_FIND = """
    SELECT b.actor AS id, a.seq, a.suite, a.public, b.agency, b.name, b.terminal
    FROM bridge b JOIN actor a ON a.id = b.actor
    WHERE b.actor = $1 AND a.revoked_at IS NULL
"""
_LIST = f"""
    SELECT b.actor AS id, b.agency, b.name, b.site, b.version, b.readers, t.name AS terminal, {_ONLINE} AS online,
           a.revoked_at IS NOT NULL AS revoked
    FROM bridge b JOIN actor a ON a.id = b.actor LEFT JOIN terminal t ON t.actor = b.terminal ORDER BY b.actor
"""  # noqa: S608 - a constant of our own
_LINKED = """
    UPDATE bridge b SET link = $2, seen_at = clock_timestamp(), pairing = $3,
                        pairing_until = clock_timestamp() + make_interval(secs => $4)
    WHERE actor = $1 AND EXISTS (SELECT FROM actor a WHERE a.id = b.actor AND a.revoked_at IS NULL)
    RETURNING (SELECT t.name FROM terminal t WHERE t.actor = b.terminal) AS terminal
"""
_UNLINKED = "UPDATE bridge SET link = NULL, pairing = NULL WHERE actor = $1 AND link = $2"
_RENEW = """
    UPDATE bridge SET pairing = $3, pairing_until = clock_timestamp() + make_interval(secs => $4)
    WHERE actor = $1 AND link = $2 RETURNING true
"""
_SHOWS = "UPDATE bridge SET version = coalesce($3, version), readers = $4 WHERE actor = $1 AND link = $2"
_SCANNED = """
    UPDATE bridge SET scan = $3, scanned_at = clock_timestamp() WHERE actor = $1 AND link = $2 AND terminal IS NOT NULL
"""
_PULSE = """
    UPDATE bridge b SET seen_at = clock_timestamp() FROM unnest($1::uuid[], $2::uuid[]) AS mine (bridge, link)
    WHERE b.actor = mine.bridge AND b.link = mine.link
    RETURNING b.link, (SELECT t.name FROM terminal t WHERE t.actor = b.terminal) AS terminal,
              b.terminal IS NULL AND coalesce(b.pairing_until < clock_timestamp(), true) AS pairing_due
"""
_PAIRED = f"""
    SELECT b.actor AS id, b.name, b.site, b.readers, {_ONLINE} AS online FROM bridge b JOIN actor a ON a.id = b.actor
    WHERE b.terminal = $1 AND a.revoked_at IS NULL
"""  # noqa: S608 - a constant of our own
_UNPAIR = "UPDATE bridge SET terminal = NULL, paired_at = NULL, scan = NULL WHERE terminal = $1 RETURNING actor"
# A scan is handed out once, and while the code in it may still be good.
_SCAN = """
    WITH found AS (SELECT actor, scan, scanned_at > clock_timestamp() - interval '60 seconds' AS fresh FROM bridge
                   WHERE terminal = $1 AND scan IS NOT NULL FOR UPDATE)
    UPDATE bridge b SET scan = NULL FROM found WHERE b.actor = found.actor
    RETURNING CASE WHEN found.fresh THEN found.scan END
"""
_KEEP = """
    INSERT INTO offline_settlement (id, bridge, agency, terminal, record)
    SELECT $2, b.actor, b.agency, b.terminal, $3 FROM bridge b WHERE b.actor = $1
    ON CONFLICT (id) DO NOTHING RETURNING true
"""
_KEPT_BY = "SELECT bridge FROM offline_settlement WHERE id = $1"


class Bridge(msgspec.Struct, frozen=True, kw_only=True):
    """A registered bridge whose key is not revoked."""

    id: UUID
    seq: int
    suite: Suite
    public: bytes
    agency: UUID
    name: str
    terminal: UUID | None


async def add(tx: Tx, *columns: object) -> None:
    """Add a bridge: actor, agency, name, site."""
    await tx.execute(_ADD, *columns)


async def find(db: Db, bridge: UUID) -> Bridge | None:
    """Return a living bridge."""
    row = await db.fetchrow(_FIND, bridge)
    return None if row is None else Bridge(**{**row, "suite": Suite(row["suite"])})


async def every(db: Db) -> list[Row]:
    """Return all bridges, oldest first."""
    found: list[Row] = await db.fetch(_LIST)
    return found


async def linked(db: Db, bridge: UUID, link: UUID, pairing: bytes, seconds: int) -> Row | None:
    """Make `link` the bridge's connection, with digits to pair by; the one before ends. None when it is revoked."""
    return await db.fetchrow(_LINKED, bridge, link, pairing, seconds)


async def unlinked(db: Db, bridge: UUID, link: UUID) -> None:
    """Note that a connection is gone, unless another has taken its place."""
    await db.execute(_UNLINKED, bridge, link)


async def renew(db: Db, bridge: UUID, link: UUID, pairing: bytes, seconds: int) -> bool:
    """Give a bridge new digits; return False when its connection is another's."""
    return await db.fetchval(_RENEW, bridge, link, pairing, seconds) is not None


async def shows(db: Db, bridge: UUID, link: UUID, version: str | None, readers: object) -> None:
    """Note a bridge's version and readers."""
    await db.execute(_SHOWS, bridge, link, version, readers)


async def scanned(db: Db, bridge: UUID, link: UUID, text: str) -> None:
    """Keep what was scanned for the paired terminal's page."""
    await db.execute(_SCANNED, bridge, link, text)


async def pulse(db: Db, bridges: Sequence[UUID], links: Sequence[UUID]) -> dict[UUID, Row]:
    """Say that these connections live; return those that are still their bridges', with the terminal's name."""
    return {row["link"]: row for row in await db.fetch(_PULSE, bridges, links)}


async def pair(tx: Tx, terminal: UUID, agency: UUID, code: bytes) -> UUID | None:
    """Pair a terminal with the bridge that shows a code; return which, None for no such code."""
    bridge: UUID | None = await tx.fetchval("SELECT bridge_pair($1, $2, $3)", terminal, agency, code)
    return bridge


async def paired(db: Db, terminal: UUID) -> Row | None:
    """Return the bridge of a terminal."""
    return await db.fetchrow(_PAIRED, terminal)


async def unpair(tx: Tx, terminal: UUID) -> UUID | None:
    """End a terminal's pairing; return the bridge, None when there was none."""
    bridge: UUID | None = await tx.fetchval(_UNPAIR, terminal)
    return bridge


async def take_scan(db: Db, terminal: UUID) -> str | None:
    """Return what was scanned for a terminal within a minute, once."""
    text: str | None = await db.fetchval(_SCAN, terminal)
    return text


async def keep(db: Db, bridge: UUID, record: UUID, sealed: bytes) -> tuple[bool, bool]:
    """Keep an off-line settlement once; return whether it was new, and whether it is this bridge's."""
    if await db.fetchval(_KEEP, bridge, record, sealed):
        return True, True
    owner: Any = await db.fetchval(_KEPT_BY, record)
    return False, owner == bridge
