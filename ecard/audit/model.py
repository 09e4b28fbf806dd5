"""Leaves and roots of the audit log (RFC 9162 §2.1), pure.

Writers only append and never wait for each other. A sealer later takes all rows of a range of
transaction ids that can no longer grow, computes a Merkle root over them, and signs the root together
with the hash of the seal before it: to change, remove or add a row, one would have to forge a seal.
The leaves stay beside the seal, so that a broken row can be named and not only its period.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

import msgspec

HASH = 32
_PLACE = 16
LEAF_BYTES = _PLACE + HASH
EMPTY_ROOT = sha256(b"").digest()


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


class Leaf(NamedTuple):
    """A row's place in the log and the hash of its content."""

    xid: int
    n: int
    digest: bytes


def leaf(row: Row) -> Leaf:
    """Return the leaf of `row`: SHA-256 over 0x00 and its canonical JSON."""
    return Leaf(row.xid, row.n, sha256(b"\x00" + msgspec.json.encode(list(row), order="sorted")).digest())


def root(digests: Sequence[bytes]) -> bytes:
    """Return the Merkle tree head of the leaf hashes; of none, the hash of the empty string."""
    if not digests:
        return EMPTY_ROOT
    level = list(digests)
    while len(level) > 1:
        # An odd last node moves up unchanged: the same tree as RFC 9162's split at a power of two.
        paired = [sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = paired + level[len(paired) * 2 :]
    return level[0]


def pack(leaves: Iterable[Leaf]) -> bytes:
    """Return leaves as stored beside a seal, 48 bytes each."""
    return b"".join(one.xid.to_bytes(8) + one.n.to_bytes(8) + one.digest for one in leaves)


def unpack(packed: bytes) -> list[Leaf]:
    """Return the leaves of a seal; ValueError when the bytes are not whole leaves."""
    if len(packed) % LEAF_BYTES:
        msg = "not whole leaves"
        raise ValueError(msg)
    starts = range(0, len(packed), LEAF_BYTES)
    return [
        Leaf(int.from_bytes(packed[i : i + 8]), int.from_bytes(packed[i + 8 : i + 16]), packed[i + 16 : i + LEAF_BYTES])
        for i in starts
    ]


class Break(NamedTuple):
    """The first place where the log is not what was sealed."""

    seal: int
    fault: str
    xid: int | None = None
    n: int | None = None


def first_difference(seal: int, sealed: Sequence[Leaf], found: Sequence[Leaf]) -> Break | None:
    """Return the first row that was altered, removed or added after sealing; None when all is as it was."""
    wanted = {(one.xid, one.n): one.digest for one in sealed}
    present = {(one.xid, one.n): one.digest for one in found}
    for place in sorted(wanted.keys() | present.keys()):
        if place not in present:
            return Break(seal, "removed", *place)
        if place not in wanted:
            return Break(seal, "added", *place)
        if wanted[place] != present[place]:
            return Break(seal, "altered", *place)
    return None
