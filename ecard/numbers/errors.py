"""The one way in which a number is refused: `BadNumber`, with the reason as data."""

import enum


class Reason(enum.StrEnum):
    """Why a number is refused; the tests are made in this order, and the first to fail is named."""

    LENGTH = "length"
    CHARACTERS = "characters"
    CHECK_DIGIT = "check_digit"
    PROVINCE = "province"
    DATE = "date"
    FUTURE = "future"


class BadNumber(ValueError):
    """A number that its standard does not allow; it never carries the number, which is personal data."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason
