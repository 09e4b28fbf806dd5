"""The table of clients."""

import datetime
from typing import Any
from uuid import UUID

import msgspec

from auth.clients.model import AuthMethod, Client, GrantType, Profile
from ecard.db import Db, Row, Tx
from ecard.keys import from_jwk
from ecard.tokens import PublicKey

_COLUMNS = """
    c.id, c.name, c.agency, a.name AS agency_name, c.profile, c.auth_method, c.secret_sha256, c.jwks, c.jwks_uri,
    c.redirect_uris, c.post_logout_redirect_uris, c.backchannel_logout_uri, c.sector, c.items, c.grant_types, c.sandbox
"""
_FIND = f"""
    SELECT {_COLUMNS} FROM client c JOIN agency a ON a.id = c.agency WHERE c.id = $1 AND c.disabled_at IS NULL
"""  # noqa: S608 - names of columns
_LIST = f"""
    SELECT {_COLUMNS}, c.created_at, c.disabled_at FROM client c JOIN agency a ON a.id = c.agency ORDER BY c.id
"""  # noqa: S608 - names of columns
_ADD = """
    INSERT INTO client (id, name, agency, profile, auth_method, secret_sha256, jwks, jwks_uri, redirect_uris,
                        post_logout_redirect_uris, backchannel_logout_uri, sector, items, grant_types, sandbox)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
"""
_DISABLE = "UPDATE client SET disabled_at = now() WHERE id = $1 AND disabled_at IS NULL RETURNING id"
_REVOKE = """
    UPDATE consent_grant SET revoked_at = clock_timestamp(), why = 'client' WHERE client = $1 AND revoked_at IS NULL
"""
_ROTATE = """
    UPDATE client SET secret_sha256 = $2, jwks = $3, jwks_uri = $4
    WHERE id = $1 AND disabled_at IS NULL AND auth_method = $5 RETURNING id
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


async def everyone(db: Db) -> list[Listed]:
    """Return all clients, oldest first, with the disabled ones."""
    return [
        Listed(client=_client(row), created_at=row["created_at"], disabled_at=row["disabled_at"])
        for row in await db.fetch(_LIST)
    ]


async def add(tx: Tx, *columns: object) -> None:
    """Add a client: the columns in the order of the table."""
    await tx.execute(_ADD, *columns)


async def disable(tx: Tx, client: UUID) -> bool:
    """Disable a client and end what it was granted; return False when there is none to disable."""
    if await tx.fetchval(_DISABLE, client) is None:
        return False
    await tx.execute(_REVOKE, client)
    return True


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
    if not isinstance(jwks, dict) or not isinstance(jwks.get("keys"), list):
        msg = "not a JWK set"
        raise ValueError(msg)  # noqa: TRY004 - it is the value that is wrong
    found: dict[str, PublicKey] = {}
    for jwk in jwks["keys"]:
        if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig" or jwk.get("crv") not in {"P-256", "Ed25519"}:
            continue
        key = PublicKey(*from_jwk({name: value for name, value in jwk.items() if name in {"kty", "crv", "x", "y"}}))
        found[str(jwk.get("kid", ""))] = key
    if len(found) == 1:
        found[""] = next(iter(found.values()))
    return found
