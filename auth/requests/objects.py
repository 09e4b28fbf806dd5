"""Tokens that come inside a request: the request itself, signed by its client, and an ID token as a hint.

A signed request is RFC 9101 at the authorization endpoint, and CIBA Core §7.1.1 at the backchannel one. Its
times are those of FAPI 2.0 Message Signing §5.3.1: good for an hour at most, and begun within the last.
"""

from typing import Any

import msgspec

from auth.clients.authentication import audiences, timely
from auth.clients.model import Client
from auth.errors import BadRequest
from auth.forms import Form, plain
from auth.replay import mark
from auth.requests.errors import RequestObjectRefused
from auth.server import Server
from ecard.keyring.model import Purpose
from ecard.tokens import TokenRefused, unverified, verified

_SECONDS = 3600
_TYPES = ("oauth-authz-req+jwt", "JWT", None)
_ABOUT_ITSELF = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti"})
_PROOF = frozenset({"request", "client_id", "client_secret", "client_assertion", "client_assertion_type"})
_LONGEST_JTI = 128


async def authorization(server: Server, client: Client, signed: str) -> Form:
    """Return the parameters in a request object: what stands beside it does not count (RFC 9101 §6.3).

    Raises RequestObjectRefused.
    """
    claims = await _claims(server, client, signed)
    if claims.get("client_id") != str(client.id):
        raise RequestObjectRefused(reason="iss")
    return _parameters(claims)


async def backchannel(server: Server, client: Client, form: Form) -> Form:
    """Return the parameters of a backchannel request, which are those of its signed `request` if it has one.

    Each is asked once, and nothing stands beside it but the client's own proof. Raises BadRequest, which is
    the code that CIBA Core §13 has for all of it; `reason` says what.
    """
    if "request" not in form:
        return form
    if form.keys() - _PROOF:
        raise BadRequest(parameter="request", reason="beside")
    try:
        claims = await _claims(server, client, form["request"])
    except RequestObjectRefused as refused:
        raise BadRequest(parameter="request", reason=refused.members["reason"]) from None
    jti = claims.get("jti")
    if "iat" not in claims or not isinstance(jti, str) or not 1 <= len(jti) <= _LONGEST_JTI:
        raise BadRequest(parameter="request", reason="iat or jti")
    if not await server.marks.first_time(mark("backchannel", str(client.id), jti, claims["exp"])):
        raise BadRequest(parameter="request", reason="jti")
    return _parameters(claims)


async def _claims(server: Server, client: Client, signed: str) -> dict[str, Any]:
    try:
        kid = str(unverified(signed)[0].get("kid", ""))
        claims = verified(signed, await server.directory.keys(client, kid), types=_TYPES)
    except TokenRefused as refused:
        raise RequestObjectRefused(reason=refused.reason) from None
    now = server.runtime.clock.time()
    if claims.get("iss") != str(client.id):
        raise RequestObjectRefused(reason="iss")
    if server.issuer not in audiences(claims):
        raise RequestObjectRefused(reason="aud")
    if "nbf" not in claims or not timely(claims, now):
        raise RequestObjectRefused(reason="exp or nbf")
    # Compared and not subtracted: a JSON number may be larger than any float.
    if claims["exp"] > claims["nbf"] + _SECONDS or claims["nbf"] < now - _SECONDS:
        raise RequestObjectRefused(reason="exp or nbf")
    if {"request", "request_uri"} & claims.keys():
        raise RequestObjectRefused(reason="form")
    return claims


def _parameters(claims: dict[str, Any]) -> Form:
    said = {name: _text(value) for name, value in claims.items() if name not in _ABOUT_ITSELF}
    # A message for the phone has a stricter rule and an error of its own.
    if not all(plain(value) for name, value in said.items() if name != "binding_message"):
        raise RequestObjectRefused(reason="form")
    return {name: value for name, value in said.items() if value}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def id_token(server: Server, hint: str, client: Client | None = None) -> dict[str, Any] | None:
    """Return the claims of an ID token of ours, of this client's if one is given; an old one is still a hint."""
    now = server.runtime.clock.time()
    try:
        claims = verified(hint, server.runtime.ring.public(Purpose.TOKEN, now), types=("JWT",))
    except TokenRefused:
        return None
    if claims.get("iss") != server.issuer or (client is not None and claims.get("aud") != str(client.id)):
        return None
    return claims
