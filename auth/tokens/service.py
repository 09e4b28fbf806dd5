"""Minting tokens, and redeeming what they are minted for."""

import hmac
import re
from hashlib import sha256

import msgspec

from auth.clients.model import Client, GrantType
from auth.errors import BadRequest, GrantRefused, ScopeRefused
from auth.forms import need
from auth.grants import store as grants
from auth.grants.model import Grant, Living
from auth.grants.store import Code
from auth.secrets import hashed, left_half, new_secret
from auth.server import Calling, Server
from auth.tokens import store
from auth.tokens.model import ACCESS_SECONDS, CODE_SECONDS, access_claims, client_claims, details, id_claims
from auth.tokens.schemas import TokenAnswer
from ecard import tokens
from ecard.audit import store as audit
from ecard.db import Db
from ecard.encoding import b64url
from ecard.ids import new_id
from ecard.keyring.model import Purpose
from ecard.tokens import TokenType

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_ANSWER = "refresh answer"


def mint(
    server: Server, living: Living, *, jkt: str | None, nonce: str | None = None, refresh: str | None
) -> TokenAnswer:
    """Return the tokens of a grant, signed now."""
    now = server.runtime.clock.time()
    key = server.runtime.ring.signing(Purpose.TOKEN, now)
    claims = access_claims(living, issuer=server.issuer, jti=new_id(), jkt=jkt, now=int(now))
    access = tokens.mint(key.signer, key.kid, TokenType.ACCESS, claims)
    identity = None
    if "openid" in living.grant.scope:
        said = id_claims(living, issuer=server.issuer, nonce=nonce, at_hash=left_half(access), now=int(now))
        identity = tokens.mint(key.signer, key.kid, TokenType.ID, said)
    return TokenAnswer(
        access_token=access,
        token_type="DPoP" if jkt else "Bearer",
        expires_in=ACCESS_SECONDS,
        scope=" ".join(living.grant.scope),
        refresh_token=refresh,
        id_token=identity,
        authorization_details=details(living.grant).get("authorization_details"),
    )


def lasting(client: Client, *, kiosk: bool = False) -> bool:
    """Return whether the client's grants have refresh tokens: never at a kiosk, which many people use."""
    return GrantType.REFRESH in client.grant_types and not kiosk


def refresh_key(client: Client, jkt: str | None) -> str | None:
    """Return the key that a refresh token is bound to: a public client's (RFC 9449 §5); others prove themselves."""
    return jkt if client.is_public else None


def new_code(*, redirect_uri: str, challenge: str, jkt: str | None, nonce: str | None) -> tuple[str, Code]:
    """Return a new authorization code, and what is kept of it."""
    secret = new_secret()
    kept = Code(
        handle=hashed(secret),
        redirect_uri=redirect_uri,
        challenge=challenge,
        jkt=jkt,
        nonce=nonce,
        seconds=CODE_SECONDS,
    )
    return secret, kept


async def by_code(server: Server, calling: Calling) -> TokenAnswer:
    """Redeem an authorization code (RFC 6749 §4.1.3, RFC 7636); raises GrantRefused, BadRequest.

    One of any number of parallel redemptions wins, and keeps what it won. A code that comes again from
    somebody else, or later than a retry would, ends its grant.
    """
    client, form = calling.client, calling.form
    handle, verifier = hashed(need(form, "code")), form.get("code_verifier")
    if verifier is None:
        # As for a wrong one (RFC 7636 §4.6): who has the code alone learns nothing from the difference.
        raise GrantRefused
    if not _VERIFIER.fullmatch(verifier):
        raise BadRequest(parameter="code_verifier")
    refresh = new_secret() if lasting(client) else None
    redeemed = await store.redeem_code(
        server.runtime.pool,
        handle,
        client=client.id,
        redirect_uri=need(form, "redirect_uri"),
        challenge=b64url(sha256(verifier.encode()).digest()),
        refresh=hashed(refresh) if refresh else None,
        jkt=calling.jkt,
        refresh_jkt=refresh_key(client, calling.jkt),
    )
    if redeemed is None:
        if await store.code_misused(server.runtime.pool, handle, client.id, calling.jkt):
            await audit.insert(
                server.runtime.pool, kind="code_replayed", outcome="revoked", detail={"client": str(client.id)}
            )
        raise GrantRefused
    living, nonce = redeemed
    return mint(server, living, jkt=calling.jkt, nonce=nonce, refresh=refresh)


async def by_refresh(server: Server, calling: Calling) -> bytes:
    """Rotate a refresh token (RFC 9700 §4.14.2) and return the answer's bytes; raises GrantRefused, ScopeRefused.

    The same client with the same key gets the same bytes again within 10 s: a lost answer logs nobody out.
    Any other use of a used token ends the grant.
    """
    client, form, jkt = calling.client, calling.form, calling.jkt
    token = need(form, "refresh_token")
    handle, pool, vault = hashed(token), server.runtime.pool, server.runtime.vault
    found = await store.refreshing(pool, handle)
    if found is None or not found.good or (found.used_at is None and not _fits(found, client, jkt)):
        raise GrantRefused
    asked = form.get("scope")
    if asked is not None and not set(asked.split()) <= set(found.living.grant.scope):
        raise ScopeRefused
    if found.used_at is None:
        successor = new_secret()
        answer = msgspec.json.encode(mint(server, found.living, jkt=jkt, refresh=successor))
        if await store.rotate(pool, handle, client.id, jkt, vault.seal(_ANSWER, answer), hashed(successor)):
            return answer
        found = await store.refreshing(pool, handle)
        if found is None or not found.good:
            raise GrantRefused
    if found.fresh and found.answer and found.client == client.id and found.used_jkt == jkt:
        return vault.open(_ANSWER, found.answer)
    await grants.end(pool, found.living.grant.id, "replay")
    await audit.insert(pool, kind="refresh_replayed", outcome="revoked", detail={"client": str(client.id)})
    raise GrantRefused


def _fits(found: store.Refreshing, client: Client, jkt: str | None) -> bool:
    return found.client == client.id and (found.jkt is None or hmac.compare_digest(found.jkt, jkt or ""))


async def by_client(server: Server, calling: Calling) -> TokenAnswer:
    """Return a token of the client's own (RFC 6749 §4.4), for its items alone; raises ScopeRefused."""
    client = calling.client
    scopes = dict.fromkeys(calling.form.get("scope", "").split())
    if any(scope.partition("ecard_item:")[2] not in client.items for scope in scopes):
        raise ScopeRefused
    now = server.runtime.clock.time()
    key = server.runtime.ring.signing(Purpose.TOKEN, now)
    scope = " ".join(scopes)
    claims = client_claims(client.id, issuer=server.issuer, jti=new_id(), jkt=calling.jkt, scope=scope, now=int(now))
    return TokenAnswer(
        access_token=tokens.mint(key.signer, key.kid, TokenType.ACCESS, claims),
        token_type="DPoP" if calling.jkt else "Bearer",
        expires_in=ACCESS_SECONDS,
        scope=scope or None,
    )


async def for_grant(
    server: Server, db: Db, grant: Grant, client: Client, *, jkt: str | None, kiosk: bool
) -> TokenAnswer:
    """Return the tokens of a grant that was just polled for; raises GrantRefused when it has ended meanwhile."""
    living = await grants.alive(db, grant.id)
    if living is None:
        raise GrantRefused
    refresh = new_secret() if lasting(client, kiosk=kiosk) else None
    if refresh is not None:
        await store.add_refresh(db, hashed(refresh), grant.id, client.id, refresh_key(client, jkt))
    return mint(server, living, jkt=jkt, refresh=refresh)
