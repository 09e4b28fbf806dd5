"""What the systems of social insurance, pension and annuity say of a life."""

from collections.abc import Iterator

from ecard.records.model import Row
from ecard.records.sandbox.figures import MEDICAL_SINCE, RETIRED_MEDICAL, month_text
from ecard.records.sandbox.life import MEDICAL, PENSION, PENSIONS, Life, Paid
from ecard.records.sandbox.money import Year, annuity, annuity_account, divisor, pension, pension_account, pension_of

_YEAR = 12
_PLACE = "银川市"


def enrolment(life: Life) -> Iterator[Row]:
    """Return the insurances that a person is or was in."""
    by_kind: dict[str, list[Paid]] = {}
    for one in life.paid:
        by_kind.setdefault(one.insurance, []).append(one)
    for insurance, paid in by_kind.items():
        yield {
            "insurance": insurance,
            "place": _PLACE,
            "unit": paid[-1].unit,
            "since": month_text(paid[0].month),
            "until": month_text(paid[-1].month),
            "months": len(paid),
            "state": _state(life, insurance, paid[-1].month),
        }


def _state(life: Life, insurance: str, last: int) -> str:
    if life.retired is not None:
        return "待遇享受" if insurance in PENSIONS or insurance == MEDICAL else "终止缴费"
    return "正常参保" if last == life.now else "暂停缴费"


def contributions(life: Life) -> Iterator[Row]:
    """Return the contributions of the last twelve months, youngest first."""
    for one in reversed(life.paid):
        if one.month > life.now - _YEAR:
            yield {
                "month": month_text(one.month),
                "insurance": one.insurance,
                "unit": one.unit,
                "base": one.base,
                "employer": one.employer,
                "own": one.own,
            }


def years(life: Life) -> Iterator[Row]:
    """Return the contributions to the pension by year, youngest first."""
    found: dict[int, list[Paid]] = {}
    for one in life.pension_months:
        found.setdefault(one.month // _YEAR, []).append(one)
    for year, paid in reversed(found.items()):
        yield {
            "year": str(year),
            "months": len(paid),
            "base": sum(one.base for one in paid),
            "employer": sum(one.employer for one in paid),
            "own": sum(one.own for one in paid),
        }


def account(life: Life) -> Iterator[Row]:
    """Return the pension account by year, youngest first."""
    for one in reversed(pension_account(life)):
        yield {**_ends(one), "credited": one.own + one.other}


def _ends(one: Year) -> Row:
    return {
        "year": str(one.year),
        "opening": one.opening,
        "interest": one.interest,
        "paid": one.paid,
        "closing": one.closing,
    }


def special_work(life: Life) -> Iterator[Row]:
    """Return the filings of work that is special: heavy, hot, underground."""
    for one in life.stints:
        if one.job.special:
            last = life.now if one.last is None else one.last
            yield {
                "number": life.number("TG", f"special {one.number}"),
                "unit": one.job.unit,
                "work": one.job.post,
                "kind": one.job.special,
                "since": month_text(one.first),
                "until": None if one.last is None else month_text(one.last),
                "months": last - one.first + 1,
            }


def pension_benefit(life: Life) -> Iterator[Row]:
    """Return the pension as it was assessed and as it is now."""
    benefit = pension(life)
    if benefit is not None:
        yield {
            "kind": life.pension_months[-1].insurance + "待遇",
            "since": month_text(benefit.since),
            "months": benefit.months,
            "basic": benefit.basic,
            "account": benefit.account,
            "transitional": benefit.transitional,
            "first": benefit.first,
            "current": pension_of(benefit, life.now),
        }


def pension_payments(life: Life) -> Iterator[Row]:
    """Return what was paid of the pension in the last twelve months, youngest first."""
    benefit = pension(life)
    if benefit is not None:
        for month in range(life.now, max(benefit.since, life.now - _YEAR + 1) - 1, -1):
            yield _payment(life, month, pension_of(benefit, month))


def _payment(life: Life, month: int, amount: int) -> Row:
    return {"month": month_text(month), "amount": amount, "account": life.bank, "state": "已发放"}


def annuity_years(life: Life) -> Iterator[Row]:
    """Return the annuity account by year, youngest first."""
    for one in reversed(annuity_account(life)):
        yield {**_ends(one), "own": one.own, "employer": one.other}


def annuity_benefit(life: Life) -> Iterator[Row]:
    """Return the annuity as it was assessed."""
    balance, monthly = annuity(life)
    if monthly and life.retired is not None:
        yield {
            "kind": "职业年金按月领取",
            "since": month_text(life.retired),
            "balance": balance,
            "divisor": divisor(life),
            "monthly": monthly,
        }


def annuity_payments(life: Life) -> Iterator[Row]:
    """Return what was paid of the annuity in the last twelve months, youngest first: the account pays while it can."""
    _, monthly = annuity(life)
    left = {one.year: one.paid for one in annuity_account(life)}
    if monthly and life.retired is not None:
        for month in range(life.now, max(life.retired, life.now - _YEAR + 1) - 1, -1):
            before = month - max(life.retired, month // _YEAR * _YEAR)
            amount = min(monthly, left[month // _YEAR] - monthly * before)
            if amount > 0:
                yield _payment(life, month, amount)


def medical_credits(life: Life) -> dict[int, int]:
    """Return what each month credits to the personal medical account: the own contribution, then a fixed sum."""
    credited = {
        one.month: one.credited
        for one in life.paid
        if one.insurance == MEDICAL and one.month >= MEDICAL_SINCE and one.credited
    }
    if credited and life.retired is not None and life.pension_months[-1].insurance == PENSION:
        credited |= dict.fromkeys(range(life.retired, life.now + 1), RETIRED_MEDICAL)
    return credited


SECTIONS = {
    "social.enrolment": enrolment,
    "social.contributions": contributions,
    "social.years": years,
    "social.account": account,
    "social.special_work": special_work,
    "pension.benefit": pension_benefit,
    "pension.payments": pension_payments,
    "annuity.account": annuity_years,
    "annuity.benefit": annuity_benefit,
    "annuity.payments": annuity_payments,
}
