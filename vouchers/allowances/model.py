"""What is due for days attended; pure. Amounts are 分, months are Beijing's."""

import datetime
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from uuid import UUID

from vouchers.allowances.errors import AllowanceTooEarly

LIVING, TRAVEL = "living", "travel"
"""生活费, 交通费: the components of the benefit programme that they are paid as."""


class Terms(NamedTuple):
    """What a day is worth, at most how many of a person's days in a month count, and through whom it is paid."""

    benefit: UUID
    agency: UUID
    living: int
    travel: int
    most_days: int


class Due(NamedTuple):
    """What a learner is due of one component; `days` are those that count."""

    holder: UUID
    component: str
    days: int
    amount: int


def due(terms: Terms, attended: Iterable[tuple[UUID, int]]) -> Iterator[Due]:
    """Yield what each learner is due for the days attended, component by component; nothing where it is zero."""
    for holder, days in attended:
        counted = min(days, terms.most_days)
        for component, worth in ((LIVING, terms.living), (TRAVEL, terms.travel)):
            if counted * worth > 0:
                yield Due(holder, component, counted, counted * worth)


def month(period: str, today: datetime.date) -> datetime.date:
    """Return the first day of a month ("2026-10") that is over; raises AllowanceTooEarly.

    >>> month("2026-10", datetime.date(2026, 11, 1))
    datetime.date(2026, 10, 1)
    """
    first = datetime.date(int(period[:4]), int(period[5:]), 1)
    if first >= today.replace(day=1):
        raise AllowanceTooEarly
    return first
