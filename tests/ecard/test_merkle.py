"""The Merkle tree of RFC 9162, against its own definition and its known roots; and which row is named."""

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecard.audit.model import Row, leaf
from ecard.merkle import Break, Leaf, first_difference, pack, path, root, root_of, unpack

# The leaves and roots of Certificate Transparency's own tests (RFC 6962, the same tree as RFC 9162's).
CT_LEAVES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
ROW = Row(
    xid=1000,
    n=7,
    at_us=1_794_000_000_000_001,
    kind="visit",
    outcome="ok",
    actor="0192-x",
    card=4711,
    item="A1-01",
    detail={"b": 1, "a": ["中", None]},
)


def defined(digests: list[bytes]) -> bytes:
    """Compute MTH as RFC 9162 §2.1.1 defines it: split at the largest power of two below n."""
    if not digests:
        return sha256(b"").digest()
    if len(digests) == 1:
        return digests[0]
    split = 1
    while split * 2 < len(digests):
        split *= 2
    return sha256(b"\x01" + defined(digests[:split]) + defined(digests[split:])).digest()


@pytest.mark.parametrize("size", range(9))
def test_the_known_roots_of_certificate_transparency_come_out(size: int) -> None:
    digests = [sha256(b"\x00" + bytes.fromhex(data)).digest() for data in CT_LEAVES[:size]]
    assert root(digests).hex() == CT_ROOTS[size]


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70))
def test_a_root_is_what_the_rfc_defines(digests: list[bytes]) -> None:
    assert root(digests) == defined(digests)


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=20, unique=True), st.data())
def test_a_root_changes_with_any_leaf_and_any_order(digests: list[bytes], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(digests) - 1))
    altered = [*digests[:place], sha256(digests[place]).digest(), *digests[place + 1 :]]
    removed = digests[:place] + digests[place + 1 :]
    doubled = [*digests, digests[-1]]
    moved = [*digests[1:], digests[0]]
    others = [altered, removed, doubled] + ([moved] if len(digests) > 1 else [])
    assert all(root(other) != root(digests) for other in others)


def test_computing_a_root_leaves_its_leaves_alone() -> None:
    digests = [bytes((n,)) * 32 for n in range(5)]
    before = list(digests)
    root(digests)
    assert digests == before


def test_a_leaf_is_the_hash_of_its_rows_canonical_json() -> None:
    written = '[1000,7,1794000000000001,"visit","ok","0192-x",4711,"A1-01",{"a":["中",null],"b":1}]'.encode()
    assert leaf(ROW) == Leaf(1000, 7, sha256(b"\x00" + written).digest())


def test_the_order_of_a_details_names_does_not_matter() -> None:
    assert leaf(ROW._replace(detail={"a": ["中", None], "b": 1})) == leaf(ROW)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("xid", 1001),
        ("n", 8),
        ("at_us", ROW.at_us + 1),
        ("kind", "visit2"),
        ("outcome", "code_replayed"),
        ("actor", None),
        ("actor", "0192-y"),
        ("card", None),
        ("card", 4712),
        ("item", None),
        ("item", "A1-02"),
        ("detail", {}),
        ("detail", {"b": "1", "a": ["中", None]}),
        ("detail", {"b": 1, "a": ["中", None], "c": 1}),
        ("detail", {"b": 1, "a": [None, "中"]}),
    ],
)
def test_a_change_of_any_field_changes_the_leaf(field: str, value: Any) -> None:
    assert leaf(ROW._replace(**{field: value})).digest != leaf(ROW).digest


def test_what_moves_from_one_field_to_the_next_changes_the_leaf() -> None:
    assert leaf(ROW._replace(kind="vis", outcome="itok")).digest != leaf(ROW).digest
    assert leaf(ROW._replace(actor="A1-01", item="0192-x")).digest != leaf(ROW).digest


leaves = st.lists(
    st.builds(Leaf, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.binary(min_size=32, max_size=32)),
    max_size=12,
)


@given(leaves)
def test_leaves_come_back_from_beside_their_seal(made: list[Leaf]) -> None:
    packed = pack(made)
    assert len(packed) == 48 * len(made)
    assert unpack(packed) == made


@pytest.mark.parametrize("length", [1, 16, 47, 49, 95])
def test_bytes_that_are_not_whole_leaves_are_refused(length: int) -> None:
    with pytest.raises(ValueError, match="whole leaves"):
        unpack(bytes(length))


def a_leaf(xid: int, n: int, content: str = "x") -> Leaf:
    return Leaf(xid, n, sha256(content.encode()).digest())


SEALED = [a_leaf(10, 1), a_leaf(10, 2), a_leaf(11, 1), a_leaf(12, 1)]


def test_a_log_that_is_as_it_was_sealed_has_no_break_in_whatever_order_it_is_read() -> None:
    assert first_difference(5, SEALED, SEALED) is None
    assert first_difference(5, SEALED, SEALED[::-1]) is None
    assert first_difference(5, [], []) is None


@pytest.mark.parametrize("place", range(4))
def test_an_altered_row_is_named(place: int) -> None:
    found = [*SEALED[:place], SEALED[place]._replace(digest=bytes(32)), *SEALED[place + 1 :]]
    assert first_difference(5, SEALED, found) == Break(5, "altered", SEALED[place].xid, SEALED[place].n)


@pytest.mark.parametrize("place", range(4))
def test_a_removed_row_is_named(place: int) -> None:
    found = SEALED[:place] + SEALED[place + 1 :]
    assert first_difference(5, SEALED, found) == Break(5, "removed", SEALED[place].xid, SEALED[place].n)


@pytest.mark.parametrize("added", [(9, 9), (10, 3), (11, 0), (12, 2), (99, 1)])
def test_an_added_row_is_named(added: tuple[int, int]) -> None:
    for found in ([*SEALED, a_leaf(*added)], [a_leaf(*added), *SEALED]):
        assert first_difference(5, SEALED, found) == Break(5, "added", *added)


def test_of_several_breaks_the_first_is_named() -> None:
    found = [SEALED[0], SEALED[2]._replace(digest=bytes(32)), a_leaf(99, 1)]
    assert first_difference(5, SEALED, found) == Break(5, "removed", 10, 2)
    found.insert(0, a_leaf(1, 1))
    assert first_difference(5, SEALED, found) == Break(5, "added", 1, 1)


def test_two_rows_that_changed_places_are_seen() -> None:
    sealed = [a_leaf(10, 1, "first"), a_leaf(10, 2, "second")]
    found = [a_leaf(10, 1, "second"), a_leaf(10, 2, "first")]
    assert first_difference(5, sealed, found) == Break(5, "altered", 10, 1)


def proven(digests: list[bytes], index: int) -> list[bytes]:
    """Compute PATH as RFC 9162 §2.1.3.1 defines it."""
    if len(digests) == 1:
        return []
    split = 1
    while split * 2 < len(digests):
        split *= 2
    if index < split:
        return [*proven(digests[:split], index), defined(digests[split:])]
    return [*proven(digests[split:], index - split), defined(digests[:split])]


@pytest.mark.parametrize("size", [*range(1, 18), 31, 32, 33, 100])
def test_every_leaf_is_proven_to_be_in_its_tree_as_the_rfc_defines_it(size: int) -> None:
    digests = [sha256(bytes([n])).digest() for n in range(size)]
    for index in range(size):
        proof = path(digests, index)
        assert proof == proven(digests, index)
        assert root_of(digests[index], index, size, proof) == root(digests)


@given(st.integers(1, 40), st.data())
def test_a_proof_holds_for_nothing_but_its_own_leaf_at_its_own_place(size: int, data: st.DataObject) -> None:
    digests = [sha256(bytes([n])).digest() for n in range(size)]
    index = data.draw(st.integers(0, size - 1))
    proof, wanted = path(digests, index), root(digests)
    assert root_of(bytes(32), index, size, proof) != wanted
    assert root_of(digests[index], index, size, [*proof, bytes(32)]) is None
    assert root_of(digests[index], size, size, proof) is None
    assert root_of(digests[index], -1, size, proof) is None
    if proof:
        assert root_of(digests[index], index, size, proof[:-1]) is None
        assert root_of(digests[index], index, size, [bytes(32), *proof[1:]]) != wanted
        assert root_of(digests[index], index ^ 1, size, proof) != wanted
