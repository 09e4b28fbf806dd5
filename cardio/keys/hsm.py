"""A remote HSM, by the two steps of terminals' interfaces (`…_HSM_Step1`, `…_HSM_Step2`).

Step 1 is one line to the HSM: area | ATR | algorithm | card id | ia factor | ia original | ea key | ea factor |
ea original | ; step 2 its line back: ia result | ea data | . Hexadecimal, but for the area's digits; what is not asked
is empty. How the lines travel is the caller's: a function from line to line.
"""

from collections.abc import Callable

from cardio.errors import KeyMissing, KeyServiceDown
from cardio.keys.model import HALF, Answered, Asked, KeyModule
from cardio.profile.versions import Algorithm

_FIELDS, _ANSWER_FIELDS = 9, 2
NO_KEY = "-2203|"
"""The line back where the HSM has no key for this card (the code of terminals for "no RKSSSE")."""
CARD_ID, CHALLENGE = 16, 16


class Hsm:
    """An HSM behind a line (see `KeyModule`); `post` sends step 1 and returns step 2, or raises OSError."""

    def __init__(self, post: Callable[[str], str]) -> None:
        self._post = post

    def answer(self, asked: Asked) -> Answered:
        """Return what was asked; raises KeyMissing, KeyServiceDown."""
        try:
            line = self._post(step1(asked))
        except OSError as error:
            raise KeyServiceDown from error
        return step2(line, asked)


def step1(asked: Asked) -> str:
    """Return the line to the HSM."""
    internal, external = asked.internal or b"", asked.external or b""
    fields = (
        asked.card_id[:3].hex(),
        asked.atr.hex(),
        f"{asked.algorithm.value:02X}",
        asked.card_id.hex(),
        internal[:HALF].hex(),
        internal[HALF:].hex(),
        f"{asked.usage:02X}" if external else "",
        external[:HALF].hex(),
        external[HALF:].hex(),
    )
    return "|".join(fields).upper() + "|"


def step2(line: str, asked: Asked) -> Answered:
    """Return what the HSM's line says; raises KeyMissing, or KeyServiceDown where it is not what was asked."""
    if line == NO_KEY:
        raise KeyMissing
    try:
        internal, external, end = line.split("|")
        answered = Answered(bytes.fromhex(internal) or None, bytes.fromhex(external) or None)
    except ValueError:
        raise KeyServiceDown from None
    lengths = (len(answered.internal or b""), len(answered.external or b""))
    if end or lengths != (HALF if asked.internal else 0, 2 * HALF if asked.external else 0):
        raise KeyServiceDown
    return answered


def serve(line: str, keys: KeyModule) -> str:
    """Return an HSM's line back to step 1, computed by another key module; raises ValueError for no such line."""
    fields = line.split("|")
    if len(fields) != _FIELDS + 1:
        raise ValueError("fields")
    _, atr, algorithm, card_id, ia_factor, ia_original, usage, ea_factor, ea_original = fields[:_FIELDS]
    asked = Asked(
        card_id=_exactly(card_id, CARD_ID),
        atr=bytes.fromhex(atr),
        algorithm=Algorithm(int(algorithm, 16)),
        internal=_exactly(ia_factor + ia_original, CHALLENGE) if ia_factor else None,
        external=_exactly(ea_factor + ea_original, CHALLENGE) if ea_factor else None,
        usage=int(usage or "0", 16),
    )
    try:
        answered = keys.answer(asked)
    except KeyMissing:
        return NO_KEY
    return f"{(answered.internal or b'').hex()}|{(answered.external or b'').hex()}|".upper()


def _exactly(text: str, count: int) -> bytes:
    raw = bytes.fromhex(text)
    if len(raw) != count:
        raise ValueError("length")
    return raw
