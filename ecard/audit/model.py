"""A row of the audit log as it is hashed, pure; the tree over the rows is `ecard.merkle`'s."""

from typing import NamedTuple

from ecard.merkle import Leaf, digest


class Row(NamedTuple):
    """One audit row, in the order that is hashed: fields cannot be reordered or deleted, only appended."""

    xid: int
    n: int
    at_us: int
    kind: str
    outcome: str
    actor: str | None
    card: int | None
    item: str | None
    detail: dict[str, object]


def leaf(row: Row) -> Leaf:
    """Return the leaf of `row`."""
    return Leaf(row.xid, row.n, digest(row))
