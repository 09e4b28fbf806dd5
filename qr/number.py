"""The 19 digits under the code, for scanners that read one-dimensional barcodes only.

    9 ‖ 17 digits ‖ Luhn check digit

The leading 9 lies outside the payment apps' prefixes (10-15, 25-30, 62). The 17 digits hold the card's
number under a synthetic IV (the construction of RFC 5297): a tag over card, step and scene, and the card
masked by the tag. So nothing is stored, two numbers of one card cannot be linked, and a guess hits a live
number (four steps of each card, of 2^56) with a probability below 1 in 10^9 for 2^24 cards, and below 1 in
10^7 for 2^30: guesses are counted besides. Like a one-time password (RFC 6238 §5.2) a number is good for
one use in its step.
"""

import hmac
from collections.abc import Callable

from ecard.numbers import luhn

PREFIX = "9"
DIGITS = 19
_VALUE_BITS = 56
_VALUE_DIGITS = DIGITS - 2

Mac = Callable[[bytes], bytes]
"""A keyed pseudo-random function of the issuer."""


def _tag(mac: Mac, card: int, step: int, scene: int, bits: int) -> int:
    digest = mac(b"tag" + card.to_bytes(4) + step.to_bytes(4) + scene.to_bytes(1))
    return int.from_bytes(digest[:8]) >> (64 - bits)


def _mask(mac: Mac, tag: int, bits: int) -> int:
    return int.from_bytes(mac(b"mask" + tag.to_bytes(8))[:8]) >> (64 - bits)


def issue(mac: Mac, card: int, step: int, scene: int, *, card_bits: int) -> str:
    """Return the 19 digits of `card` in `step` for `scene`; `card` < 2^card_bits."""
    tag = _tag(mac, card, step, scene, _VALUE_BITS - card_bits)
    value = tag << card_bits | (card ^ _mask(mac, tag, card_bits))
    digits = f"{PREFIX}{value:0{_VALUE_DIGITS}d}"
    return digits + luhn.check_digit(digits)


def looks_like_one(scanned: str) -> bool:
    """Return whether `scanned` has the form of a number: 19 ASCII digits, our prefix, a right check digit."""
    is_digits = scanned.isascii() and scanned.isdecimal()
    return is_digits and len(scanned) == DIGITS and scanned.startswith(PREFIX) and luhn.is_valid(scanned)


def read(mac: Mac, number: str, steps: range, scene: int, *, card_bits: int) -> tuple[int, int] | None:
    """Return card and step of `number` if it was made for `scene` in one of `steps`; else None."""
    value = int(number[1:-1])
    tag, masked = value >> card_bits, value & ((1 << card_bits) - 1)
    card = masked ^ _mask(mac, tag, card_bits)
    width = 8
    for step in steps:
        made = _tag(mac, card, step, scene, _VALUE_BITS - card_bits)
        if hmac.compare_digest(made.to_bytes(width), tag.to_bytes(width)):
            return card, step
    return None
