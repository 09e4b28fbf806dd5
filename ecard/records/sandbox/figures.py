"""The sandbox's rates and rules of thumb; those that law sets name it, the others are invented.

Amounts are 分. Months are counted from the year 0: `month_of(2026, 1)` is 24312.
"""

import datetime
from functools import cache

SINCE = 1996 * 12
"""The first month with personal accounts here; what was worked before counts as if contributed (视同缴费)."""
FUND_SINCE = 1999 * 12 + 3
ANNUITY_SINCE = 2014 * 12 + 9
"""国发〔2015〕18号: institutions have paid occupational annuity since October 2014."""
MEDICAL_SINCE = 2001 * 12
PENSION_OWN, PENSION_EMPLOYER = 800, 1600
"""Basis points of the base."""
FLEXIBLE_PENSION = 2000
ANNUITY_OWN, ANNUITY_EMPLOYER = 400, 800
"""国办发〔2015〕18号."""
UNEMPLOYMENT_OWN, UNEMPLOYMENT_EMPLOYER = 50, 50
INJURY_EMPLOYER = 40
MEDICAL_OWN, MEDICAL_EMPLOYER = 200, 800
FUND_RATE = 1200
RESIDENT_OWN, RESIDENT_SUBSIDY, RESIDENT_BASIC = 10_000, 1_000, 20_300
RESIDENT_MEDICAL = 3_400
RETIRED_MEDICAL = 8_500
"""A month's credit of the medical account after retirement."""
INTEREST, ANNUITY_RETURN, FUND_INTEREST, LOAN_RATE = 350, 420, 150, 310
"""Basis points a year."""
YEARLY_RISE = 300
"""Basis points that pensions rise each January."""
DIVISORS = {50: 195, 55: 170, 60: 139, 65: 101}
"""计发月数 by age: 国发〔2005〕38号, annex."""
LUMP_MONTHS = {1: 27, 2: 25, 3: 23, 4: 21, 5: 18, 6: 16, 7: 13, 8: 11, 9: 9, 10: 7}
"""一次性伤残补助金: 工伤保险条例 第三十五至三十七条, months of the own wage by grade."""
MATERNITY_DAYS = 98
"""女职工劳动保护特别规定 第七条."""
BENEFIT_MONTHS = ((12, 0), (60, 12), (120, 18))
"""失业保险条例 第十七条: below so many months contributed, at most so many months of benefit."""
LONGEST_BENEFIT = 24
_LATEST, _LATEST_WAGE = 2026, 900_000


def bp(amount: int, points: int) -> int:
    """Return so many basis points of an amount, rounded down to a 分."""
    return amount * points // 10_000


@cache
def average(year: int) -> int:
    """Return the region's invented average wage of a month of a year: 6 % more each year, whole 元."""
    wage = _LATEST_WAGE
    for _ in range(_LATEST - year):
        wage = wage * 94 // 100
    for _ in range(year - _LATEST):
        wage = wage * 106 // 100
    return wage // 100 * 100


def minimum(year: int) -> int:
    """Return the invented minimum wage of a month: a quarter of the average, whole 元."""
    return average(year) // 400 * 100


def month_of(year: int, number: int) -> int:
    """Return the index of a month (1 to 12)."""
    return year * 12 + number - 1


def month_text(month: int) -> str:
    """Return YYYY-MM.

    >>> month_text(month_of(2026, 1))
    '2026-01'
    """
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def day_text(month: int, day: int) -> str:
    """Return YYYY-MM-DD of a day of a month."""
    return datetime.date(month // 12, month % 12 + 1, day).isoformat()


def granted(months: int) -> int:
    """Return for how many months benefit is granted to who contributed for so many."""
    return next((most for below, most in BENEFIT_MONTHS if months < below), LONGEST_BENEFIT)
