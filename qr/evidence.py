"""Reading what a counter scanned into evidence: a dynamic code, or the 19 digits beside it."""

from ecard.callers import Terminal
from ecard.catalogue.model import Form, Item, Scene, Strength
from ecard.clock import SKEW
from ecard.desk.errors import WrongScene
from ecard.desk.model import Evidence, check_form
from ecard.desk.schemas import CodeEvidence
from ecard.limits import Limit
from ecard.runtime import Runtime
from qr import handle, number
from qr.errors import NumberUnknown
from qr.model import LIFETIME, PASSWORD_PROVEN, RELATIVE, STEP, number_key, once_key, step_at
from qr.verify import SlotKey, open_code

WRONG_NUMBERS = Limit("wrong_number", 20, 600, guarded=True)
"""Wrong 19-digit numbers that a terminal may send in 10 minutes: guessing must not pay."""


async def read(runtime: Runtime, asked: CodeEvidence, item: Item, by: Terminal) -> Evidence:
    """Return the evidence in a scanned code or its 19 digits; raises the errors of `qr.errors`."""
    check_form(item, Form.ELECTRONIC)
    now = runtime.clock.time()
    if number.looks_like_one(asked.code):
        return await _read_number(runtime, asked.code, item, by, now)
    keys = {slot: SlotKey(key.verifier, revoked=key.revoked_at is not None) for slot, key in runtime.ring.codes.items()}
    code = open_code(asked.code, keys, now)
    kid = runtime.ring.codes[code.body.slot].kid
    card, device = handle.unseal(runtime.vault, kid, code.body.handle)
    proven = bool(code.body.flags & PASSWORD_PROVEN)
    return Evidence(
        kind="code" if code.tail is None else "device_code",
        form=Form.ELECTRONIC,
        card=card,
        device=device,
        once=once_key(code),
        # A relative's screen has no digits: showing it must not use up those of the holder's own.
        shadow=None if code.body.flags & RELATIVE else number_key(card, code.step, code.scene),
        scene=_scene(code.scene, item),
        strength=Strength.KNOWLEDGE if proven else Strength.POSSESSION,
        amr=("pop", "pin") if proven else ("pop",),
    )


async def _read_number(runtime: Runtime, digits: str, item: Item, by: Terminal, now: float) -> Evidence:
    """Return the evidence in the 19 digits: they prove less than a signature, and guesses are counted."""
    terminal = str(by.actor)
    # Counted first and given back when right: guesses sent side by side cannot share one look.
    await runtime.limiter.hit(WRONG_NUMBERS, terminal)
    steps = range(step_at(now - LIFETIME * STEP - SKEW) + 1, step_at(now + SKEW) + 1)
    mac = runtime.vault.keyed("number")
    found = number.read(mac, digits, steps, item.scene, card_bits=runtime.settings.status_bits)
    if found is None:
        raise NumberUnknown
    await runtime.limiter.hit(WRONG_NUMBERS, terminal, cost=-1)
    card, step = found
    return Evidence(
        kind="number",
        form=Form.ELECTRONIC,
        card=card,
        device=None,
        once=number_key(card, step, item.scene),
        shadow=None,
        scene=item.scene,
        strength=Strength.POSSESSION,
        amr=("otp",),
    )


def _scene(byte: int, item: Item) -> Scene:
    try:
        return Scene(byte)
    except ValueError:
        # A phone may sign any byte into a chain; one that is no scene is nobody's.
        raise WrongScene(required=item.scene.name.lower()) from None
