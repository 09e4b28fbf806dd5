"""What the bank's file and the books agree on stays as it is; each thing they do not is a break, booked to suspense."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from tests.bureau import outcomes, refused, rows
from tests.pay.reconciliation.days import Day
from tests.shop import payer

UNKNOWN = "X0198c2d1f0a37c4e9b1d5a6e7f809b1c"


def test_what_agrees_opens_nothing(day: Day) -> None:
    paid, refunded = day.shop.paid(), day.shop.paid(900)
    day.shop.refund(refunded, 400)
    before = day.suspense
    made = day.reconcile(day.lines(paid, refunded))
    assert (made["lines"], made["bad"], made["whole"], made["opened"]) == (3, 0, True, 0)
    assert (day.breaks(), day.suspense) == ([], before)


def missing_ours(lines: list[str]) -> list[str]:
    return [*lines, f"pay|{UNKNOWN}||300|D|0004|2026-01-05T01:02:03Z"]


def missing_theirs(_: list[str]) -> list[str]:
    return []


def amount(lines: list[str]) -> list[str]:
    return [lines[0].replace("|1250|", "|1300|")]


def duplicate(lines: list[str]) -> list[str]:
    return lines * 2


def returned(lines: list[str]) -> list[str]:
    return [lines[0], lines[0].replace("pay|", "reverse|").replace("|D|", "|C|")]


@pytest.mark.parametrize(
    ("change", "difference"),
    [(missing_ours, 300), (missing_theirs, -1250), (amount, 50), (duplicate, 1250), (returned, -1250)],
)
def test_what_differs_is_a_break_and_stands_in_suspense(
    day: Day, change: Callable[[list[str]], list[str]], difference: int
) -> None:
    order = day.shop.paid(1250)
    lines = [line.replace(UNKNOWN, f"X{order['id'].replace('-', '')}") for line in change(day.lines(order))]
    suspense, clearing = day.suspense, day.clearing
    assert day.reconcile(lines)["opened"] == 1
    found = day.one()
    assert (found["kind"], found["amount"], found["state"]) == (change.__name__, difference, "open")
    assert found["order"] == (None if change is missing_ours else order["id"])
    assert (day.suspense - suspense, day.clearing - clearing) == (difference, -difference)


def test_money_that_the_bank_moved_for_an_order_that_failed_is_a_break_of_status(day: Day) -> None:
    day.bank.fault("decline", on="pay")
    order = day.shop.charge(payer(day.shop.bureau).code("pay"))
    assert order["state"] == "failed"
    day.lines(order)
    [ref] = rows(day.settings, "SELECT bank_ref FROM bank_attempt WHERE order_id = $1::text::uuid", order["id"])
    day.reconcile([f"pay|{ref[0]}||1250|D|0004|2026-01-05T01:02:03Z"])
    assert (day.one()["kind"], day.one()["amount"]) == ("status", 1250)


def test_what_was_late_at_the_end_of_the_day_is_closed_by_the_next_days_file(day: Day) -> None:
    arrives, lost = day.shop.paid(), day.shop.paid(700)
    tomorrow = day.lines(arrives, lost, at="23:45")
    before = day.suspense
    day.reconcile([])
    assert [one["kind"] for one in day.breaks()] == ["late", "late"]
    assert day.suspense == before - 1950
    made = day.reconcile([line for line in tomorrow if "|1250|" in line], day=day.next)
    assert (made["closed"], made["opened"]) == (1, 0)
    by_order = {one["order"]: one for one in day.breaks()}
    assert (by_order[arrives["id"]]["state"], by_order[arrives["id"]]["how"]) == ("closed", "arrived")
    assert (by_order[lost["id"]]["state"], by_order[lost["id"]]["kind"]) == ("open", "missing_theirs")
    assert day.suspense == before - 700


def unheard(day: Day, fault: str) -> dict[str, Any]:
    """Return an order whose outcome is not known, and that nobody asks the bank about."""
    day.bank.fault(fault, on="pay")
    order = day.shop.charge(payer(day.shop.bureau).code("pay"))
    assert order["state"] in {"processing", "unknown"}
    quiet = "UPDATE bank_attempt SET next_check_at = NULL WHERE order_id = $1::text::uuid"
    rows(day.settings, quiet, order["id"])
    return order


def test_an_order_whose_outcome_was_not_known_is_paid_by_the_file_that_has_it(day: Day) -> None:
    order = unheard(day, "lose_reply")
    made = day.reconcile(day.lines(order))
    assert (made["resolved"], made["opened"]) == (1, 0)
    assert day.shop.order(order)["state"] == "paid"


def test_a_line_of_another_kind_decides_nothing_and_is_a_break(day: Day) -> None:
    order = unheard(day, "lose_reply")
    [line] = day.lines(order)
    made = day.reconcile([line.replace("pay|", "payout|")])
    assert (made["resolved"], made["opened"]) == (0, 1)
    assert day.shop.order(order)["state"] == "unknown"
    assert (day.one()["kind"], day.one()["amount"]) == ("status", 1250)


def test_an_order_that_the_bank_reversed_is_reversed_by_the_file(day: Day) -> None:
    order = unheard(day, "lose_reply")
    [line] = day.lines(order)
    made = day.reconcile([line, line.replace("pay|", "reverse|").replace("|D|", "|C|")])
    assert (made["resolved"], made["opened"]) == (1, 0)
    assert day.shop.order(order)["state"] == "reversed"


def test_an_order_fails_only_when_two_whole_files_do_not_have_it(day: Day) -> None:
    order = unheard(day, "lose_request")
    assert day.lines(order) == []
    day.reconcile([])
    assert day.shop.order(order)["state"] == "unknown"
    day.send(day.file([f"pay|{UNKNOWN}||x|D|0004|2026-01-05T01:02:03Z"], day=day.next), day=day.next)
    assert day.shop.order(order)["state"] == "unknown"
    made = day.reconcile([], day=day.next)
    assert made["resolved"] == 1
    assert day.shop.order(order)["state"] == "failed"


def test_what_the_bank_still_has_in_hand_is_not_failed_by_files_that_lack_it(day: Day) -> None:
    order = unheard(day, "next_day")
    assert day.lines(order) == []
    day.reconcile([])
    assert day.reconcile([], day=day.next)["resolved"] == 0
    assert day.shop.order(order)["state"] == "unknown"
    rows(day.settings, "UPDATE bank_attempt SET next_check_at = now() WHERE order_id = $1::text::uuid", order["id"])


def test_a_file_of_before_decides_nothing_while_the_bank_is_asked_to_undo_it(day: Day) -> None:
    order = unheard(day, "lose_reply")
    rows(day.settings, "SELECT pay_reverse(id) FROM bank_attempt WHERE order_id = $1::text::uuid", order["id"])
    [line] = day.lines(order)
    assert day.reconcile([line])["resolved"] == 0
    assert day.shop.order(order)["state"] == "reversing"
    assert (day.one()["kind"], day.one()["amount"]) == ("status", 1250)
    undone = line.replace("pay|", "reverse|").replace("|D|", "|C|")
    made = day.reconcile([undone], day=day.next)
    assert (made["resolved"], made["closed"]) == (1, 1)
    assert day.shop.order(order)["state"] == "reversed"


def test_a_file_is_loaded_once_however_often_and_by_however_many_it_is_sent(day: Day) -> None:
    file = day.file(missing_ours([])).replace(UNKNOWN, f"Xonce{day.date:%Y%m%d}")
    before = day.suspense
    seen: list[str] = []
    found = outcomes([lambda: seen.append(day.send(file)["id"])] * 8)
    assert found == {"ok": 8}
    assert len(set(seen)) == 1
    assert (len(day.breaks()), day.suspense - before) == (1, 300)


def test_bad_lines_are_reported_by_place_and_the_rest_is_compared(day: Day) -> None:
    first, second = day.shop.paid(), day.shop.paid(700)
    lines = day.lines(first, second)
    broken = day.file([lines[0], "pay|E|| 1|D|0004|never", lines[1]])
    made = day.send(broken)
    assert {(one["place"], one["reason"]) for one in made["bad_lines"]} >= {(3, "amount")}
    assert (made["whole"], made["opened"], day.breaks()) == (False, 0, [])
    # Its correction may follow, and what was known is not counted twice.
    made = day.reconcile([lines[0], lines[1], f"pay|Xmore{day.date:%Y%m%d}||40|D|0004|2026-01-05T01:02:03Z"])
    assert (made["whole"], made["opened"], day.one()["amount"]) == (True, 1, 40)
    with refused("recon_day_loaded", 409):
        day.reconcile([])


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [("SANDBOX", "OTHER", "bank"), ("|2", "|3", "day"), ("ecard-day-1", "ecard-day-9", "header"), ("H|", "", "header")],
)
def test_another_banks_or_days_file_is_refused_whole(day: Day, old: str, new: str, reason: str) -> None:
    with refused("recon_file_refused", 400) as refusal:
        day.send(day.file([]).replace(old, new, 1))
    assert refusal.value.problem["reason"] == reason
    assert day.finance.call("GET", "/v1/breaks", query=f"day={day.date}").json() == []


def test_a_day_that_is_not_over_is_not_reconciled_and_a_bank_that_is_none_is_not_found(day: Day) -> None:
    today = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=1)
    with refused("recon_day_open", 409):
        day.send(day.file([], day=today), day=today)
    with refused("not_found", 404):
        day.finance.call("POST", "/v1/reconciliations", {"bank": "NOBODY", "day": str(day.date), "content": ""})


def test_the_bank_itself_is_asked_for_its_file(day: Day) -> None:
    asked = {"bank": "SANDBOX", "day": str(day.date)}
    made = day.finance.call("POST", "/v1/reconciliations", asked).json()
    assert (made["lines"], made["whole"]) == (0, True)
    listed = day.finance.call("GET", "/v1/reconciliations", query="bank=SANDBOX&limit=1").json()
    assert listed[0]["id"] == made["id"]
