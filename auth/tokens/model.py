"""What stands in a token; pure.

Access tokens are RFC 9068, ID tokens OpenID Connect Core §2. Neither names the holder's fields: those are
fetched from userinfo while the grant stands, so a stolen token tells a number of ours and no more.
"""

from typing import Any
from uuid import UUID

from auth.grants.model import PLAIN_ITEM, Grant, Living

ACCESS_SECONDS = 300
CODE_SECONDS = 60
REFRESH_SECONDS = 30 * 86400
RETRY_SECONDS = 10
"""Within these a client that lost an answer may ask again and gets the same one."""


def access_claims(living: Living, *, issuer: str, jti: UUID, jkt: str | None, now: int) -> dict[str, Any]:
    """Return the claims of an access token (RFC 9068 §2.2), bound to the key `jkt` if given."""
    grant = living.grant
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": issuer,
        "sub": grant.sub,
        "client_id": str(grant.client),
        "iat": now,
        "exp": now + ACCESS_SECONDS,
        "jti": str(jti),
        "scope": " ".join(grant.scope),
        "auth_time": grant.authenticated_at,
        "acr": grant.acr,
        "amr": grant.amr,
        "grant": str(grant.id),
    }
    return {**claims, **details(grant), **_bound(jkt), **_staff(living)}


def id_claims(living: Living, *, issuer: str, nonce: str | None, at_hash: str, now: int) -> dict[str, Any]:
    """Return the claims of an ID token; `sid` is the grant, which back-channel logout names."""
    grant = living.grant
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": str(grant.client),
        "sub": grant.sub,
        "iat": now,
        "exp": now + ACCESS_SECONDS,
        "auth_time": grant.authenticated_at,
        "acr": grant.acr,
        "amr": grant.amr,
        "sid": str(grant.id),
        "at_hash": at_hash,
    }
    return {**claims, **({"nonce": nonce} if nonce is not None else {}), **_staff(living)}


def client_claims(client: UUID, *, issuer: str, jti: UUID, jkt: str | None, scope: str, now: int) -> dict[str, Any]:
    """Return the claims of a token that stands for the client itself: `sub` is the client (RFC 9068 §2.2)."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": issuer,
        "sub": str(client),
        "client_id": str(client),
        "iat": now,
        "exp": now + ACCESS_SECONDS,
        "jti": str(jti),
        **({"scope": scope} if scope else {}),
    }
    return {**claims, **_bound(jkt)}


def details(grant: Grant) -> dict[str, Any]:
    """Return the granted `authorization_details` (RFC 9396 §7), nothing where no item was named."""
    if grant.item == PLAIN_ITEM and not grant.fields:
        return {}
    return {"authorization_details": [{"type": "ecard_item", "item": grant.item, "fields": grant.fields}]}


def _bound(jkt: str | None) -> dict[str, Any]:
    return {"cnf": {"jkt": jkt}} if jkt else {}


def _staff(living: Living) -> dict[str, Any]:
    if living.role is None:
        return {}
    return {"agency": str(living.staff_agency), "role": living.role}
