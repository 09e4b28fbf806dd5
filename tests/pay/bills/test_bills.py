"""Bills: looked up, paid once, marked at the agency once, whatever fails between."""

import functools
import time
from typing import Any

import pytest

from ecard.client import Phone
from ecard.settings import Settings
from pay.bills import store as bill_store
from tests.agency import FINES, BillingAgency, agency_process, bills
from tests.bank import Bank
from tests.bureau import Bureau, new_uscc, outcomes, refused, rows
from tests.operator import until
from tests.shop import Shop, confirm, payer


def pay(phone: Phone, bill: dict[str, Any], *, key: str | None = None) -> dict[str, Any]:
    """Return the order opened for a bill."""
    order: dict[str, Any] = phone.call("POST", f"/v1/me/bills/{bill['id']}/pay", key=key).json()
    return order


def state(phone: Phone, *wanted: str, seconds: float = 8) -> dict[str, Any]:
    """Return the holder's one bill once it is in one of these states."""
    [bill] = until(lambda: bills(phone), lambda found: found[0]["state"] in wanted, seconds)
    return dict(bill)


def test_a_bill_is_looked_up_paid_and_marked_at_the_agency_once(bureau: Bureau, agency: BillingAgency) -> None:
    phone, account = payer(bureau), agency.owed(4680, 1000)
    first, second = agency.inquire(phone, account)
    assert (first["amount"], first["title"], first["state"], first["biller"]) == (4680, "水费", "open", "测试水务")
    order = pay(phone, first)
    assert order["amount"] == 4680
    assert confirm(phone, {"id": order["order"]})["state"] == "paid"
    found = until(lambda: {one["id"]: one for one in bills(phone)}, lambda b: b[first["id"]]["state"] == "marked")
    assert found[second["id"]]["state"] == "open"
    assert agency.book()["told"][order["order"]] == 1
    assert agency.book()["paid"][first["bill_no"]] == order["order"]
    assert [one["id"] for one in agency.inquire(phone, account)] == [second["id"]]


@pytest.mark.parametrize("fault", ["fail", "lose_reply", "garble"])
def test_an_agency_that_did_not_answer_is_told_again_and_marks_once(
    bureau: Bureau, agency: BillingAgency, settings: Settings, fault: str
) -> None:
    phone = payer(bureau)
    [bill] = agency.inquire(phone, agency.owed(100))
    order = pay(phone, bill)["order"]
    agency.fault(fault, "payment")
    confirm(phone, {"id": order})
    tried = "SELECT count(*) AS n FROM outbox WHERE topic = 'bill' AND body ->> 'bill' = $1 AND tries > 0"
    until(lambda: rows(settings, tried, bill["id"])[0]["n"], lambda n: n == 1)
    assert state(phone, "paid", "marked")["state"] == "paid"
    # It would come again in fifteen seconds.
    due = "UPDATE outbox SET due_at = now() WHERE topic = 'bill' AND body ->> 'bill' = $1 RETURNING id"
    rows(settings, due, bill["id"])
    state(phone, "marked")
    told = agency.book()
    assert told["paid"][bill["bill_no"]] == order
    assert told["told"][order] == (1 if fault == "fail" else 2)


def test_a_bill_whose_message_was_given_up_is_told_again(
    bureau: Bureau, agency: BillingAgency, settings: Settings
) -> None:
    phone = payer(bureau)
    [bill] = agency.inquire(phone, agency.owed(100))
    order = pay(phone, bill)["order"]
    agency.fault("fail", "payment", times=3)
    confirm(phone, {"id": order})
    tried = "SELECT tries FROM outbox WHERE body ->> 'bill' = $1 AND tries > 0"
    until(lambda: rows(settings, tried, bill["id"]), bool)
    agency.calm()
    rows(settings, "UPDATE outbox SET given_up_at = now() WHERE body ->> 'bill' = $1 RETURNING id", bill["id"])
    rows(settings, bill_store._TELL_ON)  # the sweep comes every ten minutes
    state(phone, "marked")
    assert agency.book()["told"][order] == 1


def test_a_bill_paid_at_the_agency_before_the_order_takes_no_money(bureau: Bureau, agency: BillingAgency) -> None:
    phone = payer(bureau)
    [bill] = agency.inquire(phone, agency.owed(100))
    agency.control("elsewhere", {"bill_no": bill["bill_no"]})
    with refused("bill_paid_elsewhere", 409):
        pay(phone, bill)
    assert "order" not in state(phone, "elsewhere")


def test_a_bill_that_changed_after_the_agency_was_asked_is_not_paid_by_the_old_amount(
    bureau: Bureau, agency: BillingAgency, settings: Settings
) -> None:
    phone = payer(bureau)
    [bill] = agency.inquire(phone, agency.owed(2500))
    agency.fault("slow", "inquiry", seconds=1.5)
    changed = "UPDATE bill SET amount = 2600, snapshot_mac = 'other' WHERE id = $1::text::uuid RETURNING true"

    def change() -> None:
        time.sleep(0.7)
        rows(settings, changed, bill["id"])

    assert outcomes([lambda: pay(phone, bill), change]) == {"ok": 1, "bill_in_payment": 1}
    assert state(phone, "open")["amount"] == 2600


def test_a_bill_paid_at_the_agency_meanwhile_is_refunded(
    bureau: Bureau, agency: BillingAgency, bank: Bank, settings: Settings
) -> None:
    phone = payer(bureau)
    [bill] = agency.inquire(phone, agency.owed(2500))
    order = pay(phone, bill)["order"]
    agency.control("elsewhere", {"bill_no": bill["bill_no"]})
    assert confirm(phone, {"id": order})["state"] == "paid"
    state(phone, "elsewhere")
    found = until(lambda: phone.call("GET", f"/v1/me/orders/{order}").json(), lambda o: o["state"] == "refunded")
    assert found["refunded"] == 2500
    # Told again, it goes back once.
    again = (
        "INSERT INTO outbox (id, topic, body) SELECT gen_random_uuid(), 'bill', body FROM outbox "
        "WHERE body ->> 'bill' = $1 LIMIT 1 RETURNING id"
    )
    rows(settings, again, bill["id"])
    time.sleep(1.3)
    refunds = [tx for tx in bank.book().values() if tx["kind"] == "refund" and tx["amount"] == 2500]
    assert [tx["times"] for tx in refunds] == [1]


def test_a_bill_that_changed_is_not_paid_as_it_was(bureau: Bureau, agency: BillingAgency) -> None:
    phone, account = payer(bureau), agency.owed(100)
    [bill] = agency.inquire(phone, account)
    agency.control(
        "bills", {"account": account, "bills": [{"bill_no": bill["bill_no"], "title": "水费", "amount": 101}]}
    )
    with refused("bill_changed", 409) as refusal:
        pay(phone, bill)
    assert refusal.value.problem["amount"] == 101
    [renewed] = agency.inquire(phone, account)
    assert (renewed["id"], renewed["amount"]) == (bill["id"], 101)
    assert pay(phone, renewed)["amount"] == 101


def test_a_family_that_pays_one_bill_from_many_phones_pays_it_once(
    bureau: Bureau, agency: BillingAgency, settings: Settings
) -> None:
    account, phones = agency.owed(300), [payer(bureau) for _ in range(4)]
    seen = [agency.inquire(phone, account)[0] for phone in phones]
    acts = [functools.partial(pay, phone, bill) for phone, bill in zip(phones, seen, strict=True) for _ in range(3)]
    assert outcomes(acts) == {"ok": 1, "bill_in_payment": 11}
    [order] = rows(
        settings,
        "SELECT order_id FROM bill WHERE id = ANY ($1) AND order_id IS NOT NULL",
        [bill["id"] for bill in seen],
    )
    payee = next(phone for phone in phones if "order" in bills(phone)[0])
    for phone in phones:
        if phone is not payee:
            with refused("not_found"):
                confirm(phone, {"id": order["order_id"]})
    assert confirm(payee, {"id": order["order_id"]})["state"] == "paid"
    state(payee, "marked")
    assert sum(agency.book()["paid"].get(bill["bill_no"]) is not None for bill in seen[:1]) == 1


def test_an_order_that_fails_or_ends_opens_the_bill_again(
    bureau: Bureau, agency: BillingAgency, bank: Bank, settings: Settings
) -> None:
    phone = payer(bureau)
    [bill] = agency.inquire(phone, agency.owed(100))
    bank.fault("decline", on="pay", times=1)
    assert confirm(phone, {"id": pay(phone, bill)["order"]})["state"] == "failed"
    assert bills(phone)[0]["state"] == "open"
    rows(settings, "SELECT outcome FROM pay_close($1, NULL, NULL)", pay(phone, bill)["order"])
    assert bills(phone)[0]["state"] == "open"
    confirm(phone, {"id": pay(phone, bill)["order"]})
    state(phone, "marked")


def test_a_retry_of_the_same_request_gets_the_same_order(bureau: Bureau, agency: BillingAgency) -> None:
    phone = payer(bureau)
    [bill] = agency.inquire(phone, agency.owed(100))
    order = pay(phone, bill, key="pay-once")
    assert pay(phone, bill, key="pay-once") == order
    with refused("bill_in_payment", 409):
        pay(phone, bill)


def test_an_agency_that_is_slow_or_silent_costs_nothing(bureau: Bureau, agency: BillingAgency) -> None:
    phone, account = payer(bureau), agency.owed(100)
    agency.fault("fail", "inquiry")
    with refused("biller_silent", 503):
        agency.inquire(phone, account)
    agency.fault("garble", "inquiry")
    with refused("biller_silent", 503):
        agency.inquire(phone, account)
    [bill] = agency.inquire(phone, account)
    agency.fault("slow", "inquiry", seconds=6)
    with refused("biller_silent", 503):
        pay(phone, bill)
    assert bills(phone)[0]["state"] == "open"


def test_inquiries_are_counted_and_unknown_accounts_named(bureau: Bureau, agency: BillingAgency) -> None:
    phone = payer(bureau)
    with refused("account_unknown", 404):
        agency.inquire(phone, "NOBODY")
    with refused("biller_unknown", 404):
        agency.inquire(phone, "NOBODY", item=FINES)
    with refused("invalid_request", 400):
        agency.inquire(phone, "no body")
    for _ in range(18):
        with refused("account_unknown"):
            agency.inquire(phone, "NOBODY")
    with refused("too_many_requests", 429):
        agency.inquire(phone, "NOBODY")


def test_a_holder_sees_and_pays_their_own_bills_only(bureau: Bureau, agency: BillingAgency, settings: Settings) -> None:
    phone, other, account = payer(bureau), payer(bureau), agency.owed(100)
    [bill] = agency.inquire(phone, account)
    assert bills(other) == []
    with refused("not_found", 404):
        pay(other, bill)
    [kept] = rows(settings, "SELECT b::text AS text FROM bill b WHERE id = $1", bill["id"])
    assert account not in kept["text"]
    assert bill["bill_no"] not in kept["text"]


def test_a_biller_is_a_merchant_of_its_items_at_an_address_that_we_call(bureau: Bureau, agency: BillingAgency) -> None:
    shop = Shop(bureau)
    good = {"merchant": str(shop.agency), "url": agency.url, "items": ["A2-34"]}
    for wrong, code in (
        ({"merchant": str(bureau.registrar.register_agency("测试机构", new_uscc()))}, "biller_unknown"),
        ({"items": ["A2-44"]}, "biller_unknown"),
        ({"merchant": str(agency.id), "items": ["A2-44"]}, "biller_unknown"),
        ({"url": "http://192.0.2.1/"}, "biller_refused"),
        ({"url": "file:///etc/passwd"}, "biller_refused"),
    ):
        with refused(code):
            bureau.finance.call("POST", "/v1/billers", {**good, **wrong})
    with agency_process() as url:
        bureau.finance.call("POST", "/v1/billers", {**good, "url": url})
    names = {one["id"]: one["items"] for one in payer(bureau).call("GET", "/v1/billers").json()}
    assert names[str(shop.agency)] == ["A2-34"]
