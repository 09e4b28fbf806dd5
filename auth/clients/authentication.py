"""Who is calling an OAuth endpoint: a client that proves it in the one way it is registered with.

`private_key_jwt` is RFC 7523 as FAPI 2.0 narrows it: `aud` is the issuer as a string, each `jti` is
accepted once. Which of all this was wrong is never said to the caller (`invalid_client`), only logged.
"""

import hmac
from collections.abc import Mapping
from typing import Any, NoReturn

from auth.clients.directory import Directory
from auth.clients.model import AuthMethod, Client, Profile
from auth.errors import BadRequest, ClientRefused
from auth.forms import Form, basic
from auth.replay import Mark, mark
from auth.secrets import hashed
from ecard.tokens import TokenRefused, unverified, verified

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYPES = ("JWT", "client-authentication+jwt", None)
AHEAD = 10
"""Seconds that `iat` and `nbf` may be ahead of our clock (FAPI 2.0 §5.3.2.1: 10 are accepted, more than 60 refused)."""
LONGEST = 300
"""Seconds that an assertion may live."""
_LONGEST_JTI = 128


async def authenticate(
    directory: Directory, form: Form, authorization: str, *, issuer: str, sandbox: bool, now: float
) -> tuple[Client, tuple[Mark, ...]]:
    """Return the client that makes a request, and the marks of its assertion, for the caller to burn.

    Raises ClientRefused, BadRequest (two ways at once).
    """
    given = basic(authorization)
    assertion = form.get("client_assertion")
    secret = form.get("client_secret")
    if sum(way is not None for way in (given, assertion, secret)) > 1:
        raise BadRequest(parameter="client_assertion" if assertion else "client_secret")
    if given is not None:
        client_id, method, secret = given[0], AuthMethod.SECRET_BASIC, given[1]
    elif assertion is not None:
        client_id, method = form.get("client_id") or _unverified_subject(assertion), AuthMethod.PRIVATE_KEY_JWT
    else:
        client_id = form.get("client_id", "")
        method = AuthMethod.NONE if secret is None else AuthMethod.SECRET_POST
    client = await directory.find(client_id)
    if client is None or client.auth_method is not method or form.get("client_id", client_id) != client_id:
        _refuse("unknown client, or another way of authentication than it is registered with")
    if client.sandbox and not sandbox:
        _refuse("a sandbox client outside the sandbox")
    if method.has_secret:
        # A secret of 256 random bits needs no slow hash.
        if not hmac.compare_digest(hashed(secret or ""), client.secret_sha256 or b""):
            _refuse("wrong secret")
        return client, ()
    if assertion is None:
        return client, ()
    if form.get("client_assertion_type") != ASSERTION:
        raise BadRequest(parameter="client_assertion_type")
    return client, (await _assertion(directory, client, assertion, issuer, now),)


async def _assertion(directory: Directory, client: Client, assertion: str, issuer: str, now: float) -> Mark:
    try:
        kid = str(unverified(assertion)[0].get("kid", ""))
        claims = verified(assertion, await directory.keys(client, kid), types=TYPES)
    except TokenRefused as refused:
        _refuse(f"assertion: {refused.reason}")
    name = str(client.id)
    if claims.get("iss") != name or claims.get("sub") != name:
        _refuse("assertion: iss or sub is not the client")
    # Ordinary libraries name the endpoint; FAPI 2.0 wants the issuer, as a string and alone.
    fits = claims.get("aud") == issuer
    if not fits and client.profile is Profile.STANDARD:
        fits = bool(audiences(claims) & {issuer, f"{issuer}/oauth/token"})
    if not fits:
        _refuse("assertion: aud is not the issuer")
    if not timely(claims, now) or claims["exp"] > now + LONGEST + AHEAD:
        _refuse("assertion: exp, iat or nbf")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= _LONGEST_JTI:
        _refuse("assertion: jti")
    return mark("assertion", name, jti, claims["exp"])


def audiences(claims: Mapping[str, Any]) -> set[str]:
    """Return `aud` as a set of strings."""
    named = claims.get("aud")
    return {one for one in (named if isinstance(named, list) else [named]) if isinstance(one, str)}


def timely(claims: Mapping[str, Any], now: float) -> bool:
    """Return whether `exp` is there and ahead, and `iat` and `nbf`, where there, are not further ahead than AHEAD."""
    exp, begins = claims.get("exp"), [claims.get(name, now) for name in ("iat", "nbf")]
    if not all(isinstance(at, int | float) and not isinstance(at, bool) for at in (exp, *begins)):
        return False
    return now < exp and all(at <= now + AHEAD for at in begins)  # type: ignore[operator] # a number, as seen above


def _unverified_subject(assertion: str) -> str:
    try:
        return str(unverified(assertion)[1].get("sub", ""))
    except TokenRefused:
        _refuse("assertion: malformed")


def _refuse(why: str) -> NoReturn:
    raise ClientRefused.because(why) from None
