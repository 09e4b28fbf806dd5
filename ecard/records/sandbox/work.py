"""What the systems of employment and labour relations say of a life."""

from collections.abc import Iterator

from ecard.records.model import Row
from ecard.records.sandbox.figures import bp, day_text, minimum, month_text
from ecard.records.sandbox.life import Life, Stint

_AREA = "银川市"
_KINDS = {"enterprise": "单位就业", "institution": "单位就业", "flexible": "灵活就业"}
_BUREAU = f"{_AREA}人力资源和社会保障局"
_OPEN_ENDED = 120
"""Months with one employer after which a contract is without term (劳动合同法 第十四条)."""


def jobs_of(life: Life) -> list[Stint]:
    """Return the jobs that are registered: a resident's own land is none."""
    return [one for one in life.stints if one.job.kind != "resident"]


def employed(life: Life) -> Iterator[Row]:
    """Return the registrations of employment, youngest first."""
    for one in reversed(jobs_of(life)):
        yield {
            "number": life.number("JY", f"job {one.number}"),
            "unit": one.job.unit,
            "kind": _KINDS[one.job.kind],
            "since": day_text(one.first, 1),
            "until": None if one.last is None else day_text(one.last, 28),
            "state": "在业" if one.last is None else "已终止",
        }


def gaps(life: Life) -> list[tuple[Stint, int, int | None]]:
    """Return the times without work after a job: the job, the first month, the last (None: it lasts), oldest first."""
    found: list[tuple[Stint, int, int | None]] = []
    jobs = jobs_of(life)
    for n, one in enumerate(jobs):
        until = jobs[n + 1].first - 1 if n + 1 < len(jobs) else None
        if one.last is None or (until is None and life.retired is not None):
            continue
        if until is None or until > one.last:
            found.append((one, one.last + 1, until))
    return found


def unemployed(life: Life) -> Iterator[Row]:
    """Return the registrations of unemployment, youngest first."""
    for one, first, last in reversed(gaps(life)):
        yield {
            "number": life.number("SY", f"gap {one.number}"),
            "since": day_text(first, 3),
            "cause": "终止、解除劳动合同（非本人意愿）" if one.job.dismissed else "本人原因离职",
            "until": None if last is None else day_text(last, 25),
            "state": "登记失业" if last is None else "已注销（再就业）",
        }


def book(life: Life) -> Iterator[Row]:
    """Return the employment book of who ever was registered."""
    jobs = jobs_of(life)
    if jobs:
        issued = day_text(jobs[0].first, 8)
        yield {"number": life.number("64", "book"), "issuer": _BUREAU, "issued": issued, "state": "有效"}


def support(life: Life) -> Iterator[Row]:
    """Return the support that was had or may be had; a subsidy is two thirds of the contributions that it is for."""
    for one in jobs_of(life):
        last = life.now if one.last is None else one.last
        if one.job.kind == "flexible" and life.persona.assistance:
            paid = [each for each in life.paid if one.first <= each.month <= last and each.month < one.first + 36]
            yield {
                "policy": "灵活就业社会保险补贴",
                "state": "享受中" if one.last is None and life.now < one.first + 36 else "已享受",
                "since": month_text(one.first),
                "until": month_text(min(last, one.first + 35)),
                "amount": sum(each.own for each in paid) * 2 // 3,
            }
    if gaps(life) and gaps(life)[-1][2] is None:
        yield {"policy": "职业培训补贴", "state": "可享受", "since": None, "until": None, "amount": 0}
        yield {"policy": "创业担保贷款贴息", "state": "可享受", "since": None, "until": None, "amount": 0}


def assistance(life: Life) -> Iterator[Row]:
    """Return whether somebody is recognised for assistance: after half a year without work."""
    if life.persona.assistance and gaps(life):
        _, first, last = gaps(life)[-1]
        yield {
            "number": life.number("YZ", "assistance"),
            "category": life.persona.assistance,
            "recognised": day_text(first + 6, 15),
            "until": None if last is None else day_text(last, 25),
            "state": "有效" if last is None else "已退出",
        }


def matches(life: Life) -> Iterator[Row]:
    """Return vacancies near the last work and its wage; nobody retired is matched with one."""
    if life.retired is not None or life.profile.birth_date[:4] > str(life.today.year - 16):
        return
    last = jobs_of(life)[-1] if jobs_of(life) else None
    wage = life.wage(last, life.now) if last else minimum(life.today.year)
    post = last.job.post if last else "综合服务员"
    for n, (unit, place) in enumerate(
        [("贺兰测试食品厂", "贺兰县"), ("灵武测试物流园", "灵武市"), ("测试社区服务中心", "金凤区")]
    ):
        yield {
            "number": life.number("GW", f"match {n}"),
            "unit": unit,
            "post": post,
            "place": place,
            "wage_from": bp(wage, 9_000 + 500 * n) // 10_000 * 10_000,
            "wage_to": bp(wage, 11_500 + 500 * n) // 10_000 * 10_000,
            "seats": 1 + life.draw(f"seats {n}", 5),
        }


def archive(life: Life) -> Iterator[Row]:
    """Return where the personnel file is kept."""
    if life.persona.archive and jobs_of(life):
        first = jobs_of(life)[0]
        yield {
            "number": life.number("DA", "archive"),
            "keeper": life.persona.archive,
            "since": day_text(first.first, 20),
            "origin": "毕业院校",
            "state": "在库" if life.retired is None else "已转退休管理机构",
        }


def contracts(life: Life) -> Iterator[Row]:
    """Return the labour contracts, youngest first: each job has one, at the wage that contributions are paid on."""
    for one in reversed(jobs_of(life)):
        if one.job.kind == "enterprise":
            last = life.now if one.last is None else one.last
            open_ended = last - one.first >= _OPEN_ENDED
            yield {
                "number": life.number("HT", f"contract {one.number}"),
                "unit": one.job.unit,
                "kind": "无固定期限" if open_ended else "固定期限",
                "signed": day_text(one.first, 1),
                "until": None if open_ended else day_text(max(last, one.first + 35), 28),
                "post": one.job.post,
                "wage": life.wage(one, last),
                "state": "履行中" if one.last is None else "已终止",
            }


def _owed(life: Life) -> tuple[Stint, int, int] | None:
    """Return the job whose wages were not paid, in which month it came out, and how much."""
    dispute = life.persona.dispute
    month = life.happened(dispute.age) if dispute else None
    stint = life.working(month - 1) if month is not None else None
    if dispute is None or month is None or stint is None:
        return None
    return stint, month, sum(life.wage(stint, month - 1 - n) for n in range(dispute.months))


def mediation(life: Life) -> Iterator[Row]:
    """Return the mediation of wages not paid."""
    owed = _owed(life)
    if owed is not None:
        stint, month, amount = owed
        yield {
            "number": life.number("调解", "mediation"),
            "unit": stint.job.unit,
            "cause": "拖欠劳动报酬",
            "opened": day_text(month, 5),
            "claimed": amount,
            "result": "调解不成, 告知申请仲裁",
        }


def arbitration(life: Life) -> Iterator[Row]:
    """Return the award of what mediation did not settle."""
    owed = _owed(life)
    if owed is not None:
        stint, month, amount = owed
        yield {
            "number": life.number("仲裁", "arbitration"),
            "mediation": life.number("调解", "mediation"),
            "unit": stint.job.unit,
            "cause": "追索劳动报酬",
            "opened": day_text(month, 20),
            "awarded": amount,
            "result": "裁决支持申请人请求",
        }


def supervision(life: Life) -> Iterator[Row]:
    """Return the inspection that recovered what was awarded."""
    owed = _owed(life)
    if owed is not None:
        stint, month, amount = owed
        yield {
            "number": life.number("监察", "supervision"),
            "unit": stint.job.unit,
            "cause": "拖欠工资",
            "opened": day_text(month, 8),
            "recovered": amount,
            "state": "已结案, 工资已发放",
        }


SECTIONS = {
    "employment.employed": employed,
    "employment.unemployed": unemployed,
    "employment.book": book,
    "employment.support": support,
    "employment.assistance": assistance,
    "jobs.matches": matches,
    "archives.file": archive,
    "contracts.contracts": contracts,
    "disputes.mediation": mediation,
    "disputes.arbitration": arbitration,
    "supervision.cases": supervision,
}
