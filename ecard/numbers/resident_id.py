"""公民身份号码 (GB 11643-1999): six digits of place, eight of birth, three of sequence, one check character.

The last character is ISO 7064 MOD 11-2. The same form and check are used by the residence permits
of Hong Kong, Macao and Taiwan residents (places 81, 82, 83) and by the permanent residence card of
foreigners (first digit 9). Beyond the province no place is looked up: codes change, and a person
keeps the number given at birth or at registration, whatever the place is called today.

All numbers here are fictitious: the places 119900, 819900 … were never assigned.

>>> from datetime import date
>>> today = date(2026, 6, 1)
>>> validate("11990019900307881x", today)
'11990019900307881X'
>>> birth_date("11990019900307881X")
datetime.date(1990, 3, 7)
>>> sex("11990019900307881X")
<Sex.MALE: '1'>
>>> validate("119900199003078810", today)
Traceback (most recent call last):
    ...
ecard.numbers.errors.BadNumber: check_digit
>>> is_valid("１１９９００１９９００３０７８８１Ｘ", today)  # full-width digits
False
"""

import datetime as dt
import enum

from ecard.numbers.errors import BadNumber, Reason

LENGTH = 18
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS = "10X98765432"
FOREIGN_RESIDENT = "9"

PROVINCES = frozenset(
    f"{region}{number}"
    for region, numbers in {
        1: "12345",
        2: "123",
        3: "1234567",
        4: "123456",
        5: "01234",
        6: "12345",
        7: "1",
        8: "123",
    }.items()
    for number in numbers
)
"""The first two digits of GB/T 2260, with 71 台湾, and 81 香港, 82 澳门, 83 台湾 of the residence permits."""


class Sex(enum.StrEnum):
    """性别, coded as in GB/T 2261.1."""

    MALE = "1"
    FEMALE = "2"


def check_digit(first17: str) -> str:
    """Return the 18th character for 17 ASCII digits (ISO 7064 MOD 11-2)."""
    total = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, first17, strict=True))
    return CHECK_CHARACTERS[total % 11]


def validate(number: str, today: dt.date) -> str:
    """Return the canonical number, a final x in upper case.

    `today` is the day, in China, on which the number is presented. Raises BadNumber: length,
    characters, check_digit, province, date (not in the calendar), future (born after `today`).
    """
    if len(number) != LENGTH:
        raise BadNumber(Reason.LENGTH)
    # isdecimal alone would let full-width digits pass.
    if not (number.isascii() and number[:17].isdecimal() and number[17] in "0123456789Xx"):
        raise BadNumber(Reason.CHARACTERS)
    number = number.upper()
    if number[17] != check_digit(number[:17]):
        raise BadNumber(Reason.CHECK_DIGIT)
    if number[0] != FOREIGN_RESIDENT and number[:2] not in PROVINCES:
        raise BadNumber(Reason.PROVINCE)
    try:
        born = birth_date(number)
    except ValueError:
        raise BadNumber(Reason.DATE) from None
    if born > today:
        raise BadNumber(Reason.FUTURE)
    return number


def is_valid(number: str, today: dt.date) -> bool:
    """Return whether `validate` accepts the number on that day."""
    try:
        validate(number, today)
    except BadNumber:
        return False
    return True


def birth_date(number: str) -> dt.date:
    """Return the date of birth in a valid number (digits 7 to 14)."""
    return dt.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))


def sex(number: str) -> Sex:
    """Return the sex in a valid number: the 17th digit is odd for men."""
    return Sex.MALE if int(number[16]) % 2 else Sex.FEMALE
