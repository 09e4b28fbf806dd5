"""What the systems of medical, maternity, work-injury and unemployment insurance say of a life."""

from collections.abc import Iterator
from typing import NamedTuple

from ecard.records.model import Row
from ecard.records.sandbox import figures
from ecard.records.sandbox.figures import day_text, month_text
from ecard.records.sandbox.insured import medical_credits
from ecard.records.sandbox.life import UNEMPLOYMENT, Life
from ecard.records.sandbox.work import gaps

_BILLS_SINCE = 24
_INSTITUTIONS = (
    ("H64010001", "银川测试人民医院", "三级综合医院", "兴庆区测试街1号"),
    ("H64010002", "银川测试中医院", "二级中医医院", "金凤区测试路8号"),
    ("P64010003", "测试大药房解放街店", "定点零售药店", "兴庆区解放街6号"),
)
_PHARMACY = 2


class Bill(NamedTuple):
    """A visit to a doctor or a pharmacy: who paid which part of it."""

    month: int
    day: int
    place: int
    total: int
    pooled: int
    account: int

    @property
    def cash(self) -> int:
        """What the patient paid."""
        return self.total - self.pooled - self.account


class Move(NamedTuple):
    """A change of the medical account, and what stood in it then."""

    month: int
    day: int
    party: str
    amount: int
    balance: int


def _history(life: Life) -> tuple[list[Bill], list[Move]]:
    """Return every bill and every change of the account, oldest first: what the account pays, it has."""
    credited, insured = medical_credits(life), {one.month for one in life.paid if "医疗" in one.insurance}
    bills: list[Bill] = []
    moves: list[Move] = []
    balance = 0
    for month in range(min(insured, default=life.now + 1), life.now + 1):
        if month in credited:
            balance += credited[month]
            moves.append(Move(month, 3, "月度划入", credited[month], balance))
        if life.draw(f"ill {month}", 5) == 0 and (month in insured or life.retired is not None):
            place = life.draw(f"where {month}", len(_INSTITUTIONS))
            total = 3_000 + life.draw(f"fee {month}", 60_000)
            pooled = 0 if place == _PHARMACY else total * 6 // 10
            bill = Bill(month, 5 + life.draw(f"day {month}", 20), place, total, pooled, min(balance, total - pooled))
            bills.append(bill)
            if bill.account:
                balance -= bill.account
                moves.append(Move(month, bill.day, _INSTITUTIONS[place][1], -bill.account, balance))
    return bills, moves


def account(life: Life) -> Iterator[Row]:
    """Return the medical account by year, youngest first."""
    found: dict[int, list[Move]] = {}
    for one in _history(life)[1]:
        found.setdefault(one.month // 12, []).append(one)
    for year, moves in reversed(found.items()):
        first = moves[0]
        yield {
            "year": str(year),
            "opening": first.balance - first.amount,
            "credited": sum(one.amount for one in moves if one.amount > 0),
            "spent": -sum(one.amount for one in moves if one.amount < 0),
            "closing": moves[-1].balance,
        }


def transactions(life: Life) -> Iterator[Row]:
    """Return the account's changes of the last twelve months, youngest first."""
    for one in reversed(_history(life)[1]):
        if one.month > life.now - 12:
            yield {
                "number": life.number("YB", f"move {one.month} {one.day}"),
                "date": day_text(one.month, one.day),
                "kind": "划入" if one.amount > 0 else "支付",
                "party": one.party,
                "amount": one.amount,
                "balance": one.balance,
            }


def bills(life: Life) -> Iterator[Row]:
    """Return the bills of the last two years, youngest first."""
    for one in reversed(_history(life)[0]):
        if one.month > life.now - _BILLS_SINCE:
            yield {
                "number": life.number("JS", f"bill {one.month}"),
                "date": day_text(one.month, one.day),
                "place": _INSTITUTIONS[one.place][1],
                "total": one.total,
                "pooled": one.pooled,
                "account": one.account,
                "cash": one.cash,
            }


def institutions(life: Life) -> Iterator[Row]:
    """Return the designated institutions near by."""
    del life
    for code, name, kind, address in _INSTITUTIONS:
        yield {"code": code, "name": name, "kind": kind, "address": address}


def _birth(life: Life) -> tuple[int, int] | None:
    """Return the month of a birth and the base of the month before, None without insurance then."""
    month = life.happened(life.persona.birth)
    stint = life.working(month - 1) if month is not None else None
    if month is None or stint is None or stint.job.kind not in {"enterprise", "institution"}:
        return None
    return month, life.base(stint, month - 1)


def maternity(life: Life) -> Iterator[Row]:
    """Return the maternity allowance: the monthly wage that was contributed on, by days."""
    born = _birth(life)
    if born is not None:
        month, base = born
        yield {
            "number": life.number("SYJ", "maternity"),
            "born": day_text(month, 12),
            "base": base,
            "days": figures.MATERNITY_DAYS,
            "amount": base * figures.MATERNITY_DAYS // 30,
            "paid": day_text(month + 2, 10),
        }


def maternity_bills(life: Life) -> Iterator[Row]:
    """Return the bills of a birth."""
    born = _birth(life)
    for n, (back, total) in enumerate([(6, 40_000), (3, 55_000), (0, 680_000)] if born else []):
        month = (born[0] if born else 0) - back
        pooled = total * 8 // 10
        yield {
            "number": life.number("SYF", f"maternity bill {n}"),
            "date": day_text(month, 14),
            "place": _INSTITUTIONS[0][1],
            "total": total,
            "pooled": pooled,
            "cash": total - pooled,
        }


def recognition(life: Life) -> Iterator[Row]:
    """Return the recognition of an injury at the work that was had then."""
    injury = life.persona.injury
    month = life.happened(injury.age) if injury else None
    stint = life.working(month) if month is not None else None
    if injury is not None and month is not None and stint is not None:
        yield {
            "number": life.number("工伤认", "recognition"),
            "unit": stint.job.unit,
            "injured": day_text(month, 9),
            "part": injury.part,
            "decided": day_text(month + 1, 20),
            "result": "予以认定工伤",
        }


def assessment(life: Life) -> Iterator[Row]:
    """Return the assessment of a recognised injury."""
    for one in recognition(life):
        injury = life.persona.injury
        month = life.at(injury.age) if injury else 0
        if injury is not None and month + 4 <= life.now:
            yield {
                "number": life.number("劳鉴", "assessment"),
                "recognition": one["number"],
                "decided": day_text(month + 4, 18),
                "grade": f"{injury.grade}级",
            }


def injury_benefits(life: Life) -> Iterator[Row]:
    """Return the lump sum of a grade: months of the wage that was contributed on (工伤保险条例)."""
    injury = life.persona.injury
    for one in assessment(life):
        month = life.at(injury.age) if injury else 0
        stint = life.working(month)
        if injury is not None and stint is not None:
            wage, months = life.base(stint, month), figures.LUMP_MONTHS[injury.grade]
            yield {
                "number": life.number("工伤待", "injury benefit"),
                "recognition": one["recognition"],
                "benefit": "一次性伤残补助金",
                "wage": wage,
                "months": months,
                "amount": wage * months,
                "paid": day_text(month + 6, 10) if month + 6 <= life.now else None,
            }


class Drawn(NamedTuple):
    """A time on benefit: how long was contributed, how long is granted, since when, how long it was drawn."""

    number: str
    insured: int
    granted: int
    monthly: int
    since: int
    drawn: int
    open: bool


def _drawn(life: Life) -> list[Drawn]:
    """Return every time on benefit, oldest first; who left of the own will gets none (失业保险条例 第十四条)."""
    found: list[Drawn] = []
    counted = [one.month for one in life.paid if one.insurance == UNEMPLOYMENT]
    used = 0
    for stint, first, last in gaps(life):
        insured = sum(1 for month in counted if used < month < first)
        granted = figures.granted(insured)
        if stint.job.dismissed and granted and first <= life.now:
            drawn = min(granted, (life.now if last is None else last) - first + 1)
            monthly = figures.minimum(first // 12) * 8 // 10
            number = life.number("SB", f"benefit {stint.number}")
            found.append(Drawn(number, insured, granted, monthly, first, drawn, last is None and drawn < granted))
            used = first
    return found


def unemployment(life: Life) -> Iterator[Row]:
    """Return the benefit as it was granted, youngest first."""
    for one in reversed(_drawn(life)):
        yield {
            "number": one.number,
            "insured": one.insured,
            "entitled": one.granted,
            "monthly": one.monthly,
            "since": month_text(one.since),
            "drawn": one.drawn,
            "state": "领取中" if one.open else "已停发",
        }


def unemployment_payments(life: Life) -> Iterator[Row]:
    """Return every month's benefit, youngest first."""
    for one in reversed(_drawn(life)):
        for month in range(one.since + one.drawn - 1, one.since - 1, -1):
            yield {
                "month": month_text(month),
                "benefit": one.number,
                "amount": one.monthly,
                "account": life.bank,
            }


SECTIONS = {
    "medical.account": account,
    "medical.transactions": transactions,
    "medical.bills": bills,
    "medical.institutions": institutions,
    "maternity.benefits": maternity,
    "maternity.bills": maternity_bills,
    "injury.recognition": recognition,
    "injury.assessment": assessment,
    "injury.benefits": injury_benefits,
    "unemployment.benefit": unemployment,
    "unemployment.payments": unemployment_payments,
}
