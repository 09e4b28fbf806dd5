"""Kinds of fields: what `encode` writes, `decode` reads (LD/T 32.6-2015, padding as seen in terminals).

| kind | value | on the card |
| --- | --- | --- |
| `AN` | text | GB18030 (ASCII is part of it), left-aligned, filled with 00 |
| `CN` | digits | packed BCD, left-aligned, filled with F |
| `DATE` | YYYYMMDD, or empty | packed BCD, 4 bytes; 00000000 or FFFFFFFF where there is none |
| `TIME` | YYYYMMDDhhmmss | packed BCD, 7 bytes |
| `MONEY` | 分, a whole number as text | packed BCD, 6 bytes, right-aligned |
| `HEX` | hexadecimal digits | the bytes |

Values are text throughout, so that a table of fields is a table of texts.
"""

import datetime
import unicodedata
from enum import Enum

from cardio.errors import BadAnswer, ValueUnfit

_FILL = frozenset({0x00, 0xFF, 0x20})
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Cs", "Zl", "Zp"})
"""What no text on a card has; characters of private use stay, since rare ones of old names are among them."""
MAX_FEN = 10**12 - 1
"""分 that fit into 6 bytes of BCD."""


class Kind(Enum):
    """How a field's bytes are to be read."""

    AN = "an"
    CN = "cn"
    DATE = "date"
    TIME = "time"
    MONEY = "money"
    HEX = "b"


def decode(kind: Kind, raw: bytes) -> str:
    """Return a field's value; raises BadAnswer where the bytes are no value of this kind."""
    match kind:
        case Kind.HEX:
            return raw.hex().upper()
        case Kind.AN:
            return _text(raw)
        case Kind.CN:
            return _digits(raw)
        case Kind.DATE:
            return "" if _blank(raw) else _date(_digits(raw))
        case Kind.TIME:
            return "" if _blank(raw) else _time(_digits(raw))
        case Kind.MONEY:
            digits = raw.hex()
            if not digits.isdecimal():
                raise BadAnswer
            return str(int(digits))


def encode(kind: Kind, value: str, length: int) -> bytes:
    """Return the bytes of a value, `length` of them; raises ValueUnfit where it is none of this kind or too long."""
    try:
        return _encode(kind, value, length)
    except (ValueError, BadAnswer):
        raise ValueUnfit from None


def _encode(kind: Kind, value: str, length: int) -> bytes:
    match kind:
        case Kind.HEX:
            raw = bytes.fromhex(value)
            if len(raw) != length:
                raise ValueUnfit
            return raw
        case Kind.AN:
            return _filled(_encoded(value), length, b"\x00")
        case Kind.MONEY:
            if not (value.isascii() and value.isdigit()) or int(value) > MAX_FEN:
                raise ValueUnfit
            return bytes.fromhex(value.rjust(2 * length, "0")[-2 * length :])
        case Kind.DATE:
            return bytes(length) if not value else bytes.fromhex(_date(value))
        case Kind.TIME:
            return bytes(length) if not value else bytes.fromhex(_time(value))
        case Kind.CN:
            if value and not (value.isascii() and value.isdigit()):
                raise ValueUnfit
            return _filled(bytes.fromhex(value + "F" * (len(value) % 2)), length, b"\xff")


def _encoded(value: str) -> bytes:
    raw = value.encode("gb18030")
    # What comes back must be what was written: no filling at the end, no control inside.
    if _text(raw) != value:
        raise ValueUnfit
    return raw


def _filled(raw: bytes, length: int, fill: bytes) -> bytes:
    if len(raw) > length:
        raise ValueUnfit
    return raw.ljust(length, fill)


def _blank(raw: bytes) -> bool:
    return set(raw) <= _FILL


def _text(raw: bytes) -> str:
    if _blank(raw):
        return ""
    try:
        text = raw.rstrip(b"\x00\xff\x20").decode("gb18030")
    except UnicodeDecodeError:
        raise BadAnswer from None
    if any(unicodedata.category(one) in _UNSEEN for one in text):
        raise BadAnswer
    return text


def _digits(raw: bytes) -> str:
    digits = raw.hex().upper().rstrip("F")
    if digits and not digits.isdecimal():
        raise BadAnswer
    return digits


def _date(digits: str) -> str:
    try:
        datetime.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        raise BadAnswer from None
    if len(digits) != 8:  # noqa: PLR2004 - YYYYMMDD
        raise BadAnswer
    return digits


def _time(digits: str) -> str:
    _date(digits[:8])
    try:
        datetime.time(int(digits[8:10]), int(digits[10:12]), int(digits[12:]))
    except ValueError:
        raise BadAnswer from None
    if len(digits) != 14:  # noqa: PLR2004 - YYYYMMDDhhmmss
        raise BadAnswer
    return digits
