"""Reads the data files, strictly: a wrong row stops the program at start, naming file, row and field.

A new item is a row of `items.toml` (none is needed where what every item shows is enough), a new table of a system is
one of `sections.toml`: neither needs Python.
"""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import msgspec

from ecard.catalogue.errors import BadRow
from ecard.catalogue.model import Catalogue, Flow
from ecard.records.model import Entry, Section, System

DATA = Path(__file__).parent / "data"
T = TypeVar("T")


class _Sections(msgspec.Struct, forbid_unknown_fields=True):
    system: list[System]
    section: list[Section]


class _Items(msgspec.Struct, forbid_unknown_fields=True):
    otherwise: list[str]
    item: list[Entry]


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Systems and sections by name, entries by item; `otherwise` is what an item without a row shows."""

    systems: dict[str, System]
    sections: dict[str, Section]
    entries: dict[str, Entry]
    otherwise: tuple[str, ...]

    def entry(self, item: str) -> Entry:
        """Return what an item of the flow `query` shows."""
        return self.entries.get(item) or Entry(code=item, sections=self.otherwise)


def load_layout(catalogue: Catalogue, directory: Path = DATA) -> Layout:
    """Return the layout of `directory`, the package's own by default.

    Raises BadRow for a file that cannot be read, a row that is not exactly right, a section of no system, and an entry
    for an item that is not of the flow `query` or names what is not there.
    """
    tables = _read(directory / "sections.toml", _Sections)
    items = _read(directory / "items.toml", _Items)
    systems = _named("sections.toml", ((one.name, one) for one in tables.system))
    sections = _named("sections.toml", ((one.name, one) for one in tables.section))
    entries = _named("items.toml", ((one.code, one) for one in items.item))
    for section in sections.values():
        names = [column.name for column in section.columns]
        if section.system not in systems or not set(section.key) <= set(names) or len(set(names)) < len(names):
            raise BadRow("sections.toml", "信息项不完整 (no such system, or columns)", code=section.name)
    queries = {one.code for one in catalogue.items if one.flow is Flow.QUERY}
    for entry in entries.values():
        if entry.code not in queries:
            raise BadRow("items.toml", "不是查询类事项 (not an item of the flow query)", code=entry.code)
        _check(entry, sections)
    _check(Entry(code="otherwise", sections=tuple(items.otherwise)), sections)
    return Layout(systems=systems, sections=sections, entries=entries, otherwise=tuple(items.otherwise))


def _check(entry: Entry, sections: dict[str, Section]) -> None:
    facts = [fact.rpartition(".") for fact in entry.paper.facts] if entry.paper else []
    named = {*entry.sections, *(section for section, _, _ in facts)}
    if len(set(entry.sections)) < len(entry.sections) or not named <= sections.keys():
        raise BadRow("items.toml", "没有该信息项, 或重复 (no such section, or repeated)", code=entry.code)
    for section, _, column in facts:
        if section not in entry.sections or column not in {one.name for one in sections[section].columns}:
            raise BadRow("items.toml", "没有该列 (no such column)", code=entry.code, field="facts")


def _read(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), kind)
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise BadRow(path.name, f"无法读取 (cannot be read): {error}") from error


def _named(file: str, rows: Iterable[tuple[str, T]]) -> dict[str, T]:
    found: dict[str, T] = {}
    for name, row in rows:
        if name in found:
            raise BadRow(file, "名称重复 (duplicate name)", code=name)
        found[name] = row
    return found
