"""Reads the data files, strictly: a wrong row stops the program at start, naming file, row and field.

One file per annex and one of flows. Which keys a row has is decided by its annex; what a value may be,
by the types of `Item`, so neither is written twice.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ecard.catalogue.errors import BadRow
from ecard.catalogue.model import Annex, Catalogue, Flow, FlowEntry, Item, Scene

DATA = Path(os.environ.get("ECARD_CATALOGUE_DIR") or Path(__file__).parent / "data")
"""Where the catalogue stands: the package's own, or a bureau's that has rows of its own."""

_SOURCE_KEYS: Mapping[Annex, tuple[str, ...]] = {
    1: ("description", "domain", "function"),
    2: ("description", "agencies", "function"),
    3: ("business", "group", "mandatory", "route", "delegated"),
}
_KEYS = ("code", "title", "forms", "flow", "fields", "purpose", "level", "strength", "proximity")
_SCENES = {scene.name.lower(): scene for scene in Scene}


class _Row(NamedTuple):
    """A row as it stands in the file, and where it stands."""

    file: str
    number: int
    values: dict[str, Any]


def load(directory: Path = DATA) -> Catalogue:
    """Return the catalogue of `directory`, the package's own by default.

    Raises BadRow for a file that cannot be read and for any row that is not exactly right.
    """
    flows = _flows(directory / "flows.toml")
    scenes = {entry.name: entry.scene for entry in flows}
    items: list[Item] = []
    for annex in _SOURCE_KEYS:
        items += _items(directory / f"annex{annex}.toml", annex, scenes)
    return Catalogue(items=tuple(items), flows=flows)


def _items(path: Path, annex: Annex, scenes: Mapping[Flow, Scene]) -> list[Item]:
    kinds = {field.name: field.type for field in msgspec.structs.fields(Item)}
    kinds = {key: kinds[key] for key in (*_KEYS, *_SOURCE_KEYS[annex])}
    items: list[Item] = []
    for row in _rows(path, "item"):
        values = _decoded(row, kinds)
        if any(values["code"] == item.code for item in items):
            raise _bad(row, "code", "编号重复 (duplicate code)")
        # The position is the number, so that a row lost from the middle cannot go unseen.
        if values["code"] != f"A{annex}-{row.number:02}":
            raise _bad(row, "code", f"编号应为 (expected) A{annex}-{row.number:02}")
        items.append(Item(annex=annex, no=row.number, scene=scenes[values["flow"]], **values))
    return items


def _flows(path: Path) -> tuple[FlowEntry, ...]:
    kinds = {field.name: field.type for field in msgspec.structs.fields(FlowEntry)}
    flows: dict[Flow, FlowEntry] = {}
    for row in _rows(path, "flow"):
        # People write the scene's name; the byte is the code's business.
        if "scene" in row.values:
            scene = _SCENES.get(str(row.values["scene"]))
            if scene is None:
                raise _bad(row, "scene", f"应为 (expected) {' | '.join(_SCENES)}")
            row.values["scene"] = scene
        entry = FlowEntry(**_decoded(row, kinds))
        if entry.name in flows:
            raise _bad(row, "name", "流程重复 (duplicate flow)")
        flows[entry.name] = entry
    for flow in Flow:
        if flow not in flows:
            raise BadRow(path.name, f"缺少流程 (missing flow) {flow}", field="name")
    return tuple(flows.values())


def _rows(path: Path, table: str) -> list[_Row]:
    """Return the ``[[table]]`` rows of a TOML file, counted from 1; the file may hold nothing else."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadRow(path.name, f"无法读取 (cannot be read): {error}") from error
    for key in document:
        if key != table:
            raise BadRow(path.name, "未知的表或键 (unknown table or key)", field=key)
    try:
        rows = msgspec.convert(document.get(table), list[dict[str, Any]])
    except msgspec.ValidationError as error:
        raise BadRow(path.name, f"应由 (must consist of) [[{table}]] 组成: {error}", field=table) from error
    return [_Row(path.name, number, values) for number, values in enumerate(rows, start=1)]


def _decoded(row: _Row, kinds: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row's values as `kinds` has them: no key more, none less, each of its type, no repetition."""
    for key in row.values:
        if key not in kinds:
            raise _bad(row, key, "此表没有该字段 (unknown key here)")
    decoded: dict[str, Any] = {}
    for key, kind in kinds.items():
        if key not in row.values:
            raise _bad(row, key, "缺少该字段 (missing)")
        try:
            value = msgspec.convert(row.values[key], kind)
        except msgspec.ValidationError as error:
            raise _bad(row, key, f"取值不符合要求 (not allowed): {error}") from error
        if isinstance(value, tuple) and len(set(value)) < len(value):
            raise _bad(row, key, "列表中有重复项 (repeated)")
        decoded[key] = value
    return decoded


def _bad(row: _Row, field: str, why: str) -> BadRow:
    code = row.values.get("code")
    return BadRow(row.file, why, row=row.number, code=code if isinstance(code, str) else None, field=field)
