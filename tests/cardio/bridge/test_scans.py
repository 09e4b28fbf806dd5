"""Scans are told apart by their form; a payment code goes nowhere."""

import pytest

from cardio.bridge.scans import route
from ecard.numbers import luhn
from qr import number
from qr.model import MAX_TEXT, PREFIX

OURS = "9" + "0" * 16 + "7"
PAYMENTS = [
    *(f"{prefix}{'7' * 16}" for prefix in range(10, 16)),
    *(f"{prefix}{'7' * rest}" for prefix in range(25, 31) for rest in (14, 18, 22)),
    "62" + "7" * 17,
    "00020101021226370016A000000677010112520450455303156",
    "hQVDUFYwMWETTwegAAAAVVVVUAA=",
]


def test_what_the_issuer_makes_is_taken() -> None:
    digits = number.issue(lambda _: bytes(16), 7, 9, 1, card_bits=24)
    assert number.looks_like_one(digits)
    assert route(f"{digits}\r")[:2] == ("digits", digits)
    code = PREFIX + "A" * (MAX_TEXT - len(PREFIX))
    assert route(code)[:2] == ("code", code)


@pytest.mark.parametrize("text", PAYMENTS)
def test_a_payment_code_has_a_refusal_of_its_own_and_its_text_is_gone(text: str) -> None:
    scan = route(text)
    assert (scan.kind, scan.text, scan.frame().text) == ("payment", None, None)
    assert scan.refusal is not None
    assert "支付码" in scan.refusal.zh
    assert "payment" in scan.refusal.en


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://h.example/EC1:",
        "ec1:ABC",
        PREFIX + "A" * MAX_TEXT,
        OURS + str((int(luhn.check_digit(OURS)) + 1) % 10),
        "8" + OURS[1:],
        "110101199003070000",
        "16" + "7" * 16,
        "31" + "7" * 16,
        "62" + "7" * 16,
        "９" * 19,
    ],
)
def test_anything_else_is_refused_and_not_sent(text: str) -> None:
    if text != "110101199003070000":
        assert (route(text).kind, route(text).text) == ("other", None)
    else:
        # A resident's number has the form of a payment code: either way it goes nowhere.
        assert (route(text).kind, route(text).text) == ("payment", None)


def test_full_width_characters_are_named_as_what_they_are() -> None:
    refusal = route("ＥＣ１：ＡＢＣ").refusal
    assert refusal is not None
    assert "输入法" in refusal.zh
