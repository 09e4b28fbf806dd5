"""Luhn's check digit of ISO/IEC 7812-1."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecard.numbers import luhn
from ecard.numbers.errors import BadNumber, Reason

DIGITS = "0123456789"


def independent_check(payload: str) -> str:
    """Find the digit by trying all ten on the whole number, doubled digits summed as text."""

    def holds(number: str) -> bool:
        parts = [digit if i % 2 == 0 else str(2 * int(digit)) for i, digit in enumerate(reversed(number))]
        return sum(map(int, "".join(parts))) % 10 == 0

    return next(last for last in DIGITS if holds(payload + last))


numbers = st.text(DIGITS, min_size=7, max_size=18).map(lambda payload: payload + independent_check(payload))


def test_the_examples_of_the_module_hold() -> None:
    outcome = doctest.testmod(luhn)
    assert outcome.attempted > 0
    assert outcome.failed == 0


@given(st.text(DIGITS, max_size=40))
def test_the_check_digit_agrees_with_an_independent_computation(payload: str) -> None:
    assert luhn.check_digit(payload) == independent_check(payload)


@given(numbers)
def test_every_number_made_by_the_rule_is_accepted(made: str) -> None:
    assert luhn.validate(made) == made
    assert luhn.is_valid(made)


@given(numbers)
def test_every_change_of_a_single_digit_is_refused(valid: str) -> None:
    for position, digit in enumerate(valid):
        for other in DIGITS:
            if other != digit:
                assert not luhn.is_valid(valid[:position] + other + valid[position + 1 :])


@given(numbers)
def test_every_swap_of_neighbours_is_refused_except_09_and_90(valid: str) -> None:
    for position in range(len(valid) - 1):
        pair = valid[position : position + 2]
        if pair[0] != pair[1] and pair not in {"09", "90"}:
            assert not luhn.is_valid(valid[:position] + pair[::-1] + valid[position + 2 :])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Reason.LENGTH),
        ("0000000", Reason.LENGTH),
        ("0" * 20, Reason.LENGTH),
        ("6299 9900 0000", Reason.CHARACTERS),
        ("０" * 16, Reason.CHARACTERS),
        ("-0000000", Reason.CHARACTERS),
        ("00000001", Reason.CHECK_DIGIT),
    ],
)
def test_a_bad_number_is_refused_with_its_reason(text: str, expected: Reason) -> None:
    with pytest.raises(BadNumber) as caught:
        luhn.validate(text)
    assert caught.value.reason is expected
    assert str(caught.value) == expected.value
