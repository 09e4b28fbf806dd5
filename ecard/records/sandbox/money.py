"""Accounts that a life fills: of the pension, the annuity and the housing fund, year by year."""

from collections.abc import Mapping
from typing import NamedTuple

from ecard.records.sandbox import figures
from ecard.records.sandbox.figures import bp
from ecard.records.sandbox.life import PENSION, Life


class Year(NamedTuple):
    """An account's year: what stood in it, what came in (own and another's), and what went out."""

    year: int
    opening: int
    own: int
    other: int
    interest: int
    paid: int

    @property
    def closing(self) -> int:
        """What stands in it at the end."""
        return self.opening + self.own + self.other + self.interest - self.paid


class Benefit(NamedTuple):
    """A pension as it was assessed: from when on, by what, and what a month is."""

    since: int
    months: int
    basic: int
    account: int
    transitional: int
    balance: int

    @property
    def first(self) -> int:
        """A month's pension as assessed."""
        return self.basic + self.account + self.transitional


def _years(came: Mapping[int, tuple[int, int]], points: int, life: Life, monthly: int = 0) -> list[Year]:
    """Return the years of an account; `monthly` is what it pays from retirement on, as far as it goes."""
    found: list[Year] = []
    opening = 0
    for year in range(min(came), life.now // 12 + 1) if came else ():
        own, other = came.get(year, (0, 0))
        # Interest of a year is credited when it is over.
        interest = bp(opening, points) if (year + 1) * 12 - 1 <= life.now else 0
        due = monthly * _months_retired(life, year)
        found.append(Year(year, opening, own, other, interest, min(due, opening + own + other + interest)))
        opening = found[-1].closing
    return found


def _months_retired(life: Life, year: int) -> int:
    if life.retired is None:
        return 0
    return max(0, min(life.now, year * 12 + 11) - max(life.retired, year * 12) + 1)


def _at_retirement(years: list[Year], life: Life) -> int:
    """Return what stood in an account when its owner retired: interest of years before, contributions of that year."""
    return next(
        (
            one.opening + one.own + one.other
            for one in years
            if life.retired is not None and one.year == life.retired // 12
        ),
        0,
    )


def divisor(life: Life) -> int:
    """Return over how many months an account is paid out."""
    return figures.DIVISORS[max(age for age in figures.DIVISORS if age <= life.persona.retires)]


def pension(life: Life) -> Benefit | None:
    """Return the pension of a life, None before retirement (国发〔2005〕38号; a resident's: 国发〔2014〕8号)."""
    counted = life.pension_months
    if life.retired is None or not counted:
        return None
    balance = _at_retirement(_years(_credited(life), figures.INTEREST, life), life)
    account = balance // divisor(life)
    months = len(counted) + life.deemed
    if counted[-1].insurance != PENSION:
        return Benefit(life.retired, months, figures.RESIDENT_BASIC, account, 0, balance)
    mean = figures.average(life.retired // 12 - 1)
    index = sum(one.base * 10_000 // figures.average(one.month // 12) for one in counted) // len(counted)
    basic = mean * (10_000 + index) * months // (20_000 * 12 * 100)
    transitional = mean * index * life.deemed * 13 // (10_000 * 12 * 1000)
    return Benefit(life.retired, months, basic, account, transitional, balance)


def _credited(life: Life) -> dict[int, tuple[int, int]]:
    came: dict[int, tuple[int, int]] = {}
    for one in life.pension_months:
        own, other = came.get(one.month // 12, (0, 0))
        came[one.month // 12] = own + one.credited, other
    return came


def pension_account(life: Life) -> list[Year]:
    """Return the pension account by year; after retirement it pays its part of the pension until it is empty."""
    benefit = pension(life)
    return _years(_credited(life), figures.INTEREST, life, benefit.account if benefit else 0)


def pension_of(benefit: Benefit, month: int) -> int:
    """Return what is paid of a pension in a month: it rises every January after the first."""
    amount = benefit.first
    for _ in range(month // 12 - benefit.since // 12):
        amount += bp(amount, figures.YEARLY_RISE)
    return amount


def _annuity_came(life: Life) -> dict[int, tuple[int, int]]:
    came: dict[int, tuple[int, int]] = {}
    for one in life.pension_months:
        stint = life.working(one.month)
        if one.month >= figures.ANNUITY_SINCE and stint is not None and stint.job.kind == "institution":
            own, other = came.get(one.month // 12, (0, 0))
            came[one.month // 12] = (
                own + bp(one.base, figures.ANNUITY_OWN),
                other + bp(one.base, figures.ANNUITY_EMPLOYER),
            )
    return came


def annuity(life: Life) -> tuple[int, int]:
    """Return what stood in the annuity account at retirement, and what a month pays; zeros where there is none."""
    came = _annuity_came(life)
    if life.retired is None or not came:
        return 0, 0
    balance = _at_retirement(_years(came, figures.ANNUITY_RETURN, life), life)
    return balance, balance // divisor(life)


def annuity_account(life: Life) -> list[Year]:
    """Return the annuity account by year."""
    return _years(_annuity_came(life), figures.ANNUITY_RETURN, life, annuity(life)[1])


class Deposit(NamedTuple):
    """A month's deposit to the housing fund: half by the employer, half by the owner."""

    month: int
    unit: str
    base: int
    half: int


def deposits(life: Life) -> list[Deposit]:
    """Return every deposit to the housing fund, oldest first."""
    found = []
    for stint in life.stints:
        last = life.now if stint.last is None else stint.last
        for month in range(max(stint.first, figures.FUND_SINCE), last + 1) if stint.job.fund else ():
            base = life.base(stint, month)
            found.append(Deposit(month, stint.job.unit, base, bp(base, figures.FUND_RATE)))
    return found


def fund_account(life: Life) -> list[Year]:
    """Return the housing fund's account by year; it is paid out whole in the month of retirement."""
    came: dict[int, tuple[int, int]] = {}
    for one in deposits(life):
        own, other = came.get(one.month // 12, (0, 0))
        came[one.month // 12] = own + one.half, other + one.half
    years = [
        one
        for one in _years(came, figures.FUND_INTEREST, life)
        if life.retired is None or one.year <= life.retired // 12
    ]
    if life.retired is not None and years and years[-1].year == life.retired // 12:
        last = years[-1]._replace(interest=0)
        years[-1] = last._replace(paid=last.closing)
    return years
