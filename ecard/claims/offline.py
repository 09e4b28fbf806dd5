"""Verifying credentials with no network: the bundle of certificates, this small library, and nothing else.

verifier = ClaimVerifier.load(bundle, anchors=…, now=time.time())
verdict = verifier.verify(presented, audience=…, nonce=…, now=time.time())
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ecard import tokens
from ecard.claims.errors import ClaimRevoked, ClaimStatusUnknown
from ecard.claims.status import PLACE_BITS
from ecard.claims.verifying import read
from ecard.keys import from_jwk
from ecard.tokens import PublicKey, TokenRefused, TokenType
from qr.errors import BundleRefused, BundleStale
from qr.status import StatusList


class Verdict(NamedTuple):
    """An accepted presentation, and how fresh the knowledge is that it is not revoked (Unix seconds)."""

    id: str
    type: str
    claims: dict[str, Any]
    expires_at: int
    keys_as_of: int
    status_as_of: int


class ClaimVerifier:
    """Verifies presentations against one bundle."""

    def __init__(self, claims: Mapping[str, Any], now: float) -> None:
        """Take a bundle's claims; raises BundleRefused when a list in it is not signed by one of its keys."""
        self.issuer: str = claims["iss"]
        self.as_of: int = claims["iat"]
        self._until: int = claims["exp"]
        try:
            self._keys = {one["kid"]: PublicKey(*from_jwk(one)) for one in claims["keys"]}
            lists = [
                tokens.read(one, self._keys, typ=TokenType.TOKEN_STATUS, issuer=self.issuer, audience=None, now=now)
                for one in claims.get("status_lists", [])
            ]
            self._lists = {one["sub"]: StatusList(one["status_list"]["lst"], PLACE_BITS) for one in lists}
        except (KeyError, TypeError, ValueError):
            raise BundleRefused(reason="claims") from None
        except TokenRefused as refused:
            raise BundleRefused(reason=refused.reason) from None

    @classmethod
    def load(cls, bundle: str, *, anchors: Mapping[str, PublicKey], now: float) -> "ClaimVerifier":
        """Return the verifier of `bundle` (GET /v1/credentials/bundle), signed by one of `anchors`.

        Raises BundleRefused (`reason`: a token's reason) or BundleStale.
        """
        try:
            issuer = str(tokens.unverified(bundle)[1].get("iss"))
            claims = tokens.read(bundle, anchors, typ=TokenType.CREDENTIALS, issuer=issuer, audience=None, now=now)
        except TokenRefused as refused:
            if refused.reason == "expired":
                raise BundleStale from None
            raise BundleRefused(reason=refused.reason) from None
        return cls(claims, now)

    def verify(self, presented: str, *, audience: str, nonce: str, now: float) -> Verdict:
        """Return what a presentation proves at `now` (Unix seconds) to who asked with `nonce`.

        Raises ClaimRefused, ClaimRevoked, ClaimStatusUnknown or BundleStale.
        """
        if now >= self._until:
            raise BundleStale
        shown = read(presented, self._keys, issuer=self.issuer, audience=audience, nonce=nonce, now=now)
        known = self._lists.get(shown.status_list)
        if known is None:
            raise ClaimStatusUnknown
        if known.dead(shown.place):
            raise ClaimRevoked(status_as_of=self.as_of)
        return Verdict(shown.id, shown.vct, shown.claims, shown.expires_at, self.as_of, self.as_of)
