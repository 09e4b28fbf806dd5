"""A break is closed by two operators of finance, once, with a journal of its own; or by a later file."""

from typing import Any

import pytest

from ecard.client import Operator
from tests.bureau import Bureau, outcomes, refused
from tests.pay.reconciliation.days import Day

NOBODY = "0198c2d1-f0a3-7c4e-9b1d-5a6e7f809b1c"


@pytest.fixture(scope="module")
def second(bureau: Bureau) -> Operator:
    return bureau.security.register_operator("复核", "finance")


@pytest.fixture
def broken(day: Day) -> dict[str, Any]:
    """A payment of 12.50 that the bank took as 13.00."""
    [line] = day.lines(day.shop.paid(1250))
    day.reconcile([line.replace("|1250|", "|1300|")])
    return day.one()


def propose(by: Operator, broken: dict[str, Any], how: str) -> dict[str, Any]:
    made: dict[str, Any] = by.call("POST", f"/v1/breaks/{broken['id']}/proposal", {"how": how, "note": "已查"}).json()
    return made


def decide(by: Operator, broken: dict[str, Any], *, agree: bool = True) -> dict[str, Any]:
    made: dict[str, Any] = by.call("POST", f"/v1/breaks/{broken['id']}/decision", {"agree": agree}).json()
    return made


def test_who_proposed_may_not_decide(day: Day, broken: dict[str, Any], second: Operator) -> None:
    before = day.suspense
    assert propose(day.finance, broken, "platform")["state"] == "proposed"
    with refused("recon_same_person", 403):
        decide(day.finance, broken)
    assert day.suspense == before
    closed = decide(second, broken)
    assert (closed["state"], closed["how"]) == ("closed", "platform")
    assert closed["proposed_by"] != closed["decided_by"]


@pytest.mark.parametrize("how", ["corrected", "merchant", "platform"])
def test_what_was_agreed_on_is_posted_and_leaves_suspense(
    day: Day, broken: dict[str, Any], second: Operator, how: str
) -> None:
    merchant = ("merchant", str(day.shop.agency), "merchant_payable")
    platform = ("platform", "", "fee")
    before = (day.suspense, day.clearing, day.balance(*merchant), day.balance(*platform))
    propose(day.finance, broken, how)
    decide(second, broken)
    after = (day.suspense, day.clearing, day.balance(*merchant), day.balance(*platform))
    moved = {"corrected": (50, 0, 0), "merchant": (0, 50, 0), "platform": (0, 0, 50)}[how]
    assert tuple(new - old for old, new in zip(before, after, strict=True)) == (-50, *moved)
    # A later file with nothing new on it leaves closed what was closed.
    assert day.reconcile([], day=day.next)["opened"] == 0


def test_a_proposal_that_is_refused_leaves_the_break_open(day: Day, broken: dict[str, Any], second: Operator) -> None:
    before = day.suspense
    propose(day.finance, broken, "merchant")
    opened = decide(second, broken, agree=False)
    assert (opened["state"], opened["how"], day.suspense) == ("open", None, before)
    with refused("recon_nothing_proposed", 409):
        decide(second, broken)


def test_of_many_decisions_at_once_one_is_carried_out(day: Day, broken: dict[str, Any], second: Operator) -> None:
    before = day.suspense
    propose(day.finance, broken, "platform")
    found = outcomes([lambda: decide(second, broken)] * 8)
    assert found == {"ok": 1, "recon_nothing_proposed": 7}
    assert day.suspense == before - 50


def test_a_break_without_an_order_has_no_merchant(day: Day) -> None:
    day.reconcile([f"pay|Xlone{day.date:%Y%m%d}||300|D|0004|2026-01-05T01:02:03Z"])
    with refused("recon_no_merchant", 409):
        propose(day.finance, day.one(), "merchant")
    propose(day.finance, day.one(), "platform")
    with refused("recon_break_not_open", 409):
        propose(day.finance, day.one(), "corrected")
    with refused("not_found", 404):
        propose(day.finance, {"id": NOBODY}, "platform")


def test_what_a_bank_gives_back_after_a_break_was_closed_is_a_break_of_its_own(day: Day, second: Operator) -> None:
    line = f"pay|Xback{day.date:%Y%m%d}||300|D|0004|2026-01-05T01:02:03Z"
    day.reconcile([line])
    propose(day.finance, day.one(), "platform")
    decide(second, day.one())
    before = day.suspense
    day.reconcile([line.replace("pay|", "reverse|").replace("|D|", "|C|")], day=day.next)
    [found] = day.breaks(day=day.next)
    assert (found["amount"], day.suspense - before) == (-300, -300)
