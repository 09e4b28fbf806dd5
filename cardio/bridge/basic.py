"""What the classic dialect calls 基本信息: the line of a card's own words, as counter software of the field takes it.

    发卡地区|社会保障号码|卡号|卡识别码|姓名|ATR历史字节|规范版本|发卡日期|卡有效期|终端机编号|终端设备号|

Nothing in it is proven: the card is not asked to authenticate itself, and no key is used. Of a card that gives
number and name only to who proves a key (version 3.0), these two are empty.
"""

import datetime
from typing import NamedTuple

from cardio import reading
from cardio.errors import BadAnswer, Refused
from cardio.reading import Holder, Recognised
from cardio.script import run
from cardio.transport.reader import Reader

_HIGH = 4
_COUNT = 0x0F


class Basic(NamedTuple):
    """A card's own words."""

    seen: Recognised
    holder: Holder | None
    atr: bytes

    def line(self, terminal: str, device: str) -> str:
        """Return the eleven values, each followed by a bar; raises BadAnswer where one has a bar in it."""
        seen, holder = self.seen, self.holder
        values = [
            seen.region,
            holder.number if holder else "",
            seen.card_no,
            seen.card_id.hex().upper(),
            holder.name if holder else "",
            historical(self.atr).hex().upper(),
            seen.version,
            _digits(seen.issued),
            _digits(seen.expires),
            terminal,
            device,
        ]
        if any("|" in value for value in values):
            raise BadAnswer
        return "".join(f"{value}|" for value in values)


def read_basic(card: Reader) -> Basic:
    """Read what a card gives freely; blocks; raises CardError."""
    seen = run(reading.recognise(), card)
    try:
        holder = None if seen.profile.holder_needs_key else run(reading.holder(seen), card)
    except Refused:
        holder = None
    return Basic(seen, holder, card.atr)


def read_pan(card: Reader) -> str:
    """Read the account number of the card's bank application; blocks; raises CardError."""
    return run(reading.pan(), card)


def historical(atr: bytes) -> bytes:
    """Return an ATR's historical bytes (ISO/IEC 7816-3 §8.2), as many as there are.

    >>> historical(bytes.fromhex("3B6D00000090543186600000000000001C")).hex()
    '0090543186600000000000001c'
    """
    if len(atr) < 2:  # noqa: PLR2004 - TS and T0
        return b""
    at, present = 2, atr[1] >> _HIGH
    while present:
        more = present & 0x08
        at += present.bit_count()
        present = atr[at - 1] >> _HIGH if more and at <= len(atr) else 0
    return atr[at : at + (atr[1] & _COUNT)]


def _digits(day: datetime.date | None) -> str:
    return day.strftime("%Y%m%d") if day else ""
