"""Refunds: in parts, in a row, never more than was paid, and the money is held until the bank has answered."""

from ecard.settings import Settings
from tests.bank import Bank
from tests.bureau import Bureau, outcomes, refused, rows
from tests.shop import Shop, new_number


def test_parts_are_given_back_until_nothing_is_left(shop: Shop, bank: Bank, settings: Settings) -> None:
    order = shop.paid(1000)
    first = shop.refund(order, 400)
    assert (first["state"], first["amount"]) == ("done", 400)
    assert (shop.order(order)["state"], shop.order(order)["refunded"]) == ("partially_refunded", 400)
    with refused("over_refund", 409) as refusal:
        shop.refund(order, 601)
    assert refusal.value.problem["refundable"] == 600
    shop.refund(order, 600)
    assert shop.order(order)["state"] == "refunded"
    with refused("over_refund", 409):
        shop.refund(order, 1)
    listed = shop.till.call("GET", f"/v1/orders/{order['id']}/refunds").json()
    assert [one["amount"] for one in listed] == [400, 600]
    refs = rows(settings, "SELECT bank_ref FROM bank_attempt WHERE order_id = $1 AND kind = 'refund'", order["id"])
    assert sorted(tx["amount"] for tx in map(bank.find, [row["bank_ref"] for row in refs]) if tx) == [400, 600]


def test_a_refund_is_repeated_by_its_key_and_owns_its_number(shop: Shop, bank: Bank) -> None:
    del bank
    order, number, key = shop.paid(1000), new_number(), new_number()
    first = shop.refund(order, 100, number=number, key=key)
    assert shop.refund(order, 100, number=number, key=key) == first
    with refused("out_refund_no_used", 409):
        shop.refund(order, 100, number=number)
    with refused("idempotency_key_reused", 422):
        shop.refund(order, 101, number=number, key=key)
    with refused("idempotency_key_reused", 422):
        shop.refund(order, 100, key=key)
    assert shop.order(order)["refunded"] == 100


def test_a_refund_that_the_bank_declines_may_be_asked_for_again(shop: Shop, bank: Bank) -> None:
    order = shop.paid(1000)
    bank.fault("decline", on="refund")
    assert shop.refund(order, 1000)["state"] == "failed"
    assert (shop.order(order)["state"], shop.order(order)["refunded"]) == ("paid", 0)
    assert shop.refund(order, 1000)["state"] == "done"


def test_a_refund_without_an_answer_is_unknown_and_its_money_stays_held(
    shop: Shop, bank: Bank, settings: Settings
) -> None:
    order = shop.paid(1000)
    bank.fault("lose_reply", on="refund")
    refund = shop.refund(order, 700)
    assert refund["state"] == "unknown"
    with refused("over_refund", 409):
        shop.refund(order, 301)
    sql = "SELECT h.amount, h.state FROM refund r JOIN hold h ON h.id = r.hold WHERE r.id = $1"
    [held] = rows(settings, sql, refund["id"])
    assert held["amount"] == 700


def test_a_merchant_gives_back_no_more_than_it_has(bureau: Bureau, bank: Bank, settings: Settings) -> None:
    del bank
    shop = Shop(bureau)
    order = shop.paid(1000)
    sql = """
        SELECT ledger_post('settlement', 'merchant', $1::uuid, ARRAY[
            (m.payable, -999)::account_leg,
            (ledger_account('bank', 'SANDBOX', 'settlement_clearing'), 999)::account_leg])
        FROM merchant m WHERE m.agency = $1::uuid
    """
    rows(settings, sql, shop.agency)
    with refused("merchant_balance_short", 409):
        shop.refund(order, 2)
    assert shop.order(order)["refunded"] == 0
    assert shop.refund(order, 1)["state"] == "done"


def test_refunds_at_once_never_exceed_what_was_paid(shop: Shop, bank: Bank) -> None:
    del bank
    order = shop.paid(1000)
    done = outcomes([lambda: shop.refund(order, 300)] * 8)
    assert done == {"ok": 3, "over_refund": 5}
    assert shop.order(order)["refunded"] == 900


def test_one_key_for_refunds_of_many_orders_at_once_is_good_for_one(shop: Shop, bank: Bank) -> None:
    del bank
    orders, key = [shop.paid(100) for _ in range(6)], new_number()
    done = outcomes([lambda order=order: shop.refund(order, 100, key=key) for order in orders])  # type: ignore[misc] # each its own
    assert done == {"ok": 1, "idempotency_key_reused": 5}
    assert sum(shop.order(order)["refunded"] for order in orders) == 100
