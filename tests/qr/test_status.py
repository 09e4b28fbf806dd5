"""The status list: a permutation that hides, a bitmap that comes back, and nothing accepted in doubt."""

import itertools
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecard.encoding import b64url, unb64url
from qr.status import Permutation, StatusList, compress

KEY, OTHER = b"a" * 32, b"b" * 32
ALL = range(1 << 16)


def test_every_card_has_a_place_of_its_own() -> None:
    permutation = Permutation(KEY, 16)
    assert sorted(map(permutation.place, ALL)) == list(ALL)


@pytest.mark.parametrize("bits", [16, 24, 30])
def test_places_stay_within_the_list_and_never_collide(bits: int) -> None:
    permutation = Permutation(KEY, bits)
    cards = [*range(3000), *range(2**bits - 3000, 2**bits)]
    places = {permutation.place(card) for card in cards}
    assert len(places) == len(cards)
    assert max(places) < 2**bits


@pytest.mark.parametrize("bits", [16, 24, 30])
def test_another_days_key_gives_another_order(bits: int) -> None:
    today, tomorrow = Permutation(KEY, bits), Permutation(OTHER, bits)
    kept = sum(today.place(card) == tomorrow.place(card) for card in range(2000))
    assert kept < 10


def test_the_same_key_gives_the_same_order() -> None:
    assert [Permutation(KEY, 24).place(n) for n in range(50)] == [Permutation(KEY, 24).place(n) for n in range(50)]


def test_neighbouring_cards_are_not_neighbours_on_the_list() -> None:
    permutation = Permutation(KEY, 24)
    places = [permutation.place(card) for card in range(2000)]
    near = sum(abs(one - next_) < 2**16 for one, next_ in itertools.pairwise(places))
    assert near < 60  # chance puts about 1 in 128 that near


@given(st.sets(st.integers(0, 2**16 - 1), max_size=60))
def test_the_dead_come_back_and_nobody_else(dead: set[int]) -> None:
    listed = StatusList(compress(dead, 16), 16)
    assert {place for place in ALL if listed.dead(place)} == dead


def test_the_first_and_the_last_place_of_a_list_can_be_dead() -> None:
    listed = StatusList(compress([0, 2**16 - 1], 16), 16)
    assert [listed.dead(place) for place in (0, 1, 2**16 - 2, 2**16 - 1)] == [True, False, False, True]


def test_a_place_outside_the_list_is_dead() -> None:
    listed = StatusList(compress([], 16), 16)
    assert not listed.dead(2**16 - 1)
    for place in (2**16, 2**16 + 1, 2**24, 2**32 - 1):
        assert listed.dead(place)


def test_a_card_beyond_the_list_cannot_be_listed_in_silence() -> None:
    with pytest.raises(IndexError):
        compress([2**16], 16)


@pytest.mark.parametrize(("made", "wanted"), [(16, 18), (18, 16)])
def test_a_list_of_another_size_is_refused(made: int, wanted: int) -> None:
    with pytest.raises(ValueError, match="size"):
        StatusList(compress([], made), wanted)


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()
    text = b64url(bomb)
    assert len(text) < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="size"):
            StatusList(text, 16)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


def test_a_list_cut_short_is_refused() -> None:
    whole = unb64url(compress([1, 2, 3], 16))
    StatusList(b64url(whole), 16)
    for length in range(len(whole)):
        with pytest.raises(ValueError, match=r"^$|size"):
            StatusList(b64url(whole[:length]), 16)


@pytest.mark.parametrize("garbage", ["", "AAAA", "!", "é", "\0", b64url(bytes(8192)), "x" * 5])
def test_what_is_no_list_is_refused(garbage: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - zlib, base64 and size say it in their own words
        StatusList(garbage, 16)
