"""A gate with no network: the offline verifier, the negative list, and what is to be uploaded; nothing else.

gate = Gate(OfflineVerifier.load(bundle, …), DeniedList.load(denied, …), line="M1", station="A")
tap = gate.tap(scanned, Direction.IN, now)     # raises why the barrier stays shut
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ecard import tokens
from ecard.catalogue.model import Scene
from ecard.tokens import TokenRefused, TokenType
from pay.rides.errors import RelativeRefused, RideDebt
from pay.rides.model import Direction
from qr.errors import BundleRefused, BundleStale
from qr.model import FareClass, parse
from qr.offline import Anchors, OfflineVerifier
from qr.status import StatusList


class DeniedList:
    """The cards that owe for a ride, by their places of the day: as unreadable to others as the status list."""

    def __init__(self, claims: Mapping[str, Any]) -> None:
        self.version: int = claims["version"]
        self.as_of: int = claims["iat"]
        self._until: int = claims["exp"]
        self._lists = {
            int(epoch): StatusList(compressed, claims["status_bits"])
            for epoch, compressed in claims["status_lists"].items()
        }

    @classmethod
    def load(cls, denied: str, *, anchors: Anchors, issuer: str, newest: int, now: float) -> "DeniedList":
        """Return the list in a token signed by an anchor; raises BundleRefused, BundleStale."""
        try:
            claims = tokens.read(denied, anchors, typ=TokenType.DENIED, issuer=issuer, audience=None, now=now)
        except TokenRefused as refused:
            if refused.reason == "expired":
                raise BundleStale from None
            raise BundleRefused(reason=refused.reason) from None
        if claims["version"] < newest:
            raise BundleRefused(reason="older", newest=newest)
        return cls(claims)

    def check(self, epoch: int, place: int, now: float) -> None:
        """Refuse a card on the list; raises RideDebt, or BundleStale when the list's time is over."""
        if now >= self._until:
            raise BundleStale
        day = self._lists.get(epoch)
        if day is None or day.dead(place):
            raise RideDebt


class Accepted(NamedTuple):
    """A tap that was let through: what the gate charges by, and the line to upload."""

    fare: FareClass
    upload: dict[str, object]


class Gate:
    """One gate of a line; `station` is None on a bus."""

    def __init__(self, verifier: OfflineVerifier, denied: DeniedList, *, line: str, station: str | None = None) -> None:
        self._verifier = verifier
        self._denied = denied
        self._line = line
        self._station = station

    def renew(self, verifier: OfflineVerifier, denied: DeniedList) -> None:
        """Take a newer bundle and list; what was seen stays seen."""
        verifier.seen.update(self._verifier.seen)
        self._verifier, self._denied = verifier, denied

    def tap(self, scanned: str, direction: Direction, now: float) -> Accepted:
        """Return what to do for a scanned code.

        An exit lets debtors out. Raises RideDebt, RelativeRefused, WrongScene and what `OfflineVerifier.verify` does.
        """
        verdict = self._verifier.verify(scanned, now, scene=Scene.RIDE)
        if verdict.relative:
            raise RelativeRefused
        code = parse(scanned)
        if direction is not Direction.OUT:
            self._denied.check(code.epoch, code.body.place, now)
        upload = {"code": scanned, "at": int(now), "line": self._line, "direction": direction.value}
        if self._station is not None:
            upload["station"] = self._station
        return Accepted(verdict.fare, upload)
