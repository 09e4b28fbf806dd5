"""What a key module is asked and answers: one call for a card, as the two-step remote protocol of terminals has it.

Step 1 carries the card's area, ATR, algorithm and identity with all challenges; step 2 brings what the card should
have answered, and what opens it. The names of these values in terminals' interfaces: `ia` for INTERNAL, `ea` for
EXTERNAL AUTHENTICATE, `factor` and `original` for the two halves of each.
"""

import hmac
from dataclasses import dataclass, field
from typing import Protocol

from cardio.errors import NotAuthentic
from cardio.profile.versions import Algorithm

INTERNAL_KEY = 0x00
"""The key of INTERNAL AUTHENTICATE."""
READ_SSSE = 0x0A
"""The key that opens EF06, as one HSM client in the field names it; so are those of DF02 and DF04 for reading."""
READ_DF02, READ_DF04 = 0x35, 0x2D
UPDATE_DF02, UPDATE_DF04 = 0x45, 0x4D
"""Keys that open files for writing: numbers of this project's own, a region's are others."""
HALF = 8


@dataclass(frozen=True)
class Asked:
    """A card, and the challenges that it and its verifier chose.

    `internal` is the verifier's 16 bytes; `external` the card's two challenges, 16 bytes, for the key numbered `usage`.
    """

    card_id: bytes
    atr: bytes
    algorithm: Algorithm
    internal: bytes | None = None
    external: bytes | None = None
    usage: int = READ_SSSE

    @property
    def area(self) -> bytes:
        """Level 1 of diversification: the issuing area's six digits and "sx"."""
        return self.card_id[:3].hex().encode() + b"sx"

    @property
    def serial(self) -> bytes:
        """Level 2: the last 8 bytes of the ATR's historical bytes, without a check byte after them."""
        return serial_of(self.atr)


@dataclass(frozen=True)
class Answered:
    """What the card should have answered (8 bytes), and what opens it (16 bytes), each where it was asked."""

    internal: bytes | None = field(default=None, repr=False)
    external: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Proof:
    """What a card answered to `challenge`, uncompared; `random` are its own two challenges, 16 bytes, or None."""

    challenge: bytes = field(repr=False)
    answer: bytes = field(repr=False)
    random: bytes | None = field(repr=False)


class KeyModule(Protocol):
    """Computes with keys that never leave it: in software, a PSAM in a second slot, or an HSM."""

    def answer(self, asked: Asked) -> Answered:
        """Return what was asked; blocks, for seconds at most.

        Raises KeyMissing where it has no key for this kind of card, KeyServiceDown where it does not answer.
        """
        ...


def check(proof: Proof, answered: Answered) -> None:
    """Refuse a card whose answer is not the key module's, compared in constant time (NotAuthentic)."""
    if answered.internal is None or not hmac.compare_digest(proof.answer, answered.internal):
        raise NotAuthentic


def serial_of(atr: bytes) -> bytes:
    """Return the last 8 historical bytes of an ATR (ISO/IEC 7816-3 §8.2), or what there is of it, right-aligned.

    >>> serial_of(bytes.fromhex("3B6D00000090543116866013042500000001")).hex()
    '6013042500000001'
    """
    count = atr[1] & 0x0F if len(atr) > 1 else 0
    at, flags, last = 2, (atr[1] >> 4 if len(atr) > 1 else 0), 0
    while flags:
        present = flags.bit_count()
        more = flags & 0x08
        at += present
        if not more or at > len(atr):
            break
        last = atr[at - 1]
        flags = last >> 4
    return atr[at : at + count][-HALF:].rjust(HALF, b"\x00")
