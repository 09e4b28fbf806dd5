"""Verifying codes with no network: a signed bundle, this small library, and nothing else.

    verifier = OfflineVerifier.load(bundle, anchors=…, now=time.time())
    verdict = verifier.verify(scanned, now=time.time())

What it cannot know it says: `keys_as_of` and `status_as_of` date the verdict, and the same code shown
at two offline terminals within its minute is accepted by both, until they report.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import jwt

from ecard import tokens
from ecard.catalogue.model import Scene
from ecard.clock import SKEW
from ecard.desk.errors import CardSuspended, Replayed, WrongScene
from ecard.keys import from_jwk, verifier
from ecard.tokens import PublicKey, TokenRefused, TokenType
from qr.errors import BundleRefused, BundleStale
from qr.model import LIFETIME, PASSWORD_PROVEN, RELATIVE, STEP, Code, FareClass, once_key
from qr.status import StatusList
from qr.verify import SlotKey, open_code

Anchors = Mapping[str, PublicKey]


class Verdict(NamedTuple):
    """An accepted code: what it proves, and how fresh that knowledge is (Unix seconds)."""

    mode: Literal["offline"]
    scene: int
    password_proven: bool
    keys_as_of: int
    status_as_of: int
    once: str
    fare: FareClass = FareClass.FULL
    relative: bool = False


def anchors_of(claims: Mapping[str, Any]) -> dict[str, PublicKey]:
    """Return the anchor keys that a trusted bundle names, to trust the next bundle by."""
    return {one["kid"]: PublicKey(*from_jwk(one)) for one in claims["anchors"]}


class OfflineVerifier:
    """Verifies codes against one bundle."""

    def __init__(self, claims: Mapping[str, Any]) -> None:
        self._claims = claims
        self.version: int = claims["version"]
        self.as_of: int = claims["iat"]
        self._keys = {
            one["slot"]: SlotKey(verifier(*from_jwk(one["jwk"])), revoked=one["revoked"]) for one in claims["codes"]
        }
        self._lists = {
            int(epoch): StatusList(compressed, claims["status_bits"])
            for epoch, compressed in claims["status_lists"].items()
        }
        self.seen: dict[str, float] = {}

    @classmethod
    def load(cls, bundle: str, *, anchors: Anchors, issuer: str | None, newest: int, now: float) -> "OfflineVerifier":
        """Return the verifier of `bundle`.

        `anchors` are the keys trusted to sign bundles (`trust_on_first_use` gives a first set),
        `newest` the highest version seen before. Raises BundleRefused (`reason`: a token's reason, or
        "older") or BundleStale.
        """
        try:
            issuer = issuer or jwt.decode(bundle, options={"verify_signature": False})["iss"]
            claims = tokens.read(bundle, anchors, typ=TokenType.BUNDLE, issuer=issuer or "", audience=None, now=now)
        except TokenRefused as refused:
            if refused.reason == "expired":
                raise BundleStale from None
            raise BundleRefused(reason=refused.reason) from None
        except (jwt.InvalidTokenError, KeyError):
            raise BundleRefused(reason="malformed") from None
        if claims["version"] < newest:
            raise BundleRefused(reason="older", newest=newest)
        return cls(claims)

    def anchors(self) -> dict[str, PublicKey]:
        """Return the anchors of this bundle, to be kept for the next one."""
        return anchors_of(self._claims)

    def verify(self, scanned: str, now: float, *, scene: Scene | None = None) -> Verdict:
        """Return what `scanned` proves at `now` (Unix seconds); with `scene`, only a code shown for it.

        Raises WrongScene, the errors of `qr.errors`, CardSuspended, Replayed (seen by this verifier), BundleStale.
        """
        if now >= self._claims["exp"]:
            raise BundleStale
        code = open_code(scanned, self._keys, now)
        if scene is not None and code.scene != scene:
            raise WrongScene(required=scene.name.lower())
        if self._dead(code):
            raise CardSuspended(status_as_of=self.as_of)
        once = once_key(code).hex()
        self._forget(now)
        if once in self.seen:
            raise Replayed
        self.seen[once] = now
        flags = code.body.flags
        proven, relative = bool(flags & PASSWORD_PROVEN), bool(flags & RELATIVE)
        return Verdict("offline", code.scene, proven, self.as_of, self.as_of, once, code.fare, relative)

    def _dead(self, code: Code) -> bool:
        """Return whether the card is on the day's list; a day that the bundle lacks is refused."""
        day = self._lists.get(code.epoch)
        return day is None or day.dead(code.body.place)

    def _forget(self, now: float) -> None:
        """Drop what has expired twice over, so that a gate that runs for weeks does not grow."""
        horizon = now - 2 * (LIFETIME * STEP + 2 * SKEW)
        if self.seen and next(iter(self.seen.values())) < horizon:
            self.seen = {once: at for once, at in self.seen.items() if at >= horizon}


def trust_on_first_use(bundle: str) -> dict[str, PublicKey]:
    """Return the anchors that a bundle names for itself, for a terminal that has none yet.

    Whoever calls this shows the thumbprints to a person; raises BundleRefused.
    """
    try:
        return anchors_of(jwt.decode(bundle, options={"verify_signature": False}))
    except (jwt.InvalidTokenError, KeyError, ValueError, TypeError):
        raise BundleRefused(reason="malformed") from None
