"""Reading access tokens: introspection (RFC 7662), revocation (RFC 7009), userinfo (OpenID Connect Core §5.3).

A signature that was right stays right; whether the token still stands is asked anew each time.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Request

from auth.errors import NonceNeeded, OAuthError, ProofRefused, ScopeMissing, TokenNotAccepted
from auth.forms import need
from auth.grants import store as grants
from auth.secrets import hashed
from auth.server import Calling, Server, read_proof
from auth.tokens import store
from auth.tokens.model import details
from ecard import guards, tokens
from ecard.cards.profiles import open_profile
from ecard.desk.model import disclose
from ecard.keyring.model import Purpose
from ecard.tokens import TokenRefused, TokenType

Claims = Mapping[str, Any]


async def read(server: Server, token: str) -> Claims | None:
    """Return the claims of an access token that stands now, None for any other."""
    now = server.runtime.clock.time()
    try:
        claims = tokens.read(
            token,
            server.runtime.ring.public(Purpose.TOKEN, now),
            typ=TokenType.ACCESS,
            issuer=server.issuer,
            audience=server.issuer,
            now=now,
            often=True,
        )
    except TokenRefused:
        return None
    ids = [UUID(claims["jti"]), *([UUID(claims["grant"])] if "grant" in claims else [])]
    if await server.ended.contain(server.runtime.pool, *ids):
        return None
    return claims if await server.directory.find(claims["client_id"]) else None


async def introspect(server: Server, calling: Calling) -> Claims:
    """Say whether an access token stands: to its own client and to its agency's others, to nobody else.

    A refresh token, a token of another agency and one that never was are all "not active" (RFC 7662 §2.2).
    """
    claims = await read(server, need(calling.form, "token"))
    if claims is None:
        return {"active": False}
    owner = await server.directory.find(claims["client_id"])
    if owner is None or owner.agency != calling.client.agency:
        return {"active": False}
    return {"active": True, "token_type": "DPoP" if "cnf" in claims else "Bearer", **claims}


async def revoke(server: Server, calling: Calling) -> None:
    """Revoke a token of the caller's: a refresh token with its whole grant, an access token alone.

    What is not the caller's, or no token, is silently left (RFC 7009 §2.2).
    """
    token = need(calling.form, "token")
    if await store.revoke_refresh(server.runtime.pool, hashed(token), calling.client.id):
        return
    claims = await read(server, token)
    if claims is not None and claims["client_id"] == str(calling.client.id):
        await store.revoke_access(server.runtime.pool, UUID(claims["jti"]))


async def present(server: Server, request: Request[Any, Any, Any]) -> Claims:
    """Return the claims of the access token that a request presents, its key proven if it is bound.

    Raises TokenNotAccepted, ProofRefused, NonceNeeded (each 401: RFC 9449 §7.1).
    """
    given = guards.headers(request)
    scheme, _, token = given.get("authorization", "").partition(" ")
    claims = await read(server, token) if scheme.lower() in {"bearer", "dpop"} else None
    if claims is None:
        raise TokenNotAccepted
    bound = claims.get("cnf", {}).get("jkt")
    if (bound is None) != (scheme.lower() == "bearer"):
        raise TokenNotAccepted
    if bound is not None:
        try:
            await _prove(server, request, token, bound)
        except (ProofRefused, NonceNeeded) as refused:
            raise _at_a_resource(refused) from None
    return claims


async def _prove(server: Server, request: Request[Any, Any, Any], token: str, bound: str) -> None:
    proof = read_proof(server, request, guards.headers(request).get("dpop"), token)
    if proof is None or proof.jkt != bound:
        raise ProofRefused(reason="key")
    if not await server.marks.first_time(proof.mark):
        raise ProofRefused(reason="jti")


def _at_a_resource(refused: ProofRefused | NonceNeeded) -> OAuthError:
    """Return the same error as a resource says it: 401 with a challenge, where a token endpoint says 400."""
    refused.headers["WWW-Authenticate"] = f'DPoP error="{refused.error}", algs="ES256 EdDSA"'
    refused.status = TokenNotAccepted.status  # type: ignore[misc] # this one answer's
    return refused


async def userinfo(server: Server, claims: Claims) -> dict[str, Any]:
    """Return what the holder let this client know: `sub`, and the item's fields while the grant stands.

    Raises TokenNotAccepted for a client's own token and a grant that has ended, ScopeMissing without `openid`.
    """
    living = await grants.alive(server.runtime.pool, UUID(claims["grant"])) if "grant" in claims else None
    if living is None:
        raise TokenNotAccepted
    if "openid" not in living.grant.scope:
        raise ScopeMissing
    grant = living.grant
    holder = disclose(open_profile(server.runtime.vault, living.profile), grant.fields)
    answer: dict[str, Any] = {"sub": grant.sub, **details(grant)}
    if holder:
        answer["holder"] = holder
    if "name" in holder:
        answer["name"] = holder["name"]
    if living.role is not None:
        answer |= {"agency": str(living.staff_agency), "role": living.role}
    return answer
