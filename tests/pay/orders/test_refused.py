"""What a till may send wrong: each thing has an error of its own, and no effect."""

from typing import Any

import pytest

from ecard.settings import Settings
from tests.bank import Bank
from tests.bureau import Bureau, refused, rows
from tests.shop import EXAM, SCENIC, Shop, confirm, new_number, payer

TICKET = "A2-28"
"""交通罚款缴纳: payable, and not one of the shop's items."""


@pytest.mark.parametrize(
    "amount", [0, -1, -1250, 1.5, 0.01, 1e30, 10**12, 2**63, 2**200, "1250", "12.50", None, True, [1250], {}]
)
def test_what_is_no_amount_charges_nothing(shop: Shop, bureau: Bureau, bank: Bank, amount: Any) -> None:
    del bank
    code = _code(bureau)
    with refused("invalid_request", 400) as refusal:
        shop.asking(shop.body(code) | {"amount": amount})
    assert refusal.value.problem["pointer"] == "/amount"


@pytest.mark.parametrize(
    ("scanned", "code"),
    [
        ("134567890123456789", "code_foreign"),
        ("281234567890123456", "code_foreign"),
        ("6212345678901234567", "code_foreign"),
        ("https://qr.example/pay?id=1", "code_foreign"),
        ("hQVDUFYwMWETTwegAAAAVVVV", "code_foreign"),
        ("", "code_malformed"),
        ("EC1:", "code_truncated"),
        ("EC1:W62W50", "code_truncated"),
        ("ＥＣ１：", "code_full_width"),
        ("9312991641611740061", "number_unknown"),
    ],
)
def test_what_is_no_payment_code_of_ours_charges_nothing(
    shop: Shop, bank: Bank, settings: Settings, scanned: str, code: str
) -> None:
    del bank
    number = new_number()
    with refused(code):
        shop.charge(scanned, number=number)
    assert rows(settings, "SELECT FROM pay_order WHERE out_trade_no = $1", number) == []


@pytest.mark.parametrize("subject", ["门票\u202e05.21", "门\u200b票", " ", "\u3164", "\u3000票", "门票\n", "\x85"])
def test_what_the_holder_is_asked_to_pay_for_can_be_read_as_it_was_written(
    shop: Shop, bureau: Bureau, bank: Bank, subject: str
) -> None:
    del bank
    with refused("invalid_request", 400) as refusal:
        shop.asking({**shop.body(_code(bureau)), "subject": subject})
    assert refusal.value.problem["pointer"] == "/subject"
    with refused("invalid_request", 400):
        shop.open(subject=subject)


def test_a_refusal_leaves_the_code_unspent(shop: Shop, bureau: Bureau, bank: Bank) -> None:
    del bank
    code = payer(bureau).code("pay")
    with refused("item_not_allowed", 403):
        shop.charge(code, item=TICKET)
    with refused("item_not_payable", 422):
        shop.charge(code, item="A1-01")
    with refused("item_unknown"):
        shop.charge(code, item="A9-99")
    with refused("over_order_limit", 422):
        shop.charge(code, 1_000_001)
    with refused("not_a_merchant", 403):
        shop.charge(code, till=bureau.terminal("till"))
    with refused("invalid_request", 400):
        shop.charge(code, number="no spaces")
    shop.bureau.finance.call("PUT", f"/v1/merchants/{shop.agency}/state", {"suspended": True})
    with refused("merchant_suspended", 403):
        shop.charge(code)
    shop.bureau.finance.call("PUT", f"/v1/merchants/{shop.agency}/state", {"suspended": False})
    assert shop.charge(code)["state"] == "paid"


def test_a_retry_is_answered_although_its_merchant_is_suspended_since(shop: Shop, bureau: Bureau, bank: Bank) -> None:
    del bank
    body, key = shop.body(payer(bureau).code("pay")), new_number()
    first = shop.asking(body, key=key).json()
    bureau.finance.call("PUT", f"/v1/merchants/{shop.agency}/state", {"suspended": True})
    try:
        assert shop.asking(body, key=key).json() == first
    finally:
        bureau.finance.call("PUT", f"/v1/merchants/{shop.agency}/state", {"suspended": False})


def test_a_card_of_level_one_lost_or_of_no_bank_pays_nothing(shop: Shop, bureau: Bureau, bank: Bank) -> None:
    del bank
    phone = bureau.phone(level=1)
    with refused("level_too_low") as refusal:
        shop.charge(phone.code("pay"))
    assert refusal.value.problem["required"] == 2
    elsewhere = bureau.phone(bureau.register(bank_account="4000000000000002"), level=2)
    with refused("bank_unknown"):
        shop.charge(elsewhere.code("pay"))
    lost = payer(bureau)
    code = lost.code("pay")
    lost.report_lost()
    with refused("card_suspended"):
        shop.charge(code)


def test_an_order_of_another_merchant_does_not_exist(shop: Shop, bureau: Bureau, bank: Bank) -> None:
    del bank
    order, other = shop.paid(), Shop(bureau)
    with refused("not_found", 404):
        other.order(order)
    with refused("not_found", 404):
        other.till.call("GET", f"/v1/orders/by-number/{order['out_trade_no']}")
    with refused("not_found", 404):
        other.refund(order, 1)
    with refused("not_found", 404):
        other.till.call("POST", f"/v1/orders/{order['id']}/close")
    with refused("not_found", 404):
        other.till.call("GET", f"/v1/orders/{order['id']}/refunds")
    assert shop.till.call("GET", f"/v1/orders/by-number/{order['out_trade_no']}").json() == order


def test_a_closed_order_is_neither_confirmed_nor_refunded(shop: Shop, bureau: Bureau, bank: Bank) -> None:
    del bank
    phone = payer(bureau, proven=False)
    order = shop.charge(phone.code("pay"))
    closed = shop.till.call("POST", f"/v1/orders/{order['id']}/close").json()
    assert closed["state"] == "closed"
    assert shop.till.call("POST", f"/v1/orders/{order['id']}/close").json() == closed
    with refused("order_not_waiting", 409) as refusal:
        confirm(phone, order)
    assert refusal.value.problem["state"] == "closed"
    with refused("order_not_refundable", 409):
        shop.refund(order, 1)
    with refused("order_not_waiting", 409):
        shop.till.call("POST", f"/v1/orders/{shop.paid()['id']}/close")


def test_an_order_whose_time_is_over_is_closed_for_everybody(
    shop: Shop, bureau: Bureau, bank: Bank, settings: Settings
) -> None:
    del bank
    phone = payer(bureau)
    order = shop.open()
    rows(settings, "UPDATE pay_order SET expires_at = now() - interval '1 second' WHERE id = $1", order["id"])
    assert shop.order(order)["state"] == "closed"
    with refused("not_found", 404):
        phone.call("GET", f"/v1/me/orders/{order['id']}")
    body = {"busi_seq": phone.prove("193746")}
    with refused("order_expired" if _waits(settings, order) else "order_not_waiting", 409):
        phone.call("POST", f"/v1/me/orders/{order['id']}/confirm", body)
    rows(settings, "SELECT pay_expire()")
    [row] = rows(settings, "SELECT state FROM pay_order WHERE id = $1", order["id"])
    assert row["state"] == "closed"


def test_an_order_is_for_items_that_are_paid_for(shop: Shop, bank: Bank) -> None:
    del bank
    for item, code in (("A1-01", "item_not_payable"), (TICKET, "item_not_allowed"), ("A9-99", "item_unknown")):
        with refused(code):
            shop.open(item=item)
    with refused("over_order_limit"):
        shop.open(1_000_001)
    order = shop.open(item=EXAM)
    with refused("out_trade_no_used", 409):
        shop.open(item=SCENIC, out_trade_no=order["out_trade_no"])


def _waits(settings: Settings, order: dict[str, Any]) -> bool:
    [row] = rows(settings, "SELECT state FROM pay_order WHERE id = $1", order["id"])
    return bool(row["state"] == "created")


def _code(bureau: Bureau, made: dict[str, str] = {}) -> str:  # noqa: B006 - one phone for all amounts
    if "code" not in made:
        made["code"] = payer(bureau).code("pay")
    return made["code"]
