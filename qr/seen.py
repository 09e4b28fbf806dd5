"""A code that a terminal took while it was offline: verified again, as of then, by the issuer itself."""

from typing import NamedTuple

from ecard.catalogue.model import Scene, Strength
from ecard.desk.errors import WrongScene
from ecard.runtime import Runtime
from qr import handle
from qr.model import PASSWORD_PROVEN, RELATIVE, number_key, once_key
from qr.verify import SlotKey, open_code


class Seen(NamedTuple):
    """What a code said: card and phone by number, what it burns, what it proves, and whether a relative showed it."""

    card: int
    device: int
    once: bytes
    shadow: bytes | None
    strength: Strength
    relative: bool


def slots(runtime: Runtime) -> dict[int, SlotKey]:
    """Return the keys of codes by slot; retired ones too, for a terminal may come days later, but no revoked one."""
    return {slot: SlotKey(key.verifier, revoked=key.revoked_at is not None) for slot, key in runtime.ring.codes.items()}


def open_seen(runtime: Runtime, keys: dict[int, SlotKey], text: str, at: int, scene: Scene) -> Seen:
    """Return what a code said at `at` (Unix seconds), if it was for `scene`.

    Raises WrongScene and the errors of `qr.errors`: a terminal whose clock was wrong took codes that were not valid at
    the time that it says.
    """
    code = open_code(text, keys, at)
    if code.scene != scene:
        raise WrongScene(required=scene.name.lower())
    card, device = handle.unseal(runtime.vault, runtime.ring.codes[code.body.slot].kid, code.body.handle)
    relative = bool(code.body.flags & RELATIVE)
    proven = bool(code.body.flags & PASSWORD_PROVEN)
    return Seen(
        card,
        device,
        once_key(code),
        # A relative's screen has no digits: showing it must not use up those of the holder's own.
        None if relative else number_key(card, code.step, code.scene),
        Strength.KNOWLEDGE if proven else Strength.POSSESSION,
        relative,
    )
