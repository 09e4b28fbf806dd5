"""The layouts of day files 对账文件: how each cuts its lines into fields. What the fields may say is one rule for all.

`ecard-day-1`: UTF-8, LF, fields between `|`.

    H|ecard-day-1|<bank>|<day YYYYMMDD>|CNY
    D|<n>|<kind>|<reference>|<original reference>|<amount 分>|<direction D or C>|<account's last four>|<time, ISO 8601>
    T|<number of D lines>|<sum of D>|<sum of C>

`fixed-gb18030-1`: GB18030, CRLF or LF, columns counted in bytes and filled with blanks, as core banking systems write
them; the same records, times as YYYYMMDDhhmmss by Beijing, and in D a remark of 40 bytes at the end.
"""

import datetime
import re
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, NamedTuple

from pay.reconciliation.model import BEIJING, MOST_AMOUNT, Bad, Header, HeaderWrong, Kind, Line, Reason

_LONGEST = 1024
"""Bytes of the longest line; no record needs a quarter of it."""
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DIGITS = re.compile(r"[0-9]{1,14}")
_DAY = re.compile(r"[0-9]{8}")
_KINDS = {kind.value: kind for kind in Kind}
_SIGNS = {"D": 1, "C": -1}
"""What debits the account that the line is about is money taken for us."""
_WRONG_SIGN = {(Kind.PAY, -1), (Kind.REFUND, 1)}
_D, _T = 9, 4
"""Fields of each record."""


class Layout(NamedTuple):
    """How a layout cuts a line (without its end) into fields, and writes times; ValueError for what is none."""

    cut: Callable[[bytes], list[str]]
    time: Callable[[str], datetime.datetime]


def _piped(line: bytes) -> list[str]:
    return line.decode("utf-8").split("|")


def _iso(text: str) -> datetime.datetime:
    at = datetime.datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError
    return at.astimezone(datetime.UTC)


_COLUMNS = {
    b"H": (1, 16, 16, 8, 3),
    b"D": (1, 10, 8, 64, 64, 14, 1, 4, 14, 40),
    b"T": (1, 10, 16, 16),
}


def _fixed(line: bytes) -> list[str]:
    widths = _COLUMNS.get(line[:1])
    if widths is None or len(line) != sum(widths):
        raise ValueError
    fields, at = [], 0
    for width in widths:
        fields.append(line[at : at + width].decode("gb18030").strip(" "))
        at += width
    return fields[:_D]


def _beijing(text: str) -> datetime.datetime:
    if len(text) != len("YYYYMMDDhhmmss") or not text.isascii():
        raise ValueError
    at = datetime.datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
    return at.astimezone(datetime.UTC)


LAYOUTS: Mapping[str, Layout] = {
    "ecard-day-1": Layout(_piped, _iso),
    "fixed-gb18030-1": Layout(_fixed, _beijing),
}
"""By the name in a bank's registration and in the file's first line; a new layout is one line here."""


class DayFile:
    """One file being read: its header at once, then its lines, good and bad, as they come."""

    def __init__(self, file: BinaryIO, layout: str) -> None:
        """Take an open file; raises HeaderWrong when it is not of this layout."""
        self._file = file
        self._layout = LAYOUTS[layout]
        self.header = self._header(layout)
        self.place = 1
        """The line that was read last."""
        self.lines = 0
        """D records so far, good or bad."""
        self.whole = True
        """Whether all lines so far were good; at the end, whether the trailer agrees, too."""
        self._next = 1
        self._sums = {1: 0, -1: 0}
        self._ended = False

    def _header(self, layout: str) -> Header:
        try:
            record, named, bank, day, unit = self._layout.cut(self._bare(self._file.readline(_LONGEST)))
            begun = datetime.datetime.strptime(day, "%Y%m%d").replace(tzinfo=BEIJING).date()
        except ValueError:
            raise HeaderWrong from None
        if (record, named, unit) != ("H", layout, "CNY") or not _DAY.fullmatch(day):
            raise HeaderWrong
        return Header(bank, begun)

    def __iter__(self) -> Iterator[Line | Bad]:
        """Yield each D record that is believed, and of each line that is not, why."""
        while raw := self._file.readline(_LONGEST):
            self.place += 1
            try:
                yield from self._read(raw)
            except _Wrong as wrong:
                yield self._bad(wrong.reason)
        if not self._ended:
            self.place += 1
            yield self._bad(Reason.TRAILER)

    def _read(self, raw: bytes) -> Iterator[Line | Bad]:
        if len(raw) == _LONGEST and not raw.endswith(b"\n"):
            self._skip()
            raise _Wrong(Reason.TOO_LONG)
        if self._ended:
            raise _Wrong(Reason.AFTER_TRAILER)
        try:
            fields = self._layout.cut(self._bare(raw))
        except UnicodeDecodeError:
            raise _Wrong(Reason.ENCODING) from None
        except ValueError:
            raise _Wrong(Reason.FIELDS) from None
        match fields[0]:
            case "D":
                self.lines += 1
                line = self._detail(fields)
                if line.n != self._next:
                    yield self._bad(Reason.SEQUENCE)
                self._next = line.n + 1
                yield line
            case "T":
                self._ended = True
                yield from self._trailer(fields)
            case _:
                raise _Wrong(Reason.RECORD)

    def _detail(self, fields: list[str]) -> Line:
        if len(fields) != _D:
            raise _Wrong(Reason.FIELDS)
        _, n, kind, ref, of, amount, direction, _, at = fields
        if not _DIGITS.fullmatch(n) or int(n) >= 2**31:
            raise _Wrong(Reason.NUMBER)
        known, sign = _KINDS.get(kind), _SIGNS.get(direction)
        if known is None:
            raise _Wrong(Reason.KIND)
        if not _REFERENCE.fullmatch(ref) or (of and not _REFERENCE.fullmatch(of)):
            raise _Wrong(Reason.REFERENCE)
        if not _DIGITS.fullmatch(amount) or not 0 < int(amount) <= MOST_AMOUNT:
            raise _Wrong(Reason.AMOUNT)
        if sign is None or (known, sign) in _WRONG_SIGN:
            raise _Wrong(Reason.DIRECTION)
        try:
            when = self._layout.time(at)
        except (ValueError, OverflowError):
            raise _Wrong(Reason.TIME) from None
        self._sums[sign] += int(amount)
        return Line(int(n), known, ref, of or None, sign * int(amount), when)

    def _trailer(self, fields: list[str]) -> Iterator[Bad]:
        if len(fields) != _T or not all(one.isascii() and one.isdecimal() for one in fields[1:]):
            raise _Wrong(Reason.TRAILER)
        lines, debits, credits_ = (int(one) for one in fields[1:])
        if lines != self.lines:
            yield self._bad(Reason.TRAILER_COUNT)
        if (debits, credits_) != (self._sums[1], self._sums[-1]):
            yield self._bad(Reason.TRAILER_SUM)

    def _bad(self, reason: Reason) -> Bad:
        self.whole = False
        return Bad(self.place, reason)

    def _skip(self) -> None:
        """Read on to the end of a line that is too long."""
        while (rest := self._file.readline(_LONGEST)) and not rest.endswith(b"\n"):
            pass

    @staticmethod
    def _bare(raw: bytes) -> bytes:
        return raw.removesuffix(b"\n").removesuffix(b"\r")


class _Wrong(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason
