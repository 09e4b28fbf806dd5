"""The table of clients."""

import datetime
from typing import Any
from uuid import UUID

import msgspec

from auth.clients.errors import KeysRefused
from auth.clients.model import AuthMethod, Client, GrantType, Profile
from ecard.db import Db, Row, Tx
from ecard.keys import from_jwk
from ecard.tokens import PublicKey

_COLUMNS = """
    c.id, c.name, c.agency, a.name AS agency_name, c.profile, c.auth_method, c.secret_sha256, c.jwks, c.jwks_uri,
    c.rotated_at, c.redirect_uris, c.post_logout_redirect_uris, c.backchannel_logout_uri, c.sector, c.items,
    c.grant_types, c.sandbox
"""
_FIND = f"""
    SELECT {_COLUMNS} FROM client c JOIN agency a ON a.id = c.agency WHERE c.id = $1 AND c.disabled_at IS NULL
"""  # noqa: S608 - names of columns
_REDIRECT_URIS = """
    SELECT DISTINCT unnest(redirect_uris) FROM client WHERE disabled_at IS NULL AND (NOT sandbox OR $1)
"""
_LIST = f"""
    SELECT {_COLUMNS}, c.created_at, c.disabled_at FROM client c JOIN agency a ON a.id = c.agency ORDER BY c.id
"""  # noqa: S608 - names of columns
_ADD = """
    INSERT INTO client (id, name, agency, profile, auth_method, secret_sha256, jwks, jwks_uri, redirect_uris,
                        post_logout_redirect_uris, backchannel_logout_uri, sector, items, grant_types, sandbox)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
"""
_DISABLE = "UPDATE client SET disabled_at = now() WHERE id = $1 AND disabled_at IS NULL RETURNING id"
_ROTATE = """
    UPDATE client SET secret_sha256 = $2, jwks = $3, jwks_uri = $4, rotated_at = clock_timestamp()
    WHERE id = $1 AND disabled_at IS NULL AND auth_method = $5 RETURNING id
"""
_CURVES = ("P-256", "Ed25519")
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "k"})
_LONGEST_KID = 128
# One registration at a time: two agencies that name one sector at once must not both find it free.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('auth.clients.sector'))"
_TAKEN = """
    SELECT EXISTS (SELECT FROM client WHERE sector = $1 AND agency <> $2)
        OR EXISTS (SELECT FROM agency WHERE id::text = $1 AND id <> $2)
"""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A client with when it was registered and disabled."""

    client: Client
    created_at: datetime.datetime
    disabled_at: datetime.datetime | None


async def find(db: Db, client: UUID) -> Client | None:
    """Return a client that is not disabled."""
    row = await db.fetchrow(_FIND, client)
    return None if row is None else _client(row)


async def redirect_uris(db: Db, *, sandbox: bool) -> list[str]:
    """Return the redirect URIs of all clients that are not disabled; those of sandbox clients in the sandbox alone."""
    return [row[0] for row in await db.fetch(_REDIRECT_URIS, sandbox)]


async def everyone(db: Db) -> list[Listed]:
    """Return all clients, oldest first, with the disabled ones."""
    return [
        Listed(client=_client(row), created_at=row["created_at"], disabled_at=row["disabled_at"])
        for row in await db.fetch(_LIST)
    ]


async def add(tx: Tx, *columns: object) -> None:
    """Add a client: the columns in the order of the table."""
    await tx.execute(_ADD, *columns)


async def agency_exists(tx: Tx, agency: UUID) -> bool:
    """Return whether the agency is registered."""
    return await tx.fetchval("SELECT true FROM agency WHERE id = $1", agency) is not None


async def agency_of(tx: Tx, uscc: str) -> UUID | None:
    """Return the agency of a unified social credit code."""
    agency: UUID | None = await tx.fetchval("SELECT id FROM agency WHERE uscc = $1", uscc)
    return agency


async def sector_free(tx: Tx, sector: str, agency: UUID) -> bool:
    """Return whether `sector` is no other agency's, and keep others from taking it until this transaction ends.

    A disabled client keeps its sector: the pseudonyms that it was given are still about.
    """
    await tx.execute(_LOCK)
    return not await tx.fetchval(_TAKEN, sector, agency)


async def disable(tx: Tx, client: UUID) -> bool:
    """Disable a client; return False when there is none to disable. A sweep ends what it was granted."""
    return await tx.fetchval(_DISABLE, client) is not None


async def rotate(
    tx: Tx, client: UUID, secret_sha256: bytes | None, jwks: Any, jwks_uri: str | None, method: AuthMethod
) -> bool:
    """Replace what a client proves itself with; return False when there is no such client of this method."""
    return await tx.fetchval(_ROTATE, client, secret_sha256, jwks, jwks_uri, method.value) is not None


def _client(row: Row) -> Client:
    return Client(
        id=row["id"],
        name=row["name"],
        agency=row["agency"],
        agency_name=row["agency_name"],
        profile=Profile(row["profile"]),
        auth_method=AuthMethod(row["auth_method"]),
        secret_sha256=row["secret_sha256"],
        keys=keys_of(row["jwks"]) if row["jwks"] else {},
        jwks_uri=row["jwks_uri"],
        rotated_at=row["rotated_at"],
        redirect_uris=tuple(row["redirect_uris"]),
        post_logout_redirect_uris=tuple(row["post_logout_redirect_uris"]),
        backchannel_logout_uri=row["backchannel_logout_uri"],
        sector=row["sector"],
        items=frozenset(row["items"]),
        grant_types=frozenset(map(GrantType, row["grant_types"])),
        sandbox=row["sandbox"],
    )


def keys_of(jwks: Any) -> dict[str, PublicKey]:
    """Return the signing keys of a JWK set (RFC 7517) by `kid`; keys of other kinds are passed over.

    A set of one key is found without a `kid` too (the name ""). Raises ValueError for what is no set.
    """
    found = {str(jwk.get("kid", "")): _key(jwk) for jwk in _usable(jwks)}
    if len(found) == 1:
        found[""] = next(iter(found.values()))
    return found


def public_set(jwks: Any) -> dict[str, Any]:
    """Return what is kept of a JWK set that a client is registered with: its signing keys, and of them what is used.

    Raises KeysRefused: a private key (which then is no longer one), two keys of one name, or none to use.
    """
    kept: list[dict[str, Any]]
    try:
        usable = _usable(jwks)
        if any(_PRIVATE & jwk.keys() for jwk in jwks["keys"] if isinstance(jwk, dict)):
            raise KeysRefused(pointer="/jwks", reason="private")
        kept = [{name: jwk[name] for name in ("kty", "crv", "x", "y", "kid") if name in jwk} for jwk in usable]
        names = [jwk.get("kid", "") for jwk in kept if _key(jwk)]
    except ValueError:
        raise KeysRefused(pointer="/jwks", reason="unusable") from None
    if not kept:
        raise KeysRefused(pointer="/jwks", reason="unusable")
    if not all(isinstance(name, str) and name.isprintable() and len(name) <= _LONGEST_KID for name in names):
        raise KeysRefused(pointer="/jwks", reason="kid")
    if len(set(names)) < len(names):
        raise KeysRefused(pointer="/jwks", reason="kid")
    return {"keys": kept}


def _usable(jwks: Any) -> list[dict[str, Any]]:
    if not isinstance(jwks, dict) or not isinstance(jwks.get("keys"), list):
        msg = "not a JWK set"
        raise ValueError(msg)  # noqa: TRY004 - it is the value that is wrong
    signing = [jwk for jwk in jwks["keys"] if isinstance(jwk, dict) and jwk.get("use", "sig") == "sig"]
    return [jwk for jwk in signing if any(jwk.get("crv") == curve for curve in _CURVES)]


def _key(jwk: dict[str, Any]) -> PublicKey:
    return PublicKey(*from_jwk({name: value for name, value in jwk.items() if name in {"kty", "crv", "x", "y"}}))
