"""Merkle trees of logs (RFC 9162 §2.1), pure: leaves, roots, proofs that a leaf is in a tree.

Writers only append and never wait for each other. A sealer later takes all rows of a range of
transaction ids that can no longer grow, computes a root over them, and signs it together with the hash
of the seal before it (`ecard.seals`): to change, remove or add a row, one would have to forge a seal.
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


class Leaf(NamedTuple):
    """A row's place in its log (transaction, number) and the hash of its content."""

    xid: int
    n: int
    digest: bytes


def digest(content: Sequence[object]) -> bytes:
    """Return the leaf hash of a row: SHA-256 over 0x00 and its canonical JSON."""
    return sha256(b"\x00" + msgspec.json.encode(list(content), order="sorted")).digest()


def root(digests: Sequence[bytes]) -> bytes:
    """Return the Merkle tree head of the leaf hashes; of none, the hash of the empty string."""
    if not digests:
        return EMPTY_ROOT
    level = list(digests)
    while len(level) > 1:
        level = _above(level)
    return level[0]


def path(digests: Sequence[bytes], index: int) -> list[bytes]:
    """Return the inclusion proof of the leaf at `index`, from the bottom up (RFC 9162 §2.1.3.1)."""
    found, level = [], list(digests)
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            found.append(level[beside])
        level, index = _above(level), index >> 1
    return found


def root_of(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """Return the root that a leaf and its proof lead to; None when the proof has not the length of that place.

    A node without a neighbour at its level moves up as it is, and its proof has nothing for that level
    (RFC 9162 §2.1.3.2).
    """
    if not 0 <= index < size:
        return None
    found, rest = leaf, iter(proof)
    while size > 1:
        if index ^ 1 < size:
            beside = next(rest, None)
            if beside is None:
                return None
            found = _node(beside, found) if index & 1 else _node(found, beside)
        index, size = index >> 1, (size + 1) >> 1
    return found if next(rest, None) is None else None


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
    """The first place where a log is not what was sealed."""

    seal: int
    fault: str
    xid: int | None = None
    n: int | None = None


def first_difference(seal: int, sealed: Sequence[Leaf], found: Sequence[Leaf]) -> Break | None:
    """Return the first row that was altered, removed or added after sealing; None when all is as it was."""
    wanted = {(one.xid, one.n): one.digest for one in sealed}
    present = {(one.xid, one.n): one.digest for one in found}
    if wanted == present:
        return None
    for place in sorted(wanted.keys() | present.keys()):
        if place not in present:
            return Break(seal, "removed", *place)
        if place not in wanted:
            return Break(seal, "added", *place)
        if wanted[place] != present[place]:
            return Break(seal, "altered", *place)
    return None


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def _above(level: list[bytes]) -> list[bytes]:
    # An odd last node moves up unchanged: the same tree as RFC 9162's split at a power of two.
    paired = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
    return paired + level[len(paired) * 2 :]
