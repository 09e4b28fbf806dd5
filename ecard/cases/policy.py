"""Reads policy.toml, strictly: what it says of an item that is not there stops the program at start."""

import tomllib
from functools import cache
from pathlib import Path

import msgspec

from ecard.cases.model import Policy
from ecard.catalogue.errors import BadRow
from ecard.catalogue.load import load
from ecard.catalogue.model import Catalogue, Flow, Route

DATA = Path(__file__).parent / "policy.toml"


@cache
def policy() -> Policy:
    """Return the package's policy, checked against the package's catalogue; raises BadRow."""
    return read(DATA, load())


def read(path: Path, catalogue: Catalogue) -> Policy:
    """Return the policy of a file; raises BadRow where it is not exactly right for `catalogue`."""
    try:
        found = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Policy)
    except (OSError, ValueError) as error:  # msgspec's ValidationError is a ValueError
        raise BadRow(path.name, f"无法读取 (cannot be read): {error}") from error
    if missing := set(Route) - found.routes.keys():
        raise BadRow(path.name, f"缺少办件类型 (missing route) {min(missing)}", field="routes")
    known = {item.code: item for item in catalogue.items}
    tables = {
        "items": {*found.items},
        "fallback": {*found.fallback, *found.fallback.values()},
        "materials": {*found.materials},
        "effects": {*found.effects},
        "acts": {*found.acts},
    }
    for table, codes in tables.items():
        if strange := codes - known.keys():
            raise BadRow(path.name, f"目录中没有该事项 (no such item) {min(strange)}", field=table)
    for item in catalogue.items:
        if (item.flow is Flow.MANAGE) != (item.code in found.acts):
            raise BadRow(
                path.name, f"{item.code}: manage 事项须列出 (manage items, and no other, list) acts", field="acts"
            )
        if item.flow is Flow.APPLY and found.rule(item) is None:
            raise BadRow(path.name, f"{item.code}: 缺少办件类型 (no route)", field="flows")
    return found
