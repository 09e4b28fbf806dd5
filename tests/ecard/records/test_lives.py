"""The sandbox's lives: what one system shows agrees with what another does, for the twelve and for everybody else."""

import datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecard.cards.model import Profile
from ecard.cards.sandbox import AREA
from ecard.catalogue.load import load
from ecard.numbers import resident_id
from ecard.records.layout import load_layout
from ecard.records.model import checked
from ecard.records.sandbox.figures import DIVISORS, LUMP_MONTHS, month_of
from ecard.records.sandbox.life import Life
from ecard.records.sandbox.personas import persona_of, personas
from ecard.records.sandbox.systems import SECTIONS

TODAY = datetime.date(2026, 11, 25)
LAYOUT = load_layout(load())
PENSIONS = ("基本养老保险", "城乡居民基本养老保险")
Rows = list[dict[str, Any]]
NAMES = [one.name for one in personas()]


def profile_of(name: str, id_no: str) -> Profile:
    born = resident_id.birth_date(id_no)
    return Profile(
        name=name,
        id_no=id_no,
        sex=resident_id.sex(id_no).value,
        birth_date=born.isoformat(),
        card_no="T00000001",
        issuing_area="640100",
        bank_account="6299990000000000004",
    )


@cache
def records(name: str, id_no: str, today: datetime.date = TODAY) -> dict[str, Rows]:
    """Return everything that the sandbox's systems say of a person, as it is let through."""
    life = Life(profile_of(name, id_no), today)
    return {section: list(checked(LAYOUT.sections[section], list(fill(life)))) for section, fill in SECTIONS.items()}


def of(persona: str, today: datetime.date = TODAY) -> dict[str, Rows]:
    return records(persona, next(one.id_no for one in personas() if one.name == persona), today)


def month(text: str) -> int:
    return month_of(int(text[:4]), int(text[5:7]))


def check(found: dict[str, Rows]) -> None:
    """Check every sum that two sections share."""
    years, account = found["social.years"], found["social.account"]
    enrolled = {row["insurance"]: row for row in found["social.enrolment"]}
    pension = next((enrolled[name] for name in PENSIONS if name in enrolled), None)
    assert (pension["months"] if pension else 0) == sum(row["months"] for row in years)
    chained(account, lambda row: row["credited"] + row["interest"] - row["paid"])
    chained(found["annuity.account"], lambda row: row["own"] + row["employer"] + row["interest"] - row["paid"])
    chained(found["fund.years"], lambda row: row["deposited"] + row["interest"] - row["withdrawn"])
    chained(found["medical.account"], lambda row: row["credited"] - row["spent"])
    if pension and pension["insurance"] == PENSIONS[0] and all(row["employer"] for row in years):
        assert [row["own"] for row in years] == [row["credited"] for row in account if row["credited"]]
    for row in found["social.contributions"]:
        assert row["month"] <= enrolled[row["insurance"]]["until"]
    retired(found)
    bills(found)
    fund(found)
    unemployment(found)


def chained(rows: Rows, moved: Any) -> None:
    """Check that each year begins with what the one before left, the first with nothing."""
    for row, before in zip(rows, [*rows[1:], None], strict=False):
        assert row["opening"] == (before["closing"] if before else 0)
        assert row["closing"] == row["opening"] + moved(row)


def retired(found: dict[str, Rows]) -> None:
    """The pension is that of the contributions, and what is paid is the pension."""
    for benefit in found["pension.benefit"]:
        assert benefit["first"] == benefit["basic"] + benefit["account"] + benefit["transitional"]
        assert benefit["months"] >= sum(row["months"] for row in found["social.years"])
        year = next(row for row in found["social.account"] if row["year"] == benefit["since"][:4])
        at_retirement = year["opening"] + year["credited"]
        assert benefit["account"] in {at_retirement // divisor for divisor in DIVISORS.values()}
        assert found["pension.payments"][0]["amount"] == benefit["current"] >= benefit["first"]
        assert all(row["month"] >= benefit["since"] for row in found["pension.payments"])
        assert all(row["month"] < benefit["since"] for row in found["social.contributions"])
    for benefit in found["annuity.benefit"]:
        assert benefit["balance"] // benefit["divisor"] == benefit["monthly"]
        year = next(row for row in found["annuity.account"] if row["year"] == benefit["since"][:4])
        assert year["opening"] + year["own"] + year["employer"] == benefit["balance"]
        by_year = {row["year"]: row["paid"] for row in found["annuity.account"]}
        for number, paid in by_year.items():
            shown = [row["amount"] for row in found["annuity.payments"] if row["month"].startswith(number)]
            assert sum(shown) <= paid <= benefit["monthly"] * 12


def bills(found: dict[str, Rows]) -> None:
    """Who paid which part of a bill adds up, and what the account paid left the account."""
    spent = {(row["date"], -row["amount"]) for row in found["medical.transactions"] if row["kind"] == "支付"}
    for row in found["medical.bills"]:
        assert row["total"] == row["pooled"] + row["account"] + row["cash"]
    assert spent <= {(row["date"], row["account"]) for row in found["medical.bills"]}
    if found["medical.transactions"]:
        assert found["medical.transactions"][0]["balance"] == found["medical.account"][0]["closing"]
    for row in found["maternity.bills"]:
        assert row["total"] == row["pooled"] + row["cash"]
    for row in found["maternity.benefits"]:
        assert row["amount"] == row["base"] * row["days"] // 30
    for row in found["injury.benefits"]:
        [grade] = [int(one["grade"][:-1]) for one in found["injury.assessment"]]
        assert row["amount"] == row["wage"] * row["months"] == row["wage"] * LUMP_MONTHS[grade]
        assert row["recognition"] == found["injury.recognition"][0]["number"]


def fund(found: dict[str, Rows]) -> None:
    """The housing fund's balance is its last year's, its loan is what the credit record says."""
    for row in found["fund.account"]:
        assert row["balance"] == found["fund.years"][0]["closing"]
    for row in found["fund.entries"]:
        assert row["employer"] == row["own"]
    for row in found["fund.loan"]:
        assert row["balance"] == found["fund.repayments"][0]["balance"] == found["credit.commitments"][0]["amount"]
        assert 0 <= row["balance"] <= row["principal"]
        assert row["number"] == found["credit.commitments"][0]["number"]
    assert found["credit.public"][0]["count"] == len(found["credit.commitments"])


def unemployment(found: dict[str, Rows]) -> None:
    """Benefit is drawn while nothing is contributed, as long as it was granted."""
    for row in found["unemployment.benefit"]:
        paid = [one for one in found["unemployment.payments"] if one["benefit"] == row["number"]]
        assert len(paid) == row["drawn"] <= row["entitled"]
        assert {one["amount"] for one in paid} == {row["monthly"]}
        for job in found["employment.employed"]:
            until = month(job["until"]) if job["until"] else month_of(9999, 1)
            assert not any(month(job["since"]) <= month(one["month"]) <= until for one in paid)
    for row in found["disputes.arbitration"]:
        assert row["mediation"] == found["disputes.mediation"][0]["number"]
        claimed, recovered = found["disputes.mediation"][0]["claimed"], found["supervision.cases"][0]["recovered"]
        assert row["awarded"] == claimed == recovered
    for row in found["contracts.contracts"]:
        assert row["unit"] in {job["unit"] for job in found["employment.employed"]}


def test_there_are_twelve_and_their_numbers_are_nobodys() -> None:
    assert len(personas()) == len({one.id_no for one in personas()}) == 12
    for one in personas():
        assert one.id_no.startswith(AREA)
        assert resident_id.is_valid(one.id_no, TODAY)


@pytest.mark.parametrize("name", NAMES)
def test_a_personas_records_agree_in_every_sum_that_they_share(name: str) -> None:
    check(of(name))
    check(of(name, datetime.date(2031, 2, 1)))


@settings(max_examples=15, deadline=None)
@given(
    born=st.dates(datetime.date(1930, 1, 1), TODAY - datetime.timedelta(days=40)),
    sequence=st.integers(0, 999),
    today=st.dates(TODAY, datetime.date(2028, 12, 31)),
)
def test_so_do_those_of_anybody_else_whoever_lives_whatever_life(
    born: datetime.date, sequence: int, today: datetime.date
) -> None:
    seventeen = f"{AREA}{born:%Y%m%d}{sequence:03d}"
    check(records("测试", seventeen + resident_id.check_digit(seventeen), today))


def test_a_person_always_lives_the_same_life_and_the_twelve_their_own() -> None:
    for one in personas():
        assert persona_of(profile_of(one.name, one.id_no), TODAY) is one
    seventeen = f"{AREA}19900307881"
    other = profile_of("测试甲", seventeen + resident_id.check_digit(seventeen))
    assert persona_of(other, TODAY) is persona_of(other, TODAY)
    assert persona_of(other, TODAY).ages[0] <= 36 <= persona_of(other, TODAY).ages[1]


def test_between_them_the_twelve_have_something_in_every_section() -> None:
    seen = {section for name in NAMES for section, rows in of(name).items() if rows}
    assert seen == SECTIONS.keys()


def test_who_is_retired_draws_a_pension_and_who_is_unemployed_a_benefit() -> None:
    assert of("王守业")["pension.benefit"][0]["months"] == 480
    assert of("陈静仪")["annuity.payments"]
    assert of("马五福")["pension.benefit"][0]["basic"] == 20_300
    assert of("田秀兰")["unemployment.benefit"][0]["entitled"] == 24
    assert of("何思语")["maternity.benefits"]
    assert of("杨石头")["supervision.cases"]
