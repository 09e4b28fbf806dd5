"""Signed tokens: the one place where a JWT (RFC 7519) is made or read.

Every kind of token has its own `typ` (RFC 8725 §3.11), so that none can be taken for another.
PyJWT reads: its defaults accept a token without `exp`, so what is required is named at each call.
Making one is three lines over the `Signer` seam, because a key may live where PyJWT cannot reach.
"""

from collections.abc import Mapping
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
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError as error:
        raise TokenRefused("malformed") from error
    if header.get("typ") != typ or "crit" in header:
        raise TokenRefused("type")
    key = keys.get(header.get("kid", ""))
    if key is None or header.get("alg") != key.suite:
        raise TokenRefused("key")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            _loaded(key),
            algorithms=[key.suite.value],
            issuer=issuer,
            audience=audience,
            # The times are compared below with the clock that was passed in, not the machine's.
            options={"require": ["exp", "iat", "iss"], "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
    except jwt.InvalidSignatureError as error:
        raise TokenRefused("signature") from error
    except jwt.InvalidTokenError as error:
        raise TokenRefused("claims") from error
    # A phone signs its own proof: "exp": "soon" is no number to compare with, and 1e999 would never end.
    if type(claims["iat"]) is not int or type(claims["exp"]) is not int:
        raise TokenRefused("claims")
    if not claims["iat"] - SKEW <= now < claims["exp"]:
        raise TokenRefused("expired")
    return claims


# Bounded: a device's proof brings its own key, and there are millions of phones.
@lru_cache(maxsize=64)
def _loaded(key: PublicKey) -> Any:
    jwk = to_jwk(key.suite, key.public)
    return (ECAlgorithm if key.suite is Suite.ES256 else OKPAlgorithm).from_jwk(jwk)
