"""A holder's code at a till: what is paid, what waits, what is refused, and that a retry is one."""

import pytest

from ecard.catalogue.model import Scene
from ecard.settings import Settings
from tests.bank import Bank
from tests.bureau import Bureau, code_of_step, refused, rows
from tests.shop import EXAM, SCENIC, Shop, confirm, new_number, payer


def test_a_code_with_the_password_is_paid_at_once_and_stands_in_the_list_of_uses(
    shop: Shop, bureau: Bureau, bank: Bank, settings: Settings
) -> None:
    phone = payer(bureau)
    order = shop.charge(phone.code("pay"), 1250, item=EXAM)
    assert (order["state"], order["amount"], order["refunded"], order["kind"]) == ("paid", 1250, 0, "code")
    [use] = [one for one in phone.uses() if one["id"] == order["id"]]
    assert (use["item"], use["fields"]) == (EXAM, [])
    [attempt] = rows(settings, "SELECT bank_ref, outcome FROM bank_attempt WHERE order_id = $1", order["id"])
    assert attempt["outcome"] == "ok"
    booked = bank.find(attempt["bank_ref"])
    assert booked is not None
    assert booked["amount"] == 1250


def test_nineteen_digits_are_charged_as_the_code_is(shop: Shop, bureau: Bureau, bank: Bank) -> None:
    del bank
    phone = payer(bureau)
    shown = phone.codes("pay")[0]
    order = shop.charge(shown["number"])
    assert order["state"] == "user_confirming"
    with refused("code_replayed"):
        shop.charge(shown["code"])


def test_a_code_is_spent_even_if_the_bank_declines(shop: Shop, bureau: Bureau, bank: Bank) -> None:
    bank.fault("decline", on="pay")
    code = payer(bureau).code("pay")
    order = shop.charge(code)
    assert order["state"] == "failed"
    assert order["reason"]
    with refused("code_replayed"):
        shop.charge(code)


def test_without_the_password_the_phone_is_asked_and_its_yes_pays(shop: Shop, bureau: Bureau, bank: Bank) -> None:
    del bank
    phone = payer(bureau, proven=False)
    order = shop.charge(phone.code("pay"))
    assert order["state"] == "user_confirming"
    [waiting] = [one for one in phone.call("GET", "/v1/me/orders").json() if one["state"] == "user_confirming"]
    assert (waiting["id"], waiting["merchant"], waiting["amount"]) == (order["id"], "测试景区", 1250)
    assert confirm(phone, order)["state"] == "paid"
    assert shop.order(order)["state"] == "paid"


def test_an_item_that_asks_for_the_password_waits_for_it_however_small(shop: Shop, bureau: Bureau, bank: Bank) -> None:
    del bank
    assert shop.charge(payer(bureau, proven=False).code("pay"), 1, item=EXAM)["state"] == "user_confirming"


def test_a_lost_answer_is_unknown_and_not_failed(shop: Shop, bureau: Bureau, bank: Bank) -> None:
    bank.fault("lose_reply", on="pay")
    body, key = shop.body(payer(bureau).code("pay")), new_number()
    assert shop.asking(body, key=key).json()["state"] == "unknown"
    again = shop.asking(body, key=key)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json()["state"] in {"unknown", "reversing", "paid"}


def test_the_same_request_is_answered_with_its_order_for_ever(
    shop: Shop, bureau: Bureau, bank: Bank, settings: Settings
) -> None:
    del bank
    body, key = shop.body(payer(bureau).code("pay")), new_number()
    first = shop.asking(body, key=key)
    rows(settings, "UPDATE visit SET at = at - interval '3 days' WHERE id = $1", first.json()["id"])
    again = shop.asking(body, key=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert "idempotency-replayed" not in first.headers
    with refused("idempotency_key_reused", 422):
        shop.asking({**body, "amount": 1251}, key=key)
    with refused("idempotency_key_reused", 422):
        shop.asking(shop.body(payer(bureau).code("pay")), key=key)


def test_a_number_belongs_to_one_order(shop: Shop, bureau: Bureau, bank: Bank) -> None:
    del bank
    order = shop.charge(payer(bureau).code("pay"), number=new_number())
    code = payer(bureau).code("pay")
    with refused("out_trade_no_used", 409) as refusal:
        shop.charge(code, number=order["out_trade_no"])
    assert refusal.value.problem["order"] == order["id"]
    assert shop.charge(code)["state"] == "paid", "the refusal has not used the code up"


def test_a_request_under_way_is_told_so(shop: Shop, bureau: Bureau, bank: Bank, settings: Settings) -> None:
    del bank
    body, key = shop.body(payer(bureau).code("pay")), new_number()
    order = shop.asking(body, key=key).json()
    rows(settings, "UPDATE bank_attempt SET outcome = 'sent', sent_at = now() WHERE order_id = $1", order["id"])
    with refused("idempotency_in_flight", 409) as refusal:
        shop.asking(body, key=key)
    assert refusal.value.headers["retry-after"] == "1"
    rows(settings, "UPDATE bank_attempt SET outcome = 'ok' WHERE order_id = $1", order["id"])


@pytest.mark.parametrize("scene", ["identity", "ride"])
def test_a_code_of_another_scene_pays_nothing(shop: Shop, bureau: Bureau, bank: Bank, scene: str) -> None:
    del bank
    with refused("wrong_scene"):
        shop.charge(payer(bureau).code(scene))


def test_an_old_code_pays_nothing(shop: Shop, bureau: Bureau, bank: Bank, settings: Settings) -> None:
    del bank
    phone = payer(bureau)
    with refused("code_expired"):
        shop.charge(code_of_step(settings, phone, -10, Scene.PAY).code)
    with refused("code_clock_skew"):
        shop.charge(code_of_step(settings, phone, 10, Scene.PAY).code)
    assert SCENIC not in {use["item"] for use in phone.uses()}
