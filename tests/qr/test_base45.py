"""Base45 against RFC 9285: its own examples, its definition, and every form that it refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qr import base45

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def by_definition(raw: bytes) -> str:
    """Encode as RFC 9285 §3 words it: c + d*45 (+ e*45*45), least significant first."""
    text = ""
    for start in range(0, len(raw), 2):
        group = raw[start : start + 2]
        value = int.from_bytes(group)
        for _ in range(len(group) + 1):
            text += ALPHABET[value % 45]
            value //= 45
    return text


@pytest.mark.parametrize(
    ("raw", "text"),
    [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0"), (b"", "")],
)
def test_the_examples_of_rfc_9285_hold_both_ways(raw: bytes, text: str) -> None:
    assert base45.encode(raw) == text
    assert base45.decode(text) == raw


@given(st.binary(max_size=320))
def test_bytes_come_back_and_are_spelt_as_the_rfc_defines(raw: bytes) -> None:
    text = base45.encode(raw)
    assert text == by_definition(raw)
    assert base45.decode(text) == raw


@given(st.text(ALPHABET, max_size=30))
def test_no_bytes_have_two_spellings(text: str) -> None:
    try:
        raw = base45.decode(text)
    except base45.NotBase45:
        return
    assert base45.encode(raw) == text


@pytest.mark.parametrize("length", [1, 4, 7, 142])
def test_a_length_that_no_bytes_have_is_refused(length: int) -> None:
    with pytest.raises(base45.NotBase45):
        base45.decode("0" * length)


def test_a_group_of_three_ends_at_two_full_bytes() -> None:
    assert base45.decode("FGW") == b"\xff\xff"
    for beyond in ("GGW", "::W", "00X", ":::"):
        with pytest.raises(base45.NotBase45):
            base45.decode(beyond)
        with pytest.raises(base45.NotBase45):
            base45.decode("BB8" + beyond + "BB8")


def test_a_group_of_two_ends_at_one_full_byte() -> None:
    assert base45.decode("U5") == b"\xff"
    for beyond in ("V5", "06", "::"):
        with pytest.raises(base45.NotBase45):
            base45.decode(beyond)
        with pytest.raises(base45.NotBase45):
            base45.decode("BB8" + beyond)


@pytest.mark.parametrize("alien", [chr(c) for c in range(256) if chr(c) not in ALPHABET] + ["Ｂ", "八", "\ud800", "𝟗"])
def test_a_character_outside_the_alphabet_is_refused_anywhere(alien: str) -> None:
    for text in (alien + "B8", "B" + alien + "8", "BB" + alien, "BB8" + alien + "0", "BB80" + alien):
        with pytest.raises(base45.NotBase45):
            base45.decode(text)
