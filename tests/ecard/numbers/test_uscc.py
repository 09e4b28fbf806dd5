"""Unified social credit codes: the standard's rule, and the faults of published libraries as cases."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecard.numbers import uscc
from ecard.numbers.errors import BadNumber, Reason

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"

characters = st.sampled_from(ALPHABET)


def independent_check(first17: str) -> str:
    """Find the check character by trying all 31: the weighted sum of all 18, the last weighing 1, must be 0 mod 31."""
    total = sum(ALPHABET.index(character) * 3**place for place, character in enumerate(first17))
    return next(last for last in ALPHABET if (total + ALPHABET.index(last)) % 31 == 0)


def code(head: str, organisation: str = "MA0000000") -> str:
    """Make a fictitious code with the right check character; place 119900 was never assigned."""
    first17 = f"{head}119900{organisation}"
    return first17 + independent_check(first17)


codes = st.builds(code, st.text(characters, min_size=2, max_size=2), st.text(characters, min_size=9, max_size=9))


def test_the_examples_of_the_module_hold() -> None:
    outcome = doctest.testmod(uscc)
    assert outcome.attempted > 0
    assert outcome.failed == 0


@given(codes)
def test_every_code_made_by_the_rule_is_accepted(made: str) -> None:
    assert uscc.validate(made.lower()) == made
    assert uscc.is_valid(made)


@given(st.text(characters, min_size=17, max_size=17))
def test_the_check_character_agrees_with_an_independent_computation(first17: str) -> None:
    assert uscc.check_digit(first17) == independent_check(first17)


@given(codes)
def test_every_change_of_a_single_character_is_refused(valid: str) -> None:
    for position, character in enumerate(valid):
        for other in ALPHABET:
            if other != character:
                assert not uscc.is_valid(valid[:position] + other + valid[position + 1 :])


@given(st.text(max_size=30))
def test_any_text_gives_an_answer_and_never_another_error(text: str) -> None:
    assert uscc.is_valid(text) in {True, False}


@pytest.mark.parametrize("head", ["12", "31", "51", "91", "93", "A1", "N2", "Y1"])
def test_every_registering_authority_is_accepted(head: str) -> None:
    assert uscc.is_valid(code(head))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Reason.LENGTH),
        (code("91") + "0", Reason.LENGTH),
        ("91119900MAO000000F", Reason.CHARACTERS),
        ("9111990AMA0000000F", Reason.CHARACTERS),
        ("91119900MA0000000 ", Reason.CHARACTERS),
        ("９1119900MA0000000F", Reason.CHARACTERS),
        ("9111990\u0131MA0000000F", Reason.CHARACTERS),  # dotless i, which upper() makes an I
        ("91119900MA0000000G", Reason.CHECK_DIGIT),
    ],
)
def test_a_bad_code_is_refused_with_its_reason(text: str, expected: Reason) -> None:
    with pytest.raises(BadNumber) as caught:
        uscc.validate(text)
    assert caught.value.reason is expected
    assert str(caught.value) == expected.value
