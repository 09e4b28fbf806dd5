"""Signed tokens: the one place where a JWT (RFC 7519) is made or read.

Every kind of token has its own `typ` (RFC 8725 §3.11), so that none can be taken for another.
Both are a few lines over the seams of `ecard.keys`: a private key may live where no library reaches, and
the libraries measured spend more on reading a token than its signature costs (ADR 0016). What they
leave to their caller's options stands here once: `alg` from the key, `typ`, `exp` and `iat` required.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any, NamedTuple

import msgspec

from ecard.clock import SKEW
from ecard.encoding import b64url, unb64url
from ecard.keys import Signer, Suite, Verifier, verifier


class TokenType(StrEnum):
    """The `typ` header of each kind of token."""

    ASSERTION = "ecard-assertion+jwt"
    BUNDLE = "ecard-bundle+jwt"
    SEAL = "ecard-seal+jwt"
    DENIED = "ecard-denied+jwt"
    PERIOD = "ecard-ledger-period+jwt"
    MANIFEST = "ecard-benefit-manifest+jwt"
    PROFILE_CHANGE = "ecard-profile-change+jwt"
    DEVICE_PROOF = "ecard-device+jwt"
    ACCESS = "at+jwt"  # RFC 9068
    ID = "JWT"  # OpenID Connect names no type, and Open Badges 3.0 (§8.2.2) admits no other for a certificate
    BRIDGE = "ecard-bridge+jwt"
    BRIDGE_SESSION = "ecard-bridge-session+jwt"
    LOGOUT = "logout+jwt"  # OpenID Connect Back-Channel Logout §2.4
    STATUS_LIST = "vc+jwt"  # W3C Securing Verifiable Credentials using JOSE and COSE §3.1.1
    CREDENTIALS = "ecard-credentials+jwt"
    DOCUMENT = "ecard-document+jwt"
    DOCUMENTS = "ecard-documents+jwt"
    CLAIM = "dc+sd-jwt"  # SD-JWT VC §2.2.1
    KEY_BINDING = "kb+jwt"  # RFC 9901 §4.3
    TOKEN_STATUS = "statuslist+jwt"  # noqa: S105 - a type; Token Status List §5.1


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
    often: bool = False,
) -> dict[str, Any]:
    """Return the claims of `token`; raises TokenRefused.

    `often` is for tokens that come again and again: that a signature was right is then remembered, never
    whether its key still signs or its time is over. Such claims are shared: do not change them.

    `keys` maps `kid` to the keys that may sign this type; `audience` None means that the type has
    none. `exp` and `iat` are required, in whole seconds: on or after `exp` the token is dead (RFC 7519
    §4.1.4), `iat` may be SKEW seconds ahead of `now` (Unix seconds), and so may `nbf` where there is one (§4.1.5).
    """
    claims = verified(token, keys, types=(typ,), often=often)
    known = audience is None or audience in _listed(claims.get("aud"))
    if claims.get("iss") != issuer or not known or (audience is None and "aud" in claims):
        raise TokenRefused("claims")
    if not {"exp", "iat"} <= claims.keys():
        raise TokenRefused("claims")
    # A phone signs its own proof: "exp": "soon" is no number to compare with, and 1e999 would never end.
    begins = claims.get("nbf", claims["iat"])
    if not type(claims["iat"]) is type(claims["exp"]) is type(begins) is int:
        raise TokenRefused("claims")
    if not max(claims["iat"], begins) - SKEW <= now < claims["exp"]:
        raise TokenRefused("expired")
    return claims


def verified(
    token: str, keys: Mapping[str, PublicKey], *, types: Collection[str | None], often: bool = False
) -> dict[str, Any]:
    """Return the claims of a token whose signature is right, and nothing else about it; raises TokenRefused.

    A key is found by `kid` and must be of the header's `alg`; the name "" stands for the one key of a
    signer that names none. Other headers (`jku`, `x5u`, `jwk`) are never looked at, `crit` is refused
    (RFC 7515 §4.1.11), and `types` has None where a `typ` may be left out.
    """
    header = _header_of(token.partition(".")[0])
    if header.get("typ") not in types or "crit" in header:
        raise TokenRefused("type")
    kid = header.get("kid", "")
    if not isinstance(kid, str):
        raise TokenRefused("malformed")
    key = keys.get(kid)
    if key is None or header.get("alg") != key.suite:
        raise TokenRefused("key")
    return (_signed_before if often else _signed_by)(token, key)


def _signed_by(token: str, key: PublicKey) -> dict[str, Any]:
    signed, _, signature = token.rpartition(".")
    _, _, payload = signed.partition(".")
    try:
        raw, said = unb64url(signature), unb64url(payload)
    except ValueError as error:
        raise TokenRefused("malformed") from error
    if not _loaded(key).verify(signed.encode(), raw):
        raise TokenRefused("signature")
    try:
        return _claims.decode(said)
    except (msgspec.DecodeError, RecursionError) as error:
        raise TokenRefused("claims") from error


_signed_before = lru_cache(maxsize=4096)(_signed_by)


def unverified(token: str) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Return header and claims of a token that nobody has verified yet: to find its key. Raises TokenRefused."""
    head, _, rest = token.partition(".")
    try:
        return _header_of(head), _claims.decode(unb64url(rest.partition(".")[0]))
    except (ValueError, msgspec.DecodeError, RecursionError) as error:
        raise TokenRefused("malformed") from error


_claims = msgspec.json.Decoder(dict[str, Any])


# A signer's tokens all begin alike, so a header is read once; bounded, because callers write them.
@lru_cache(maxsize=1024)
def _header_of(text: str) -> Mapping[str, Any]:
    try:
        return _claims.decode(unb64url(text))
    except (ValueError, msgspec.DecodeError, RecursionError) as error:
        raise TokenRefused("malformed") from error


def _listed(audience: object) -> list[object]:
    return audience if isinstance(audience, list) else [audience]


# Bounded: a device's proof brings its own key, and there are millions of phones.
@lru_cache(maxsize=64)
def _loaded(key: PublicKey) -> Verifier:
    return verifier(key.suite, key.public)
