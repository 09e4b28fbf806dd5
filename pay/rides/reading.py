"""Reading what a gate accepted: the code is verified again, as of the time of the tap, by the issuer itself."""

from typing import NamedTuple

from ecard.catalogue.model import Scene
from ecard.clock import SKEW
from ecard.desk.errors import WrongScene
from ecard.runtime import Runtime
from pay.rides.errors import DirectionWrong, LineUnknown, RelativeRefused, StationUnknown, TapInFuture, TapTooOld
from pay.rides.model import UPLOAD_DAYS, Direction, FareTable
from pay.rides.schemas import TapLine
from qr import handle
from qr.model import RELATIVE, FareClass, number_key, once_key
from qr.verify import SlotKey, open_code


class Shown(NamedTuple):
    """What a code said at a gate: card and phone by number, what it burns, and the fare class."""

    card: int
    device: int
    once: bytes
    shadow: bytes
    fare: FareClass


def keys(runtime: Runtime) -> dict[int, SlotKey]:
    """Return the keys of codes by slot; retired ones too, for a gate may come days later, but no revoked one."""
    return {slot: SlotKey(key.verifier, revoked=key.revoked_at is not None) for slot, key in runtime.ring.codes.items()}


def check_time(tap: TapLine, now: float) -> None:
    """Check that a tap is neither old nor of the future; raises TapTooOld, TapInFuture."""
    if tap.at > now + SKEW:
        raise TapInFuture
    if tap.at < now - UPLOAD_DAYS * 86400:
        raise TapTooOld


def check_place(tap: TapLine, table: FareTable) -> None:
    """Check that the table prices such a tap; raises LineUnknown, StationUnknown, DirectionWrong."""
    line = table.lines.get(tap.line)
    if line is None:
        raise LineUnknown
    if tap.direction not in list(Direction):
        raise DirectionWrong
    fault = line.check(Direction(tap.direction), tap.station)
    if fault is not None:
        raise {"station_unknown": StationUnknown, "direction_wrong": DirectionWrong}[fault]


def read(runtime: Runtime, slots: dict[int, SlotKey], tap: TapLine) -> Shown:
    """Return what the code of a tap says; the fare class is the signed one, whatever the gate thinks.

    Raises the errors of `qr.errors`, WrongScene and RelativeRefused. A gate whose clock was wrong took codes that
    were not valid at the time that it says: CodeExpired, CodeClockSkew.
    """
    code = open_code(tap.code, slots, tap.at)
    if code.scene != Scene.RIDE:
        raise WrongScene(required="ride")
    if code.body.flags & RELATIVE:
        raise RelativeRefused
    card, device = handle.unseal(runtime.vault, runtime.ring.codes[code.body.slot].kid, code.body.handle)
    return Shown(card, device, once_key(code), number_key(card, code.step, code.scene), code.fare)
