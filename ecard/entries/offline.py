"""A gate with no network: the offline verifier, one class, and what is to be uploaded.

gate = Gate(OfflineVerifier.load(bundle, …), room="第3考场")
line = gate.pass_(scanned, now)     # raises why the barrier stays shut
"""

from ecard.catalogue.model import Scene
from ecard.desk.errors import TooWeak
from ecard.entries.model import Direction
from qr.offline import OfflineVerifier


class Gate:
    """One gate: it says that a living e-card was here, not whose; whether the list admits it, the upload says."""

    def __init__(self, verifier: OfflineVerifier, *, room: str = "", password: bool = False) -> None:
        """Take a bundle's verifier; `password`: the item asks for a code whose password was just proven."""
        self._verifier = verifier
        self._room = room
        self._password = password
        self.kept: list[dict[str, object]] = []
        """The lines to upload, in the order in which people came."""

    def renew(self, verifier: OfflineVerifier) -> None:
        """Take a newer bundle; what was seen stays seen."""
        verifier.seen.update(self._verifier.seen)
        self._verifier = verifier

    def pass_(self, scanned: str, now: float, direction: Direction = Direction.IN) -> dict[str, object]:
        """Return the line to upload for a scanned code, and keep it.

        Raises TooWeak and what `OfflineVerifier.verify` does; a code that this gate has seen is Replayed.
        """
        verdict = self._verifier.verify(scanned, now, scene=Scene.IDENTITY)
        if self._password and not verdict.password_proven:
            raise TooWeak(required="knowledge")
        line: dict[str, object] = {"code": scanned, "at": int(now), "direction": direction.value, "room": self._room}
        self.kept.append(line)
        return line
