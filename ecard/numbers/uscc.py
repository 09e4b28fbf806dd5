"""统一社会信用代码 (GB 32100-2015): 18 characters that name an organisation.

One character of registering authority, one of category, six digits of place, nine of organisation,
one check character over the 31 characters that are left of 0–9 A–Z without I O Z S V. Which
authorities exist (1–9, A, N, Y …) is not tested: the list grows, and the check character decides.

All codes here are fictitious: the place 119900 was never assigned.

>>> validate("91119900MA0000000F")
'91119900MA0000000F'
>>> validate("n2119900ma0000000y")
'N2119900MA0000000Y'
>>> validate("91119900MA0000000G")
Traceback (most recent call last):
    ...
ecard.numbers.errors.BadNumber: check_digit
>>> is_valid("91119900MAO000000F")  # the letter O
False
"""

from ecard.numbers.errors import BadNumber, Reason

LENGTH = 18
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
MODULUS = 31
PLACE = slice(2, 8)

VALUES = {character: value for value, character in enumerate(ALPHABET)}
WEIGHTS = tuple(pow(3, place, MODULUS) for place in range(LENGTH - 1))


def check_digit(first17: str) -> str:
    """Return the 18th character for 17 characters of the alphabet (GB 32100-2015, §5)."""
    total = sum(weight * VALUES[character] for weight, character in zip(WEIGHTS, first17, strict=True))
    return ALPHABET[-total % MODULUS]


def validate(code: str) -> str:
    """Return the canonical code, in upper case; raises BadNumber: length, characters, check_digit."""
    if len(code) != LENGTH:
        raise BadNumber(Reason.LENGTH)
    # ASCII first: upper() turns some other letters into ASCII ones.
    canonical = code.upper() if code.isascii() else ""
    if not (canonical and VALUES.keys() >= set(canonical) and canonical[PLACE].isdecimal()):
        raise BadNumber(Reason.CHARACTERS)
    if canonical[17] != check_digit(canonical[:17]):
        raise BadNumber(Reason.CHECK_DIGIT)
    return canonical


def is_valid(code: str) -> bool:
    """Return whether `validate` accepts the code."""
    try:
        validate(code)
    except BadNumber:
        return False
    return True
