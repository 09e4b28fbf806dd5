"""What a merchant was owed at the end of a day is paid to its bank, once; what the bank refuses is owed again."""

import datetime
import time
from typing import Any

import pytest

from tests.bank import Bank
from tests.bureau import outcomes, refused, rows
from tests.pay.receivers import SOON, Receiver, receiving
from tests.pay.settlements.conftest import Till
from tests.shop import payer

SHOP_ACCOUNT = "6299990000000000020"


def payouts(bank: Bank, account: str | None = None) -> dict[str, Any]:
    """Return the bank's own pay-outs by reference."""
    found = {ref: tx for ref, tx in bank.book().items() if tx["kind"] == "payout"}
    return {ref: tx for ref, tx in found.items() if account in {None, tx["account"]}}


def hears(receiver: Receiver, kind: str) -> dict[str, Any]:
    """Return the first event of this kind, once it has arrived."""
    deadline = time.monotonic() + SOON
    while time.monotonic() < deadline:
        for one in list(receiver.arrived):
            if one.json["type"] == kind:
                return one.json
        time.sleep(0.05)
    pytest.fail(f"no {kind} arrived")


def test_yesterdays_sales_less_refunds_are_paid_to_the_merchants_bank_and_todays_wait(
    till: Till, payer_bank: Bank
) -> None:
    with till.yesterday():
        till.paid(1250)
        till.refund(till.paid(900), 400)
    till.paid(700)
    known = payouts(payer_bank)
    with receiving() as receiver:
        till.online.call("POST", "/v1/webhooks", {"url": receiver.url})
        [settled] = till.settle()
        assert (settled["gross"], settled["fee"], settled["amount"], settled["state"]) == (1750, 0, 1750, "paid")
        told = hears(receiver, "settlement.paid")
        assert told["data"]["amount"] == 1750
    new = [tx for ref, tx in payouts(payer_bank).items() if ref not in known]
    assert [(tx["account"], tx["amount"], tx["state"]) for tx in new] == [("6299990000000000012", 1750, "ok")]
    assert till.owed() == 700
    assert len(till.settle()) == 1


def test_of_many_runs_at_once_one_pays(till: Till, payer_bank: Bank) -> None:
    with till.yesterday():
        till.paid(1250)
    run = lambda: till.bureau.finance.call("POST", "/v1/settlements", {"day": str(till.day)})  # noqa: E731
    assert outcomes([run] * 6)["ok"] == 6
    assert [one["amount"] for one in till.settled()] == [1250]
    [ref] = rows(
        till.settings,
        "SELECT bank_ref FROM bank_attempt a JOIN settlement s ON s.id = a.subject WHERE s.merchant = $1::text::uuid",
        str(till.agency),
    )
    assert payouts(payer_bank)[ref[0]]["amount"] == 1250


def test_a_refund_of_today_takes_from_what_yesterday_is_paid(till: Till) -> None:
    with till.yesterday():
        order = till.paid(1250)
    till.refund(order, 1000)
    assert [one["amount"] for one in till.settle()] == [250]


def test_a_day_before_one_that_was_settled_takes_nothing_of_today(till: Till) -> None:
    with till.yesterday(), till.yesterday():
        till.paid(1250)
    assert [one["amount"] for one in till.settle()] == [1250]
    till.paid(900)
    before = str(till.day - datetime.timedelta(days=1))
    till.bureau.finance.call("POST", "/v1/settlements", {"day": before})
    assert ([one["amount"] for one in till.settled()], till.owed()) == ([1250], 900)


def test_a_merchant_whose_bank_is_not_registered_is_owed_until_it_is(till: Till) -> None:
    with till.yesterday():
        till.paid(1250)
    moved = "UPDATE merchant SET bank = $2 WHERE agency = $1 RETURNING true"
    rows(till.settings, moved, till.agency, "NOBODY")
    assert (till.settle(), till.owed()) == ([], 1250)
    rows(till.settings, moved, till.agency, "SANDBOX")
    assert [(one["amount"], one["state"]) for one in till.settle()] == [(1250, "paid")]


def test_what_the_bank_refuses_is_owed_again(till: Till, payer_bank: Bank) -> None:
    with till.yesterday():
        till.paid(1250)
    payer_bank.fault("decline", on="payout")
    assert [one["state"] for one in till.settle()] == ["failed"]
    assert till.owed() == 1250


def test_a_pay_out_whose_answer_was_lost_is_settled_by_the_days_file(till: Till, payer_bank: Bank) -> None:
    with till.yesterday():
        till.paid(1250)
    payer_bank.fault("lose_reply", on="payout")
    quiet = "UPDATE bank_attempt SET next_check_at = NULL WHERE kind = 'payout' AND outcome IN ('sent', 'unknown')"
    [settled] = till.settle()
    rows(till.settings, quiet)
    if settled["state"] == "processing":  # nobody has asked the bank meanwhile
        asked = "SELECT bank_ref, amount FROM bank_attempt WHERE subject = $1::text::uuid"
        [(ref, amount)] = rows(till.settings, asked, settled["id"])
        lines = [
            f"H|ecard-day-1|SANDBOX|{till.day:%Y%m%d}|CNY",
            f"D|1|payout|{ref}||{amount}|C|0012|{till.day}T01:02:03Z",
            f"T|1|0|{amount}",
            "",
        ]
        body = {"bank": "SANDBOX", "day": str(till.day), "content": "\n".join(lines)}
        assert till.bureau.finance.call("POST", "/v1/reconciliations", body).json()["resolved"] == 1
    assert [one["state"] for one in till.settle()] == ["paid"]
    assert till.owed() == 0


def test_shops_are_paid_to_their_own_accounts_and_the_fee_is_split_to_the_last_fen(
    till: Till, payer_bank: Bank
) -> None:
    finance = till.bureau.finance
    east = till.bureau.registrar.register_terminal(till.agency, "till")
    asked = {
        "name": "东门",
        "bank": "SANDBOX",
        "bank_account": SHOP_ACCOUNT,
        "terminals": [str(east.actor)],
    }
    made = finance.call("POST", f"/v1/merchants/{till.agency}/shops", asked).json()
    finance.call("PUT", f"/v1/merchants/{till.agency}/fee", {"points": 60})
    with till.yesterday():
        till.charge(payer(till.bureau).code("pay"), 1001, till=east)
        till.paid(2003)
    settled = {one["shop"]: one for one in till.settle()}
    assert {shop: one["gross"] for shop, one in settled.items()} == {made["id"]: 1001, None: 2003}
    assert sum(one["fee"] for one in settled.values()) == 18  # 0.6 % of 30.04 yuan
    assert all(one["amount"] == one["gross"] - one["fee"] for one in settled.values())
    assert [tx["amount"] for tx in payouts(payer_bank, SHOP_ACCOUNT).values()] == [settled[made["id"]]["amount"]]
    listed = finance.call("GET", f"/v1/merchants/{till.agency}/shops").json()
    assert [(one["name"], one["bank_account_tail"]) for one in listed] == [("东门", "0020")]
    with refused("shop_exists", 409):
        finance.call("POST", f"/v1/merchants/{till.agency}/shops", {**asked, "name": "西门"})
    with refused("shop_terminal_refused", 400):
        strange = [str(till.bureau.terminal().actor)]
        finance.call("POST", f"/v1/merchants/{till.agency}/shops", {**asked, "name": "西门", "terminals": strange})


def test_a_day_that_is_not_over_is_not_settled(till: Till) -> None:
    with refused("settlement_day_not_over", 409):
        till.bureau.finance.call("POST", "/v1/settlements", {"day": "2999-01-01"})


def test_a_split_by_largest_remainder_loses_and_makes_no_fen(till: Till) -> None:
    sql = """
        WITH tried AS (
            SELECT n, (random() * 1e9)::bigint AS total, array_agg((random() * 1e6)::bigint + 1) AS weights
            FROM generate_series(1, 2000) n, generate_series(1, 1 + n % 7) GROUP BY n
        ), split AS (SELECT n, total, weights, largest_remainder(total, weights) AS parts FROM tried)
        SELECT n FROM split CROSS JOIN LATERAL (
            SELECT sum(part) AS sum, max(abs(part - total::numeric * weight / (SELECT sum(w) FROM unnest(weights) w)))
                AS off FROM unnest(parts, weights) AS u (part, weight)) s
        WHERE s.sum <> total OR s.off >= 1
    """
    assert rows(till.settings, sql) == []
