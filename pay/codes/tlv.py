"""Tag, length, value as EMVCo writes them: two digits, two digits, so many characters; and the checksum; pure.

EMV QR Code Specification for Payment Systems, Merchant-Presented Mode v1.1, §3 and §4.3.
"""

from collections.abc import Iterable

from pay.codes.errors import OrderCodeMalformed, OrderCodeTruncated

MAX_VALUE = 99
_HEAD = 4
_POLYNOMIAL = 0x1021
_INITIAL = 0xFFFF


def _row(byte: int) -> int:
    crc = byte << 8
    for _ in range(8):
        crc = (crc << 1 ^ (_POLYNOMIAL if crc & 0x8000 else 0)) & 0xFFFF
    return crc


_TABLE = tuple(_row(byte) for byte in range(256))


def crc16(data: bytes) -> int:
    """Return the CRC-16 of `data`: polynomial 0x1021, initial value 0xFFFF, nothing reflected (CCITT-FALSE).

    >>> hex(crc16(b"123456789"))
    '0x29b1'
    """
    crc = _INITIAL
    for byte in data:
        crc = (crc << 8 & 0xFFFF) ^ _TABLE[crc >> 8 ^ byte]
    return crc


def encode(objects: Iterable[tuple[str, str]]) -> str:
    """Return the data objects one after the other; ValueError for a value of none or more than 99 characters."""
    parts = []
    for tag, value in objects:
        if not 1 <= len(value) <= MAX_VALUE:
            msg = f"tag {tag}: a value has 1 to {MAX_VALUE} characters"
            raise ValueError(msg)
        parts.append(f"{tag}{len(value):02d}{value}")
    return "".join(parts)


def decode(text: str) -> dict[str, str]:
    """Return the values by tag, in the order of the text.

    Raises OrderCodeMalformed (no digits where they must be, nothing in a value, a tag twice) or
    OrderCodeTruncated (the text ends within an object).
    """
    found: dict[str, str] = {}
    place = 0
    while place < len(text):
        head = text[place : place + _HEAD]
        if not (head.isascii() and head.isdecimal()):
            raise OrderCodeMalformed
        if len(head) < _HEAD:
            raise OrderCodeTruncated
        tag, length = head[:2], int(head[2:])
        value = text[place + _HEAD : place + _HEAD + length]
        if tag in found or not length:
            raise OrderCodeMalformed
        if len(value) < length:
            raise OrderCodeTruncated
        found[tag] = value
        place += _HEAD + length
    return found
