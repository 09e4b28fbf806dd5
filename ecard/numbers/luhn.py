"""银行卡号 and other numbers of ISO/IEC 7812-1: digits of which the last is Luhn's check digit.

It finds every single wrong digit and every swap of neighbours except 09 and 90.

>>> validate("6299990000000000004")
'6299990000000000004'
>>> check_digit("7992739871")
'3'
>>> validate("6299990000000000005")
Traceback (most recent call last):
    ...
ecard.numbers.errors.BadNumber: check_digit
>>> is_valid("6299 9900 0000 0000 04")
False
"""

from ecard.numbers.errors import BadNumber, Reason

SHORTEST = 8
LONGEST = 19
"""The lengths that ISO/IEC 7812-1 allows, in digits, the check digit included."""

DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
"""Each digit doubled, then the sum of its digits."""


def check_digit(payload: str) -> str:
    """Return the digit to append to `payload`, ASCII digits of any number (ISO/IEC 7812-1, annex B)."""
    digits = [int(digit) for digit in reversed(payload)]
    total = sum(DOUBLED[digit] for digit in digits[::2]) + sum(digits[1::2])
    return str(-total % 10)


def validate(number: str) -> str:
    """Return the number as it is; raises BadNumber: length, characters, check_digit."""
    if not SHORTEST <= len(number) <= LONGEST:
        raise BadNumber(Reason.LENGTH)
    # isdecimal alone would let full-width digits pass.
    if not (number.isascii() and number.isdecimal()):
        raise BadNumber(Reason.CHARACTERS)
    if number[-1] != check_digit(number[:-1]):
        raise BadNumber(Reason.CHECK_DIGIT)
    return number


def is_valid(number: str) -> bool:
    """Return whether `validate` accepts the number."""
    try:
        validate(number)
    except BadNumber:
        return False
    return True
