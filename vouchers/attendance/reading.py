"""Reading a learner's code that a terminal took while it was offline: verified again, as of then, by the issuer."""

import datetime

from ecard.catalogue.model import Scene, Strength
from ecard.clock import SKEW
from ecard.desk.errors import WrongScene
from ecard.runtime import Runtime
from qr import handle, number
from qr.model import PASSWORD_PROVEN, RELATIVE, number_key, once_key
from qr.verify import SlotKey, open_code
from vouchers.attendance.errors import OfflineCodeWanted, SeenInFuture, SeenTooLongAgo
from vouchers.attendance.model import UPLOAD_DAYS
from vouchers.attendance.schemas import UploadLine
from vouchers.attendance.store import Seen
from vouchers.life.errors import NotYourVoucher


def keys(runtime: Runtime) -> dict[int, SlotKey]:
    """Return the keys of codes by slot; retired ones too, for a terminal may come days later, but no revoked one."""
    return {slot: SlotKey(key.verifier, revoked=key.revoked_at is not None) for slot, key in runtime.ring.codes.items()}


def read(runtime: Runtime, slots: dict[int, SlotKey], line: UploadLine, now: float) -> Seen:
    """Return what the code of a line says; raises why the line is refused.

    SeenInFuture, SeenTooLongAgo, OfflineCodeWanted, WrongScene, NotYourVoucher (somebody else showed it), and the
    errors of `qr.errors`: a terminal whose clock was wrong took codes that were not valid at the time that it says.
    """
    if line.at > now + SKEW:
        raise SeenInFuture
    if line.at < now - UPLOAD_DAYS * 86400:
        raise SeenTooLongAgo
    if number.looks_like_one(line.code):
        raise OfflineCodeWanted
    code = open_code(line.code, slots, line.at)
    if code.scene != Scene.VOUCHER:
        raise WrongScene(required="voucher")
    if code.body.flags & RELATIVE:
        raise NotYourVoucher
    card, device = handle.unseal(runtime.vault, runtime.ring.codes[code.body.slot].kid, code.body.handle)
    proven = bool(code.body.flags & PASSWORD_PROVEN)
    return Seen(
        once_key(code),
        number_key(card, code.step, code.scene),
        card,
        device,
        (Strength.KNOWLEDGE if proven else Strength.POSSESSION).value,
        datetime.datetime.fromtimestamp(line.at, datetime.UTC),
    )
