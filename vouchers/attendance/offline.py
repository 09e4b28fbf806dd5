"""An institution's terminal with no network: the offline verifier, one class, and what is to be uploaded.

door = Door(OfflineVerifier.load(bundle, …), opens_at=…, closes_at=…)
line = door.check_in(scanned, now)     # raises why the learner is not let in
"""

from ecard.catalogue.model import Scene
from qr.offline import OfflineVerifier
from vouchers.attendance.errors import OutsideWindow
from vouchers.life.errors import NotYourVoucher


class Door:
    """The door of one session, whose window (Unix seconds) the terminal fetched before."""

    def __init__(self, verifier: OfflineVerifier, *, opens_at: int, closes_at: int) -> None:
        self._verifier = verifier
        self._opens_at, self._closes_at = opens_at, closes_at
        self.kept: list[dict[str, object]] = []
        """The lines to upload, in the order in which learners came."""

    def check_in(self, scanned: str, now: float) -> dict[str, object]:
        """Return the line to upload for a scanned code, and keep it.

        It says that a living e-card was here, not whose: whether the learner is enrolled, the upload says.
        Raises OutsideWindow, NotYourVoucher (shown by somebody else) and what `OfflineVerifier.verify` does.
        """
        if not self._opens_at <= now < self._closes_at:
            raise OutsideWindow
        if self._verifier.verify(scanned, now, scene=Scene.VOUCHER).relative:
            raise NotYourVoucher
        line: dict[str, object] = {"code": scanned, "at": int(now)}
        self.kept.append(line)
        return line
