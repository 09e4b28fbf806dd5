"""Signed tokens: the one place where a JWT (RFC 7519) is made or read.

Every kind of token has its own `typ` (RFC 8725 §3.11), so that none can be taken for another.
PyJWT reads: its defaults accept a token without `exp`, so what is required is named at each call.
Making one is three lines over the `Signer` seam, because a key may live where PyJWT cannot reach.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any, NamedTuple

import jwt
import msgspec
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

from ecard.clock import SKEW
from ecard.encoding import b64url
from ecard.keys import Signer, Suite, to_jwk


class TokenType(StrEnum):
    """The `typ` header of each kind of token."""

    ASSERTION = "ecard-assertion+jwt"
    BUNDLE = "ecard-bundle+jwt"
    SEAL = "ecard-seal+jwt"
    DEVICE_PROOF = "ecard-device+jwt"
    ACCESS = "at+jwt"  # RFC 9068
    ID = "JWT"  # OpenID Connect names no type
    LOGOUT = "logout+jwt"  # OpenID Connect Back-Channel Logout §2.4


class TokenRefused(Exception):
    """A token is not valid; `reason` is one of: malformed, type, key, signature, claims, expired."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PublicKey(NamedTuple):
    """What a reader needs to know of a key."""

    suite: Suite
    public: bytes


@cache
def _header(kid: str, alg: str, typ: str) -> str:
    return b64url(msgspec.json.encode({"alg": alg, "kid": kid, "typ": typ}))


def mint(signer: Signer, kid: str, typ: TokenType, claims: Mapping[str, object]) -> str:
    """Return a compact JWS (RFC 7515) of `claims`, signed by `signer` under the name `kid`."""
    signed = f"{_header(kid, signer.suite.value, typ)}.{b64url(msgspec.json.encode(claims))}"
    return f"{signed}.{b64url(signer.sign(signed.encode()))}"


def read(
    token: str,
    keys: Mapping[str, PublicKey],
    *,
    typ: TokenType,
    issuer: str,
    audience: str | None,
    now: float,
) -> dict[str, Any]:
    """Return the claims of `token`; raises TokenRefused.

    `keys` maps `kid` to the keys that may sign this type; `audience` None means that the type has
    none. `exp` and `iat` are required, in whole seconds: on or after `exp` the token is dead (RFC 7519
    §4.1.4), `iat` may be SKEW seconds ahead of `now` (Unix seconds).
    """
    claims = verified(token, keys, types=(typ,))
    known = audience is None or audience in _listed(claims.get("aud"))
    if claims.get("iss") != issuer or not known or (audience is None and "aud" in claims):
        raise TokenRefused("claims")
    if not {"exp", "iat"} <= claims.keys():
        raise TokenRefused("claims")
    # A phone signs its own proof: "exp": "soon" is no number to compare with, and 1e999 would never end.
    if type(claims["iat"]) is not int or type(claims["exp"]) is not int:
        raise TokenRefused("claims")
    if not claims["iat"] - SKEW <= now < claims["exp"]:
        raise TokenRefused("expired")
    return claims


def verified(token: str, keys: Mapping[str, PublicKey], *, types: Collection[str | None]) -> dict[str, Any]:
    """Return the claims of a token whose signature is right, and nothing else about it; raises TokenRefused.

    A key is found by `kid` and must be of the header's `alg`; the name "" stands for the one key of a
    signer that names none. Other headers (`jku`, `x5u`, `jwk`) are never looked at, `crit` is refused
    (RFC 7515 §4.1.11), and `types` has None where a `typ` may be left out.
    """
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError as error:
        raise TokenRefused("malformed") from error
    if header.get("typ") not in types or "crit" in header:
        raise TokenRefused("type")
    key = keys.get(header.get("kid", ""))
    if key is None or header.get("alg") != key.suite:
        raise TokenRefused("key")
    try:
        # Who, for whom and when are compared by the caller, with the clock that was passed in.
        claims: dict[str, Any] = jwt.decode(token, _loaded(key), algorithms=[key.suite.value], options=_SIGNATURE_ONLY)
    except jwt.InvalidSignatureError as error:
        raise TokenRefused("signature") from error
    except jwt.InvalidTokenError as error:
        raise TokenRefused("claims") from error
    return claims


_SIGNATURE_ONLY: Any = {f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")}


def _listed(audience: object) -> list[object]:
    return audience if isinstance(audience, list) else [audience]


# Bounded: a device's proof brings its own key, and there are millions of phones.
@lru_cache(maxsize=64)
def _loaded(key: PublicKey) -> Any:
    jwk = to_jwk(key.suite, key.public)
    return (ECAlgorithm if key.suite is Suite.ES256 else OKPAlgorithm).from_jwk(jwk)
