"""DPoP proofs (RFC 9449): a token is of use only with the key that it was issued to.

A nonce of ours is always asked for (§8): a proof made ahead of time is worth nothing, and a phone whose
clock is wrong needs no clock. Nonces are MACs of a two-minute window, so any worker knows any other's.
"""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from auth.errors import NonceNeeded, ProofRefused
from auth.replay import Mark, mark
from ecard.encoding import b64url
from ecard.keys import from_jwk, thumbprint
from ecard.tokens import PublicKey, TokenRefused, unverified, verified
from ecard.vault import Vault

TYPE = "dpop+jwt"
FAR = 60
"""Seconds that `iat` may be away from our clock; the nonce says that the proof is new."""
_WINDOW = 120
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "k"})
_LONGEST_JTI = 128


class Proof(NamedTuple):
    """A proof whose form, time and signature are right: the key's thumbprint (RFC 7638) and its mark to burn."""

    jkt: str
    key: PublicKey
    mark: Mark


class Nonces:
    """Makes and recognizes the nonces of one installation."""

    def __init__(self, vault: Vault) -> None:
        self._key = vault.derive("dpop nonce")

    def current(self, now: float) -> str:
        """Return the nonce of `now` (Unix seconds)."""
        return self._of(int(now) // _WINDOW)

    def known(self, nonce: object, now: float) -> bool:
        """Return whether `nonce` is that of this window or the one before."""
        window = int(now) // _WINDOW
        said = str(nonce).encode(errors="surrogatepass")
        fits = [hmac.compare_digest(said, self._of(one).encode()) for one in (window, window - 1)]
        return any(fits)

    def _of(self, window: int) -> str:
        return b64url(hmac.digest(self._key, window.to_bytes(8), "sha256")[:15])


def read(proof: str, *, method: str, url: str, nonces: Nonces, now: float, token: str | None = None) -> Proof:
    """Return what a DPoP header proves about a request (`url` without query), and for an access token.

    Raises ProofRefused with a `reason`, and NonceNeeded with the nonce to use.
    """
    try:
        header, _ = unverified(proof)
        jwk = header["jwk"]
        if _PRIVATE & jwk.keys():
            raise ProofRefused(reason="key")
        key = PublicKey(*from_jwk({name: value for name, value in jwk.items() if name in {"kty", "crv", "x", "y"}}))
        claims = verified(proof, {header.get("kid", ""): key}, types=(TYPE,))
    except (KeyError, TypeError, AttributeError, ValueError):
        raise ProofRefused(reason="form") from None
    except TokenRefused as refused:
        raise ProofRefused(reason="form" if refused.reason in {"malformed", "claims"} else refused.reason) from None
    _check(claims, method, url, now, token)
    if not nonces.known(claims.get("nonce"), now):
        raise NonceNeeded(headers={"DPoP-Nonce": nonces.current(now)})
    jkt = thumbprint(*key)
    return Proof(jkt, key, mark("dpop", jkt, claims["jti"], claims["iat"] + FAR + 1))


def _check(claims: Mapping[str, Any], method: str, url: str, now: float, token: str | None) -> None:
    jti, issued = claims.get("jti"), claims.get("iat")
    if not isinstance(jti, str) or not 1 <= len(jti) <= _LONGEST_JTI:
        raise ProofRefused(reason="jti")
    # Compared and not subtracted: a JSON number may be larger than any float.
    if type(issued) is not int or not now - FAR <= issued <= now + FAR:
        raise ProofRefused(reason="clock", server_time=int(now))
    for bound, late in (("exp", True), ("nbf", False)):
        at = claims.get(bound, now + 1 if late else now)
        if not isinstance(at, int | float) or (at <= now - FAR if late else at > now + FAR):
            raise ProofRefused(reason="clock", server_time=int(now))
    if claims.get("htm") != method:
        raise ProofRefused(reason="htm")
    if str(claims.get("htu")).partition("?")[0].partition("#")[0] != url:
        raise ProofRefused(reason="htu")
    if token is not None and claims.get("ath") != b64url(sha256(token.encode()).digest()):
        raise ProofRefused(reason="ath")
