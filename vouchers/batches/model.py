"""批次 (batch): its states, and the list of people that a pushed one comes with; pure.

The list is CSV: a name and a resident number a line, in that order, a first line with headings or none. Every line
that is not believed is named by its place and why; nothing of what it says is repeated.
"""

import csv
import datetime
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from ecard.numbers import resident_id
from ecard.numbers.errors import BadNumber
from ecard.texts import shows

MOST = 1_000_000
"""Vouchers of one batch."""
_COLUMNS = 2
_LONGEST_NAME = 64
_HEADINGS = frozenset({"姓名", "name"})


class BatchState(StrEnum):
    """草稿 (its people are still listed), 发放中, 已发放, 作废中, 已作废."""

    DRAFT = "draft"
    ISSUING = "issuing"
    ISSUED = "issued"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


class Fault(StrEnum):
    """Why a line gives nobody a voucher.

    Not two columns; no name; no resident number; nobody registered of this number and name; a second line of one
    person; somebody who had as many of the programme as one may have when the batch was issued.
    """

    COLUMNS = "columns"
    NAME = "name"
    ID_NO = "id_no"
    NOT_REGISTERED = "not_registered"
    TWICE = "twice"
    HAS_ONE = "has_one"


class Named(NamedTuple):
    """A person of the list, at a place of it (from 1)."""

    place: int
    name: str
    id_no: str

    def __repr__(self) -> str:
        """Return the place alone: who it is belongs in no log."""
        return f"Named({self.place}, …)"


class Bad(NamedTuple):
    """A line that was not believed."""

    place: int
    fault: Fault


def decoded(content: bytes) -> str:
    """Return a file's text: UTF-8, with or without its mark, else GB 18030, as spreadsheets write; ValueError."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030")


def people(text: str, today: datetime.date, first: int = 1) -> Iterator[Named | Bad]:
    """Yield what each line of `text` says, whose first line stands at place `first` of the list.

    >>> [*people("姓名,身份号码\\n测试甲,1\\n\\n测试乙", datetime.date(2026, 1, 5))]
    [Bad(place=2, fault=<Fault.ID_NO: 'id_no'>), Bad(place=4, fault=<Fault.COLUMNS: 'columns'>)]
    """
    for place, line in enumerate(text.splitlines(), first):
        columns = [cell.strip() for cell in next(csv.reader([line]), [])]
        if not any(columns) or (place == 1 and columns[0] in _HEADINGS):
            continue
        yield _read(place, columns, today)


def _read(place: int, columns: list[str], today: datetime.date) -> Named | Bad:
    if len(columns) != _COLUMNS:
        return Bad(place, Fault.COLUMNS)
    name, id_no = columns
    if not name or len(name) > _LONGEST_NAME or not shows(name):
        return Bad(place, Fault.NAME)
    try:
        return Named(place, name, resident_id.validate(id_no, today))
    except BadNumber:
        return Bad(place, Fault.ID_NO)
