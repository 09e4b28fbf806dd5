"""Base64url without padding, in one spelling only."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecard.encoding import b64url, unb64url


@pytest.mark.parametrize(
    ("raw", "text"),
    # RFC 4648 §10, without padding; the last is RFC 7515 appendix C.
    [
        (b"", ""),
        (b"f", "Zg"),
        (b"fo", "Zm8"),
        (b"foo", "Zm9v"),
        (b"foob", "Zm9vYg"),
        (b"fooba", "Zm9vYmE"),
        (b"foobar", "Zm9vYmFy"),
        (bytes((3, 236, 255, 224, 193)), "A-z_4ME"),
    ],
)
def test_the_examples_of_the_rfcs_hold_both_ways(raw: bytes, text: str) -> None:
    assert b64url(raw) == text
    assert unb64url(text) == raw


@given(st.binary(max_size=200))
def test_bytes_come_back(raw: bytes) -> None:
    assert unb64url(b64url(raw)) == raw


@given(st.text("ABYZabyz0189-_=+/ \n", max_size=12))
def test_no_bytes_have_two_spellings(text: str) -> None:
    try:
        raw = unb64url(text)
    except ValueError:
        return
    assert b64url(raw) == text


@pytest.mark.parametrize(
    "text",
    [
        "Zg==",  # padded
        "Zh",  # unused bits set
        "Zm9",
        "A",  # no bytes have this length
        "A+z/4ME",  # the other alphabet
        "Zm 8",
        "Zm8\n",
        "Zm!8",
        "Zm8\0",
        "Ｚｇ",
        "é",
        "=",
        base64.urlsafe_b64encode(b"fooba").decode(),
    ],
)
def test_any_other_spelling_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - binascii says it in its own words
        unb64url(text)
