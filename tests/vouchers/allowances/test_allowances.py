"""A month's living and travel allowances become one disbursement, by days attended, and reach the cards' accounts."""

import datetime
from typing import Any
from uuid import UUID

import pytest

from ecard.settings import Settings
from tests.bank import Bank
from tests.benefits import REWARD, Office
from tests.bureau import Bureau, refused, rows
from tests.vouchers.credentials.trained import Academy, Trained
from vouchers.allowances.errors import AllowanceTooEarly
from vouchers.allowances.model import LIVING, TRAVEL, Due, Terms, due, month

LIVING_DAY, TRAVEL_DAY = 5_000, 1_200
_BEIJING = datetime.timezone(datetime.timedelta(hours=8))
_LAST_MONTH = """
    UPDATE completion SET decided_at = date_trunc('month', now() AT TIME ZONE 'Asia/Shanghai')
        AT TIME ZONE 'Asia/Shanghai' - interval '3 days' WHERE voucher = $1
"""


def last_month() -> str:
    first = datetime.datetime.now(_BEIJING).date().replace(day=1)
    return f"{first - datetime.timedelta(days=1):%Y-%m}"


class Scheme:
    """A programme whose learners are paid an allowance through a benefit programme."""

    def __init__(self, bureau: Bureau, settings: Settings, *, most_days: int = 22) -> None:
        self.bureau, self.settings = bureau, settings
        self.office, self.academy = Office(bureau), Academy(bureau)
        self.path = f"/v1/voucher-programmes/{self.academy.programme}"
        self.terms = {
            "benefit": self.office.programme["id"],
            "agency": str(self.office.agency),
            "living": LIVING_DAY,
            "travel": TRAVEL_DAY,
            "most_days": most_days,
        }

    def set(self, **changed: Any) -> None:
        self.bureau.training.call("PUT", f"{self.path}/allowance", {**self.terms, **changed})

    def hand_in(self, when: str | None = None) -> dict[str, Any]:
        asked = {"month": when or last_month()}
        made: dict[str, Any] = self.bureau.training.call("POST", f"{self.path}/allowances", asked).json()
        return made

    def trained_last_month(self) -> Trained:
        one = self.academy.train()
        rows(self.settings, _LAST_MONTH, one.voucher)
        return one


def test_days_attended_are_paid_to_the_cards_account(bureau: Bureau, settings: Settings, bank: Bank) -> None:
    scheme = Scheme(bureau, settings)
    scheme.set()
    learners = [scheme.trained_last_month() for _ in range(2)]
    scheme.academy.train()
    batch = scheme.hand_in()
    assert (batch["lines"], batch["total"]) == (4, 2 * (LIVING_DAY + TRAVEL_DAY))
    assert scheme.hand_in() == batch, "once for a month"
    office, review = scheme.office, {"id": batch["batch"], "manifest": batch["manifest"]}
    office.approve(review, 1)
    office.approve(review, 2)
    office.release(review)
    office.until(review, "paid")
    amounts = [tx["amount"] for tx in bank.book().values() if tx["kind"] == "payout"]
    assert amounts.count(LIVING_DAY) >= 2
    for one in learners:
        mine = one.phone.call("GET", "/v1/me/benefits").json()
        assert {line["amount"] for line in mine} == {LIVING_DAY, TRAVEL_DAY}


def test_a_month_that_was_sent_back_is_counted_afresh(bureau: Bureau, settings: Settings) -> None:
    scheme = Scheme(bureau, settings)
    scheme.set()
    scheme.trained_last_month()
    first = scheme.hand_in()
    path = f"/v1/benefit-reviews/{first['batch']}/rejections"
    bureau.finance.call("POST", path, {"manifest": first["manifest"], "reason": "标准有误"})
    scheme.set(living=LIVING_DAY + 100, travel=0)
    again = scheme.hand_in()
    assert (again["batch"], again["lines"], again["total"]) == (first["batch"], 1, LIVING_DAY + 100)
    assert again["manifest"] != first["manifest"]


def test_a_day_is_paid_once_whatever_a_learner_did_on_it(bureau: Bureau, settings: Settings) -> None:
    scheme = Scheme(bureau, settings)
    scheme.set(travel=0)
    one = scheme.trained_last_month()
    scheme.academy.redeem(one)
    again = scheme.academy.train(one.phone)
    rows(settings, _LAST_MONTH, again.voucher)
    assert scheme.hand_in()["total"] == LIVING_DAY, "two trainings on one day"


def test_a_day_that_a_month_paid_for_is_not_paid_by_the_next(bureau: Bureau, settings: Settings) -> None:
    scheme = Scheme(bureau, settings)
    scheme.set(travel=0)
    one = scheme.trained_last_month()
    rows(settings, "UPDATE completion SET decided_at = decided_at - interval '40 days' WHERE voucher = $1", one.voucher)
    scheme.academy.redeem(one)
    rows(settings, _LAST_MONTH, scheme.academy.train(one.phone).voucher)
    before = datetime.date.fromisoformat(f"{last_month()}-01") - datetime.timedelta(days=9)
    assert scheme.hand_in(f"{before:%Y-%m}")["total"] == LIVING_DAY
    with refused("allowance_nothing_due", 409):
        scheme.hand_in()


def test_what_is_not_due_is_not_handed_in(bureau: Bureau, settings: Settings) -> None:
    scheme = Scheme(bureau, settings)
    with refused("allowance_unset", 404):
        scheme.hand_in()
    scheme.set()
    with refused("allowance_nothing_due", 409):
        scheme.hand_in()
    scheme.academy.train()
    with refused("allowance_too_early", 409):
        scheme.hand_in(f"{datetime.datetime.now(_BEIJING):%Y-%m}")
    reversed_ = scheme.trained_last_month()
    scheme.academy.reverse(reversed_)
    with refused("allowance_nothing_due", 409):
        scheme.hand_in()


def test_terms_fit_the_benefit_programme_that_pays_them(bureau: Bureau, settings: Settings) -> None:
    scheme = Scheme(bureau, settings)
    for changed, code in (
        ({"living": 0, "travel": 0}, "invalid_request"),
        ({"benefit": str(Office(bureau, item=REWARD).programme["id"])}, "invalid_request"),
        ({"benefit": str(Office(bureau, components=["living"]).programme["id"])}, "invalid_request"),
        ({"agency": str(bureau.agency)}, "invalid_request"),
        ({"benefit": str(bureau.agency)}, "not_found"),
    ):
        with refused(code):
            scheme.set(**changed)
    with refused("wrong_role", 403):
        bureau.finance.call("GET", f"{scheme.path}/allowance")
    scheme.set()
    assert bureau.training.call("GET", f"{scheme.path}/allowance").json() == scheme.terms


def test_days_count_up_to_the_most_and_what_is_worth_nothing_makes_no_line() -> None:
    one, other = UUID(int=1), UUID(int=2)
    terms = Terms(one, other, living=100, travel=7, most_days=3)
    assert list(due(terms, [(one, 5), (other, 1), (one, 0)])) == [
        Due(one, LIVING, 3, 300),
        Due(one, TRAVEL, 3, 21),
        Due(other, LIVING, 1, 100),
        Due(other, TRAVEL, 1, 7),
    ]
    assert [line.component for line in due(terms._replace(travel=0), [(one, 2)])] == [LIVING]


@pytest.mark.parametrize("today", [datetime.date(2026, 10, 31), datetime.date(2026, 10, 1), datetime.date(2026, 1, 1)])
def test_a_month_is_handed_in_when_it_is_over(today: datetime.date) -> None:
    with pytest.raises(AllowanceTooEarly):
        month("2026-10", today)
    assert month("2025-12", today) == datetime.date(2025, 12, 1)
