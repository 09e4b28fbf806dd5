"""查询 (look-up): which item shows which sections of which business systems, and what a section is; pure.

Business system 业务系统 · section 信息项: a titled table of one system · entry: what an item shows ·
paper 打印文书: what may be printed of it · part: a section as it was answered, or why it was not.
"""

import datetime
import re
import unicodedata
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, NamedTuple, TypeAlias
from uuid import UUID

import msgspec

from ecard.cards.model import Profile
from ecard.catalogue.model import Line

Value: TypeAlias = str | int | None
Row: TypeAlias = Mapping[str, Value]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z_]*(?:\.[a-z][a-z_]*)?$")]

LONGEST_TEXT = 200
"""Characters of the longest text in a section."""
MOST_ROWS = 500
"""Rows of the longest section; a system with more gives the youngest."""
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


class ColumnKind(StrEnum):
    """What a column holds: a text, a day (YYYY-MM-DD), a month (YYYY-MM), money in 分, a count."""

    TEXT = "text"
    DATE = "date"
    MONTH = "month"
    MONEY = "money"
    COUNT = "count"


class RecordGap(StrEnum):
    """Why a section is missing."""

    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    MALFORMED = "malformed"
    NOT_CONNECTED = "not_connected"
    BUSY = "busy"


GAPS: Mapping[RecordGap, str] = {
    RecordGap.TIMEOUT: "业务系统未在限时内返回",
    RecordGap.UNAVAILABLE: "业务系统暂不可用",
    RecordGap.MALFORMED: "业务系统返回的数据不合规",
    RecordGap.NOT_CONNECTED: "业务系统尚未接入",
    RecordGap.BUSY: "业务系统繁忙",
}
"""What a document says of a gap."""


class Column(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A column of a section."""

    name: Name
    zh: Line
    en: Line
    kind: ColumnKind = ColumnKind.TEXT


class System(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A business system and the seconds that it is waited for."""

    name: Name
    zh: Line
    en: Line
    seconds: Annotated[float, msgspec.Meta(gt=0, le=10)]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of one system, which the first half of its name names; `key` tells two rows apart."""

    name: Name
    zh: Line
    en: Line
    key: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1)]
    columns: Annotated[tuple[Column, ...], msgspec.Meta(min_length=1, max_length=8)]

    @property
    def system(self) -> str:
        """The system that is asked for it."""
        return self.name.partition(".")[0]


class Paper(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is printed: its title, the sentence above its tables, and whether it may be issued with gaps.

    `facts` are what its verification code says beside the number: of a section, a column's value (the first row's).
    """

    title: Line
    text: Line
    gaps: bool
    facts: Annotated[tuple[str, ...], msgspec.Meta(max_length=3)] = ()


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an item of the catalogue shows."""

    code: Line
    sections: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1)]
    paper: Paper | None = None


class Person(NamedTuple):
    """Whom a system is asked about."""

    holder: UUID
    profile: Profile


class Part(msgspec.Struct, frozen=True):
    """A section as it was answered: its rows, or why there are none to be had."""

    section: str
    rows: tuple[dict[str, Value], ...] = ()
    reason: RecordGap | None = None


class Malformed(Exception):
    """A system's rows are not what its section says."""


def checked(section: Section, rows: Sequence[Row]) -> tuple[dict[str, Value], ...]:
    """Return the rows as the section has them, each once; raises Malformed.

    A system that answers twice gives the same rows twice: equal rows of one key are one. Two that differ are a fault.
    """
    kinds = {column.name: column.kind for column in section.columns}
    found: dict[tuple[Value, ...], dict[str, Value]] = {}
    for row in rows:
        if row.keys() != kinds.keys() or not all(_fits(kinds[name], value) for name, value in row.items()):
            raise Malformed
        key = tuple(row[name] for name in section.key)
        plain = {name: row[name] for name in kinds}
        if None in key or found.setdefault(key, plain) != plain:
            raise Malformed
    if len(found) > MOST_ROWS:
        raise Malformed
    return tuple(found.values())


def _fits(kind: ColumnKind, value: Value) -> bool:
    if value is None:
        return True
    match kind:
        case ColumnKind.MONEY:
            return type(value) is int
        case ColumnKind.COUNT:
            return type(value) is int and value >= 0
        case ColumnKind.MONTH:
            return isinstance(value, str) and _MONTH.fullmatch(value) is not None
        case ColumnKind.DATE:
            return isinstance(value, str) and _is_day(value)
        case ColumnKind.TEXT:
            return isinstance(value, str) and len(value) <= LONGEST_TEXT and not any(map(_unseen, value))


def _is_day(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _unseen(character: str) -> bool:
    """Whether a character is none that is seen: controls, and marks that turn the direction of what follows."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def said(kind: ColumnKind, value: Value) -> str:
    """Return a value as people read it: money in 元, nothing as a dash.

    >>> [said(ColumnKind.MONEY, cents) for cents in (123456789, -5)], said(ColumnKind.DATE, None)
    (['1,234,567.89', '-0.05'], '—')
    """
    if value is None or value == "":
        return "—"
    if kind is ColumnKind.MONEY:
        sign, cents = ("-", -int(value)) if int(value) < 0 else ("", int(value))
        return f"{sign}{cents // 100:,}.{cents % 100:02d}"
    return str(value)
