"""The status list: one bit a card, in an order that changes every day; pure.

The shape is that of the Token Status List (draft-ietf-oauth-status-list): a bitmap, zlib-compressed,
base64url. A card's place is its number under a keyed permutation of the day, so a verifier that is
offline can look a code up, and cannot link two days of one card nor tell which card a place is.
"""

import zlib
from base64 import urlsafe_b64decode
from collections.abc import Iterable
from hashlib import blake2b

from ecard.encoding import b64url

_ROUNDS = 4


class Permutation:
    """A keyed permutation of 0 … 2^bits - 1 (`bits` even): a Feistel network over keyed BLAKE2b (RFC 7693)."""

    def __init__(self, key: bytes, bits: int) -> None:
        self._half = bits // 2
        self._mask = (1 << self._half) - 1
        self._keys = [blake2b(bytes((round_,)), key=key, digest_size=32).digest() for round_ in range(_ROUNDS)]

    def place(self, number: int) -> int:
        """Return the place of card `number`."""
        left, right = number >> self._half, number & self._mask
        for key in self._keys:
            mixed = int.from_bytes(blake2b(right.to_bytes(4), key=key, digest_size=4).digest())
            left, right = right, left ^ (mixed & self._mask)
        return left << self._half | right


def compress(places: Iterable[int], bits: int) -> str:
    """Return the list of 2^bits cards in which those at `places` are dead."""
    bitmap = bytearray(1 << (bits - 3))
    for place in places:
        bitmap[place >> 3] |= 1 << (place & 7)
    return b64url(zlib.compress(bytes(bitmap), 9))


class StatusList:
    """A list as a verifier holds it."""

    def __init__(self, compressed: str, bits: int) -> None:
        """Unpack; ValueError when it is not a list of 2^bits cards (and no larger: a bomb stops here)."""
        size = 1 << (bits - 3)
        unpacker = zlib.decompressobj()
        try:
            raw = unpacker.decompress(urlsafe_b64decode(compressed + "=" * (-len(compressed) % 4)), size + 1)
        except zlib.error as error:
            raise ValueError from error
        if len(raw) != size or not unpacker.eof:
            msg = "a status list of another size"
            raise ValueError(msg)
        self._bitmap = raw

    def dead(self, place: int) -> bool:
        """Return whether the card at `place` is dead; a place outside the list is (deny unless allowed)."""
        byte = place >> 3
        return byte >= len(self._bitmap) or bool(self._bitmap[byte] >> (place & 7) & 1)
