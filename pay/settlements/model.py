"""Rules of settlement and statements; pure.

结算日: the day of Beijing whose end counts. T+1: it is paid out once the next day has begun there.
"""

import datetime
from enum import StrEnum

BEIJING = datetime.timezone(datetime.timedelta(hours=8))
BEGINS = datetime.time(2)
"""The hour of Beijing from which the day before is paid out."""
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the last four: full-width


class SettlementState(StrEnum):
    """A settlement on its way, paid, or refused by the bank: then it is owed again, and paid with the next day's."""

    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"


def day_due(now: datetime.datetime) -> datetime.date | None:
    """Return the day to be paid out at `now`, None while it is too early.

    >>> day_due(datetime.datetime(2026, 1, 5, 17, 59, tzinfo=datetime.UTC)) is None
    True
    >>> day_due(datetime.datetime(2026, 1, 5, 18, tzinfo=datetime.UTC))
    datetime.date(2026, 1, 5)
    """
    there = now.astimezone(BEIJING)
    return there.date() - datetime.timedelta(days=1) if there.time() >= BEGINS else None


def yesterday(now: float) -> datetime.date:
    """Return the day before that of `now` (Unix seconds), in Beijing."""
    return datetime.datetime.fromtimestamp(now, BEIJING).date() - datetime.timedelta(days=1)


def yuan(fen: int) -> str:
    """Return an amount of 分 as yuan with two places, without a float.

    >>> yuan(1250), yuan(-5), yuan(0)
    ('12.50', '-0.05', '0.00')
    """
    whole, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole}.{rest:02d}"


def cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula (OWASP, CSV injection).

    >>> cell("=1+1"), cell("门票"), cell("-"), cell("\uff1d1")
    ("'=1+1", '门票', "'-", "'\uff1d1")
    """
    return f"'{text}" if text.startswith(_DANGEROUS) else text
