"""What the systems of examinations, certificates, housing fund and credit say of a life."""

from collections.abc import Iterator
from typing import NamedTuple

from ecard.records.model import Row
from ecard.records.sandbox.figures import LOAN_RATE, day_text, month_text
from ecard.records.sandbox.life import Life
from ecard.records.sandbox.money import deposits, fund_account
from ecard.records.sandbox.personas import Proof

_ISSUER = "人力资源和社会保障部门"


def results(life: Life) -> Iterator[Row]:
    """Return the results of examinations."""
    for exam in life.persona.exam:
        month = life.happened(exam.age)
        for subject, score in exam.subjects.items() if month is not None else ():
            yield {
                "exam": exam.name,
                "subject": subject,
                "date": day_text(month or 0, 16),
                "score": score,
                "pass": exam.mark,
                "result": "合格" if score >= exam.mark else "不合格",
            }


def exam_certificates(life: Life) -> Iterator[Row]:
    """Return the certificates of the examinations that were passed in every subject."""
    for exam in life.persona.exam:
        month = life.happened(exam.age)
        if month is not None and min(exam.subjects.values()) >= exam.mark:
            yield {
                "number": life.number("", f"exam {exam.name}"),
                "exam": exam.name,
                "issued": day_text(month + 3, 20),
                "issuer": _ISSUER,
            }


def _had(life: Life, proofs: tuple[Proof, ...]) -> Iterator[tuple[str, Proof, str]]:
    """Return number, certificate and day of those that a person has by now."""
    for proof in proofs:
        month = life.happened(proof.age)
        if month is not None:
            yield life.number("", f"{proof.name} {proof.level}"), proof, day_text(month, 30 if month % 12 != 1 else 28)


def professional(life: Life) -> Iterator[Row]:
    """Return the professional qualifications."""
    for number, proof, day in _had(life, life.persona.professional):
        yield {"number": number, "name": proof.name, "level": proof.level, "issuer": proof.by, "issued": day}


def vocational(life: Life) -> Iterator[Row]:
    """Return the vocational qualifications."""
    yield from _coded(life, life.persona.vocational)


def skill(life: Life) -> Iterator[Row]:
    """Return the skill levels."""
    yield from _coded(life, life.persona.skill)


def _coded(life: Life, proofs: tuple[Proof, ...]) -> Iterator[Row]:
    for number, proof, day in _had(life, proofs):
        named = {"code": proof.code, "name": proof.name, "level": proof.level}
        yield {"number": number, **named, "issuer": proof.by, "issued": day}


def diploma(life: Life) -> Iterator[Row]:
    """Return the diplomas of technical colleges."""
    for number, proof, day in _had(life, life.persona.diploma):
        yield {"number": number, "school": proof.by, "major": proof.name, "level": proof.level, "graduated": day}


def fund(life: Life) -> Iterator[Row]:
    """Return the account of the housing fund."""
    paid, years = deposits(life), fund_account(life)
    if paid:
        last = paid[-1]
        yield {
            "number": life.number("GJJ", "fund"),
            "unit": last.unit,
            "base": last.base,
            "monthly": 2 * last.half,
            "balance": years[-1].closing,
            "until": month_text(last.month),
            "state": "正常" if last.month == life.now else "封存" if years[-1].closing else "销户（退休提取）",
        }


def fund_years(life: Life) -> Iterator[Row]:
    """Return the account by year, youngest first."""
    for one in reversed(fund_account(life)):
        yield {
            "year": str(one.year),
            "opening": one.opening,
            "deposited": one.own + one.other,
            "withdrawn": one.paid,
            "interest": one.interest,
            "closing": one.closing,
        }


def fund_entries(life: Life) -> Iterator[Row]:
    """Return the deposits of the last twelve months, youngest first."""
    for one in reversed(deposits(life)):
        if one.month > life.now - 12:
            yield {"month": month_text(one.month), "base": one.base, "employer": one.half, "own": one.half}


class Instalment(NamedTuple):
    """A month's repayment, and what is left."""

    month: int
    principal: int
    interest: int
    balance: int


def _instalments(life: Life) -> list[Instalment]:
    """Return what was repaid, oldest first: equal parts of the principal, interest of what is left (等额本金)."""
    loan = life.persona.loan
    since = life.happened(loan.age) if loan else None
    found: list[Instalment] = []
    if loan is None or since is None or not deposits(life):
        return found
    balance = loan.amount * 100
    for n in range(min(loan.months, life.now - since)):
        principal = balance if n == loan.months - 1 else loan.amount * 100 // loan.months
        interest = balance * LOAN_RATE // (10_000 * 12)
        balance -= principal
        found.append(Instalment(since + 1 + n, principal, interest, balance))
    return found


def loan(life: Life) -> Iterator[Row]:
    """Return the loan of the housing fund."""
    owed, repaid = life.persona.loan, _instalments(life)
    if owed is not None and repaid:
        yield {
            "number": life.number("DK", "loan"),
            "principal": owed.amount * 100,
            "since": month_text(life.at(owed.age)),
            "months": owed.months,
            "repaid": len(repaid),
            "balance": repaid[-1].balance,
            "state": "正常还款" if repaid[-1].balance else "已结清",
        }


def repayments(life: Life) -> Iterator[Row]:
    """Return the last twelve instalments, youngest first."""
    for one in reversed(_instalments(life)[-12:]):
        yield {
            "month": month_text(one.month),
            "principal": one.principal,
            "interest": one.interest,
            "balance": one.balance,
        }


def credit(life: Life) -> Iterator[Row]:
    """Return how many records of each kind there are: a fictitious person keeps what was promised."""
    kept = list(commitments(life))
    yield {"kind": "守信与履约记录", "count": len(kept), "latest": kept[0]["state"] if kept else None}
    for kind in ("行政处罚", "失信被执行", "严重失信主体名单"):
        yield {"kind": kind, "count": 0, "latest": None}


def commitments(life: Life) -> Iterator[Row]:
    """Return contracts kept: the loan of the housing fund, as the fund has it."""
    for one in loan(life):
        yield {
            "number": one["number"],
            "kind": "公积金贷款按期还款",
            "party": "住房公积金管理中心",
            "amount": one["balance"],
            "state": one["state"],
        }


SECTIONS = {
    "exams.results": results,
    "exams.certificates": exam_certificates,
    "qualifications.professional": professional,
    "qualifications.vocational": vocational,
    "qualifications.skill": skill,
    "qualifications.diploma": diploma,
    "fund.account": fund,
    "fund.years": fund_years,
    "fund.entries": fund_entries,
    "fund.loan": loan,
    "fund.repayments": repayments,
    "credit.public": credit,
    "credit.commitments": commitments,
}
