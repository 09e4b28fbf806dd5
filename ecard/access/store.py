"""The tables of registered keys."""

from typing import Any
from uuid import UUID

import asyncpg

from ecard.access.errors import AlreadyRegistered
from ecard.db import Db, Tx
from ecard.keys import Suite

_AGENCY = "INSERT INTO agency (id, name, uscc) VALUES ($1, $2, $3)"
_ACTOR = "INSERT INTO actor (id, kind, suite, public) VALUES ($1, $2, $3, $4) RETURNING seq"
_TERMINAL = "INSERT INTO terminal (actor, agency, name, setting, region, site) VALUES ($1, $2, $3, $4, $5, $6)"
_OPERATOR = "INSERT INTO operator (actor, name, role) VALUES ($1, $2, $3)"
_CHANNEL = "INSERT INTO channel (actor, name, kind, medium, tier, parent) VALUES ($1, $2, $3, $4, $5, $6)"
_REVOKE = "UPDATE actor SET revoked_at = now() WHERE id = $1 AND kind = any($2) AND revoked_at IS NULL RETURNING seq"
_FIND = """
    SELECT a.seq, a.kind, a.suite, a.public, d.card, d.channel,
           t.agency, g.name AS agency_name, t.setting, t.region, t.site, o.role, c.kind AS channel_kind, c.tier,
           f.fare, extract(epoch FROM f.until)::bigint AS fare_until
    FROM actor a
    LEFT JOIN device d ON d.actor = a.id LEFT JOIN terminal t ON t.actor = a.id
    LEFT JOIN agency g ON g.id = t.agency LEFT JOIN operator o ON o.actor = a.id LEFT JOIN channel c ON c.actor = a.id
    LEFT JOIN fare_class f ON f.card = d.card AND f.until > now()
    WHERE a.id = $1 AND a.revoked_at IS NULL
"""
_TERMINAL_BY_KEY = """
    SELECT t.actor, t.agency, t.setting, t.region, t.site FROM terminal t JOIN actor a ON a.id = t.actor
    WHERE a.public = $1 AND a.revoked_at IS NULL
"""


async def insert_agency(tx: Tx, agency: UUID, name: str, uscc: str) -> None:
    """Add an agency; raises AlreadyRegistered."""
    await _unique(tx.execute(_AGENCY, agency, name, uscc))


async def agencies(db: Db) -> list[Any]:
    """Return id, name and code of every agency, oldest first."""
    rows: list[Any] = await db.fetch("SELECT id, name, uscc FROM agency ORDER BY id")
    return rows


async def agency_exists(tx: Tx, agency: UUID) -> bool:
    """Return whether the agency is registered."""
    return await tx.fetchval("SELECT true FROM agency WHERE id = $1", agency) is not None


async def channel_tier(tx: Tx, channel: UUID) -> int | None:
    """Return the channel's tier, None when there is no such living channel."""
    sql = "SELECT c.tier FROM channel c JOIN actor a ON a.id = c.actor WHERE c.actor = $1 AND a.revoked_at IS NULL"
    tier: int | None = await tx.fetchval(sql, channel)
    return tier


async def insert_actor(tx: Tx, actor: UUID, kind: str, suite: Suite, public: bytes) -> int:
    """Add a registered key and return its number; raises AlreadyRegistered."""
    return int(await _unique(tx.fetchval(_ACTOR, actor, kind, suite.value, public)))


async def insert_terminal(tx: Tx, *columns: object) -> None:
    """Add a terminal: actor, agency, name, setting, region, site."""
    await tx.execute(_TERMINAL, *columns)


async def insert_operator(tx: Tx, *columns: object) -> None:
    """Add an operator: actor, name, role."""
    await tx.execute(_OPERATOR, *columns)


async def insert_channel(tx: Tx, *columns: object) -> None:
    """Add a channel: actor, name, kind, medium, tier, parent."""
    await tx.execute(_CHANNEL, *columns)


async def revoke(tx: Tx, actor: UUID, *kinds: str) -> int | None:
    """Revoke a living key of one of `kinds`; return its number, None when there is none."""
    seq: int | None = await tx.fetchval(_REVOKE, actor, list(kinds))
    return seq


async def find(db: Db, actor: UUID) -> Any:
    """Return a living key with what its kind adds, or None."""
    return await db.fetchrow(_FIND, actor)


async def terminal_by_key(db: Db, public: bytes) -> Any:
    """Return actor, agency, setting, region and site of the living terminal that holds this key, or None."""
    return await db.fetchrow(_TERMINAL_BY_KEY, public)


async def public_key(db: Db, actor: UUID) -> tuple[Suite, bytes]:
    """Return suite and public key of a registered key."""
    row = await db.fetchrow("SELECT suite, public FROM actor WHERE id = $1", actor)
    return Suite(row["suite"]), row["public"]


async def _unique(statement: Any) -> Any:
    try:
        return await statement
    except asyncpg.UniqueViolationError:
        raise AlreadyRegistered from None
