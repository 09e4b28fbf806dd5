"""Data objects: the card's own (one byte of tag, one of length), and BER-TLV where cards describe themselves.

Both come from a card that may be broken or hostile, so each length is checked against what is there.

>>> decode(0x09, bytes.fromhex("0902C1F5"))
b'\\xc1\\xf5'
>>> encode(0x09, b"ab").hex()
'09026162'
"""

from collections.abc import Iterator
from typing import NamedTuple

from cardio.errors import BadAnswer, ValueUnfit

MAX_VALUE = 253
"""Bytes of the longest value that fits into one record of 255."""
_DEPTH = 6
_MORE_TAG, _CONSTRUCTED, _TAG_MASK, _LONG = 0x80, 0x20, 0x1F, 0x80


def decode(tag: int, record: bytes) -> bytes:
    """Return the value of a record, tag, length and value; raises BadAnswer unless it is exactly that."""
    if len(record) < 2 or record[0] != tag or record[1] != len(record) - 2:  # noqa: PLR2004 - tag and length
        raise BadAnswer
    return record[2:]


def encode(tag: int, value: bytes) -> bytes:
    """Return the record of a value; raises ValueUnfit where it is too long."""
    if len(value) > MAX_VALUE:
        raise ValueUnfit
    return bytes((tag, len(value))) + value


class Object(NamedTuple):
    """A BER-TLV data object (ISO/IEC 7816-4 §5.2.2)."""

    tag: int
    value: bytes

    @property
    def constructed(self) -> bool:
        """Whether its value is data objects again."""
        first = self.tag >> 8 * ((self.tag.bit_length() - 1) // 8) if self.tag else 0
        return bool(first & _CONSTRUCTED)


def objects(raw: bytes) -> Iterator[Object]:
    """Yield the data objects that `raw` consists of; raises BadAnswer."""
    at = 0
    while at < len(raw):
        if raw[at] in {0x00, 0xFF}:
            at += 1  # filling between objects
            continue
        tag, at = _tag(raw, at)
        length, at = _length(raw, at)
        if at + length > len(raw):
            raise BadAnswer
        yield Object(tag, raw[at : at + length])
        at += length


def find(raw: bytes, tag: int, *, depth: int = _DEPTH) -> bytes | None:
    """Return the value of the first object of this tag, wherever it is nested; None if there is none."""
    for one in objects(raw):
        if one.tag == tag:
            return one.value
        if one.constructed and depth:
            inner = find(one.value, tag, depth=depth - 1)
            if inner is not None:
                return inner
    return None


def _tag(raw: bytes, at: int) -> tuple[int, int]:
    tag = raw[at]
    at += 1
    if tag & _TAG_MASK == _TAG_MASK:
        for _ in range(2):
            if at >= len(raw):
                raise BadAnswer
            tag, at = tag << 8 | raw[at], at + 1
            if not tag & _MORE_TAG:
                return tag, at
        raise BadAnswer
    return tag, at


def _length(raw: bytes, at: int) -> tuple[int, int]:
    if at >= len(raw):
        raise BadAnswer
    first = raw[at]
    at += 1
    if first < _LONG:
        return first, at
    count = first & 0x7F
    if not 1 <= count <= 2 or at + count > len(raw):  # noqa: PLR2004 - no card's answer has more than 65535 bytes
        raise BadAnswer
    return int.from_bytes(raw[at : at + count]), at + count
