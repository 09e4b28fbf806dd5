"""What a presentation proves, but for its status; the same with and without a network; pure."""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import msgspec

from ecard import tokens
from ecard.claims.errors import ClaimRefused
from ecard.claims.sdjwt import Malformed, Parts, reveal, sd_hash, split
from ecard.clock import SKEW
from ecard.keys import from_jwk
from ecard.tokens import PublicKey, TokenRefused, TokenType

LONGEST = 16_384
"""Characters of the longest presentation that is read; ours have about 1,500."""
BINDING_SECONDS = 300
"""Seconds for which a key-binding JWT is fresh."""
_REGISTERED = frozenset({"iss", "iat", "exp", "nbf", "cnf", "vct", "status", "jti"})


class _Reference(msgspec.Struct):
    idx: Annotated[int, msgspec.Meta(ge=0)]
    uri: str


class _Status(msgspec.Struct):
    status_list: _Reference


class _Cnf(msgspec.Struct):
    jwk: dict[str, str]


class _Credential(msgspec.Struct):
    """What is read of an issuer-signed JWT (SD-JWT VC §2.2.2)."""

    iss: str
    iat: int
    exp: int
    vct: str
    jti: str
    cnf: _Cnf
    status: _Status


class _Binding(msgspec.Struct):
    iat: int
    aud: str
    nonce: str
    sd_hash: str


class Shown(NamedTuple):
    """An accepted presentation: which credential, what it discloses, whose key showed it, where its status stands."""

    id: str
    vct: str
    claims: dict[str, Any]
    holder: PublicKey
    issued_at: int
    expires_at: int
    status_list: str
    place: int


def read(presented: str, keys: Mapping[str, PublicKey], *, issuer: str, audience: str, nonce: str, now: float) -> Shown:
    """Return what an SD-JWT+KB proves to `audience` for `nonce` at `now` (Unix seconds); raises ClaimRefused."""
    if len(presented) > LONGEST:
        raise ClaimRefused(reason="malformed")
    try:
        parts = split(presented)
        claims = tokens.verified(parts.jwt, keys, types=(TokenType.CLAIM,))
        disclosed = reveal(claims, parts.disclosures)
        one = msgspec.convert(claims, _Credential)
        holder = PublicKey(*from_jwk(one.cnf.jwk))
    except Malformed:
        raise ClaimRefused(reason="malformed") from None
    except TokenRefused as refused:
        raise ClaimRefused(reason=refused.reason) from None
    except (msgspec.ValidationError, ValueError):
        raise ClaimRefused(reason="claims") from None
    # What is always told may not be told otherwise by a disclosure: `reveal` admits no claim twice.
    if one.iss != issuer:
        raise ClaimRefused(reason="claims")
    if one.iat > now + SKEW:
        raise ClaimRefused(reason="early")
    if now >= one.exp:
        raise ClaimRefused(reason="late")
    _check_binding(parts, holder, audience=audience, nonce=nonce, now=now)
    return Shown(
        id=one.jti,
        vct=one.vct,
        claims={name: value for name, value in disclosed.items() if name not in _REGISTERED},
        holder=holder,
        issued_at=one.iat,
        expires_at=one.exp,
        status_list=one.status.status_list.uri,
        place=one.status.status_list.idx,
    )


def _check_binding(parts: Parts, holder: PublicKey, *, audience: str, nonce: str, now: float) -> None:
    """Check that the holder's key showed this, to this audience, now (RFC 9901 §7.3)."""
    try:
        said = tokens.verified(parts.binding, {"": holder}, types=(TokenType.KEY_BINDING,))
        bound = msgspec.convert(said, _Binding)
    except (TokenRefused, msgspec.ValidationError):
        raise ClaimRefused(reason="binding") from None
    fresh = now - BINDING_SECONDS <= bound.iat <= now + SKEW
    if not fresh or (bound.aud, bound.nonce, bound.sd_hash) != (audience, nonce, sd_hash(parts)):
        raise ClaimRefused(reason="binding")
