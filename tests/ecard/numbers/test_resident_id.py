"""Resident identity numbers: the standard's rule, and the faults of published libraries as cases."""

import datetime as dt
import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecard.numbers import resident_id
from ecard.numbers.errors import BadNumber, Reason
from ecard.numbers.resident_id import Sex

TODAY = dt.date(2026, 6, 1)

births = st.dates(min_value=dt.date(1900, 1, 1), max_value=TODAY)
sequences = st.integers(0, 999)
# Places …9900 were never assigned: nobody has these numbers.
places = st.sampled_from(sorted(resident_id.PROVINCES)).map(lambda province: f"{province}9900")
foreign = st.integers(0, 99999).map(lambda place: f"9{place:05}")


def independent_check(first17: str) -> str:
    """ISO 7064 MOD 11-2 by its recurrence, not by the table of weights."""
    remainder = 0
    for digit in first17:
        remainder = (remainder + int(digit)) * 2 % 11
    check = (12 - remainder) % 11
    return "X" if check == 10 else str(check)


def number(place: str, born: str, sequence: int) -> str:
    """Make a fictitious number with the right check character."""
    first17 = f"{place}{born}{sequence:03}"
    return first17 + independent_check(first17)


numbers = st.builds(lambda place, born, n: number(place, f"{born:%Y%m%d}", n), places | foreign, births, sequences)


def reason(text: str) -> Reason:
    """Why `validate` refuses the text."""
    with pytest.raises(BadNumber) as caught:
        resident_id.validate(text, TODAY)
    assert str(caught.value) == caught.value.reason.value  # and so never the number
    return caught.value.reason


def test_the_examples_of_the_module_hold() -> None:
    outcome = doctest.testmod(resident_id)
    assert outcome.attempted > 0
    assert outcome.failed == 0


@given(places | foreign, births, sequences)
def test_every_number_made_by_the_rule_is_accepted(place: str, born: dt.date, sequence: int) -> None:
    made = number(place, f"{born:%Y%m%d}", sequence)
    assert resident_id.validate(made.lower(), TODAY) == made
    assert resident_id.is_valid(made, TODAY)
    assert resident_id.birth_date(made) == born
    assert resident_id.sex(made) is (Sex.MALE if sequence % 2 else Sex.FEMALE)


@given(st.text("0123456789", min_size=17, max_size=17))
def test_the_check_digit_agrees_with_an_independent_computation(first17: str) -> None:
    assert resident_id.check_digit(first17) == independent_check(first17)


@given(numbers)
def test_every_change_of_a_single_character_is_refused(valid: str) -> None:
    for position, character in enumerate(valid):
        for other in "0123456789X":
            if other != character:
                changed = valid[:position] + other + valid[position + 1 :]
                assert not resident_id.is_valid(changed, TODAY)


@given(st.text(max_size=30))
def test_any_text_gives_an_answer_and_never_another_error(text: str) -> None:
    assert resident_id.is_valid(text, TODAY) in {True, False}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Reason.LENGTH),
        ("119900900307881", Reason.LENGTH),  # the 15 digits used until 1999
        ("11990019900307881XX", Reason.LENGTH),
        ("11 9900 19900307 88", Reason.LENGTH),
        ("11990O19900307881X", Reason.CHARACTERS),
        ("1199001990030788XX", Reason.CHARACTERS),
        ("11990019900307881Y", Reason.CHARACTERS),
        (" 1990019900307881X", Reason.CHARACTERS),
        ("１１９９００１９９００３０７８８１Ｘ", Reason.CHARACTERS),
        ("11990019900307881\u0661", Reason.CHARACTERS),
        ("119900199003078810", Reason.CHECK_DIGIT),
        (number("009900", "19900307", 881), Reason.PROVINCE),
        (number("559900", "19900307", 881), Reason.PROVINCE),
        (number("119900", "19900230", 881), Reason.DATE),
        (number("119900", "19000229", 881), Reason.DATE),
        (number("119900", "00000101", 881), Reason.DATE),
        (number("119900", "20260602", 881), Reason.FUTURE),
        (number("119900", "20301231", 881), Reason.FUTURE),
    ],
)
def test_a_bad_number_is_refused_with_its_reason(text: str, expected: Reason) -> None:
    assert reason(text) is expected


def test_a_birth_on_the_day_itself_is_accepted() -> None:
    assert resident_id.is_valid(number("119900", "20260601", 881), TODAY)


@pytest.mark.parametrize("place", ["810000", "820000", "830000"])
def test_a_residence_permit_of_hong_kong_macao_and_taiwan_residents_is_accepted(place: str) -> None:
    # Born in 1800: nobody has this number.
    assert resident_id.is_valid(number(place, "18000101", 1), TODAY)


def test_a_place_founded_after_the_birth_is_accepted() -> None:
    # Founded in 2002; born in 1800: nobody has this number.
    assert resident_id.is_valid(number("640104", "18000101", 1), TODAY)
