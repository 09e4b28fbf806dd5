"""Credentials and requests in the database."""

from typing import Any
from uuid import UUID

from ecard.db import Db, Row, Tx

_ADD = "SELECT list, place, issued_at FROM claim_add($1, $2, $3, $4, $5, $6)"
_KEY = "SELECT suite, public FROM actor WHERE id = $1"
_MINE = """
    SELECT c.id, c.type, extract(epoch FROM c.issued_at)::bigint AS issued_at,
           extract(epoch FROM c.expires_at)::bigint AS expires_at,
           extract(epoch FROM c.revoked_at)::bigint AS revoked_at
    FROM claim c WHERE c.holder = (SELECT holder FROM card WHERE seq = $1)
    ORDER BY c.issued_at DESC, c.id DESC LIMIT 200
"""
_SHOWN = """
    SELECT r.id, c.type, g.name AS agency, t.site, r.purpose, r.claims,
           extract(epoch FROM r.presented_at)::bigint AS at
    FROM claim_request r JOIN claim c ON c.id = r.claim JOIN agency g ON g.id = r.agency
        JOIN terminal t ON t.actor = r.terminal
    WHERE c.holder = (SELECT holder FROM card WHERE seq = $1) ORDER BY r.presented_at DESC LIMIT 200
"""
_REVOKE = """
    UPDATE claim SET revoked_at = clock_timestamp(), reason = $2 WHERE id = $1 AND revoked_at IS NULL
    AND ($3::integer IS NULL OR holder = (SELECT holder FROM card WHERE seq = $3)) RETURNING true
"""
_REVOKED = "SELECT place FROM claim WHERE list = $1 AND revoked_at IS NOT NULL"
_LISTS = "SELECT coalesce(max(list), 0) FROM claim"
_LIVES = """
    SELECT c.holder, c.device, c.revoked_at IS NOT NULL AS revoked FROM claim c WHERE c.id = $1 FOR SHARE
"""
_FORGET = """
    UPDATE claim_request SET answer = NULL WHERE id IN (
        SELECT id FROM claim_request WHERE answer IS NOT NULL AND expires_at < clock_timestamp()
        ORDER BY expires_at LIMIT 100 FOR UPDATE SKIP LOCKED)
"""
_ASK = """
    INSERT INTO claim_request (id, terminal, agency, type, claims, purpose, nonce, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp() + make_interval(secs => $8))
    RETURNING extract(epoch FROM expires_at)::bigint
"""
_REQUEST = """
    SELECT r.id, r.terminal, r.agency, g.name AS agency_name, t.site, r.type, r.claims, r.purpose, r.nonce, r.answer,
           r.claim, extract(epoch FROM r.expires_at)::bigint AS expires_at, r.expires_at <= clock_timestamp() AS over,
           extract(epoch FROM r.presented_at)::bigint AS presented_at
    FROM claim_request r JOIN agency g ON g.id = r.agency JOIN terminal t ON t.actor = r.terminal WHERE r.id = $1
"""
_TAKE = "UPDATE claim_request SET seen_by = $2 WHERE id = $1 AND coalesce(seen_by, $2) = $2 RETURNING true"
_ANSWER = """
    UPDATE claim_request SET claim = $2, answer = $3, presented_at = clock_timestamp()
    WHERE id = $1 AND claim IS NULL AND expires_at > clock_timestamp() RETURNING true
"""


async def add(tx: Tx, *columns: object) -> Row:
    """Note a credential: id, holder, phone, type, visit, days; its `list` is None where the visit has issued one."""
    return await tx.fetchrow(_ADD, *columns)


async def key_of(db: Db, device: UUID) -> Row:
    """Return suite and public key of a phone."""
    return await db.fetchrow(_KEY, device)


async def mine(db: Db, card: int) -> list[Row]:
    """Return the credentials of a card's holder, youngest first."""
    return list(await db.fetch(_MINE, card))


async def shown(db: Db, card: int) -> list[Row]:
    """Return to whom a card's holder showed what, youngest first."""
    return list(await db.fetch(_SHOWN, card))


async def revoke(tx: Tx, number: UUID, reason: str, card: int | None) -> bool:
    """Revoke a credential, of this card's holder if one is named; return False when there is none in force."""
    return await tx.fetchval(_REVOKE, number, reason, card) is not None


async def revoked(db: Db, number: int) -> list[int]:
    """Return the places of the revoked credentials of a list."""
    return [row["place"] for row in await db.fetch(_REVOKED, number)]


async def last_list(db: Db) -> int:
    """Return the number of the list that credentials were last put on."""
    return int(await db.fetchval(_LISTS))


async def lives(tx: Tx, number: UUID) -> Any:
    """Return a credential's holder, phone and whether it is revoked, held until the transaction ends."""
    return await tx.fetchrow(_LIVES, number)


async def ask(tx: Tx, *columns: object) -> int:
    """Note a request: id, terminal, agency, type, claims, purpose, nonce, seconds; return when it is over."""
    await tx.execute(_FORGET)
    return int(await tx.fetchval(_ASK, *columns))


async def request(db: Db, number: UUID) -> Any:
    """Return a request; None when there is none."""
    return await db.fetchrow(_REQUEST, number)


async def take(db: Db, number: UUID, phone: UUID) -> bool:
    """Take a request for the phone that looks at it; return False when another has, or there is none."""
    return await db.fetchval(_TAKE, number, phone) is not None


async def answer(tx: Tx, number: UUID, claim: UUID, sealed: bytes) -> bool:
    """Answer a request, once and in time; return whether this did."""
    return await tx.fetchval(_ANSWER, number, claim, sealed) is not None
