"""The JSON of look-ups and documents."""

from typing import Literal
from uuid import UUID

import msgspec

from ecard.catalogue.model import Field
from ecard.records.model import ColumnKind, RecordGap, Value


class RecordLookupRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Look up what the item of this visit shows."""

    visit: UUID


class RecordColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column: its name in the rows, its titles, and what it holds (money is 分)."""

    name: str
    zh: str
    en: str
    kind: ColumnKind


class RecordSection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A table of one system: `ok` with rows, `empty` where nothing is on record, `missing` for a `reason`."""

    section: str
    zh: str
    en: str
    system: str
    state: Literal["ok", "empty", "missing"]
    reason: RecordGap | None = None
    columns: tuple[RecordColumn, ...]
    rows: tuple[dict[str, Value], ...]


class RecordLookup(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, at a time (Unix seconds); `complete` is false where a system did not answer.

    Such a look-up may be asked again in the same visit: only what is missing is asked for.
    """

    visit: UUID
    item: str
    title: str
    at: int
    holder: dict[Field, str]
    complete: bool
    printable: bool
    sections: tuple[RecordSection, ...]
