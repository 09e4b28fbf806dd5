"""The holder's side: what waits for a yes, whose yes it takes, and that it pays once."""

from ecard.settings import Settings
from tests.bank import Bank
from tests.bureau import PASSWORD, Bureau, refused, rows
from tests.shop import Shop, confirm, payer


def test_an_order_in_the_app_is_paid_with_the_password_and_is_a_use_of_the_card(
    shop: Shop, bureau: Bureau, bank: Bank
) -> None:
    del bank
    phone, order = payer(bureau), shop.open(800)
    assert order["state"] == "created"
    shown = phone.call("GET", f"/v1/me/orders/{order['id']}").json()
    assert (shown["merchant"], shown["amount"], shown["subject"]) == ("测试景区", 800, "门票")
    assert confirm(phone, order)["state"] == "paid"
    [use] = [one for one in phone.uses() if one["id"] == order["id"]]
    assert (use["evidence"], use["agency"]) == ("app", "测试景区")
    assert shop.order(order)["state"] == "paid"


def test_a_proof_confirms_once_and_its_retry_pays_nothing_more(
    shop: Shop, bureau: Bureau, bank: Bank, settings: Settings
) -> None:
    del bank
    phone, order, other = payer(bureau), shop.open(), shop.open()
    body = {"busi_seq": phone.prove(PASSWORD)}
    first = phone.call("POST", f"/v1/me/orders/{order['id']}/confirm", body).json()
    assert phone.call("POST", f"/v1/me/orders/{order['id']}/confirm", body).json() == first
    with refused("busi_seq_invalid"):
        phone.call("POST", f"/v1/me/orders/{other['id']}/confirm", body)
    with refused("order_not_waiting"):
        confirm(phone, order)
    assert len(rows(settings, "SELECT FROM bank_attempt WHERE order_id = $1", order["id"])) == 1


def test_a_charge_is_confirmed_by_its_own_payer_alone(shop: Shop, bureau: Bureau, bank: Bank) -> None:
    del bank
    phone, stranger = payer(bureau, proven=False), payer(bureau)
    order = shop.charge(phone.code("pay"))
    with refused("not_found", 404):
        stranger.call("GET", f"/v1/me/orders/{order['id']}")
    with refused("not_found", 404):
        confirm(stranger, order)
    with refused("not_found", 404):
        stranger.call("POST", f"/v1/me/orders/{order['id']}/decline")
    with refused("busi_seq_invalid"):
        body = {"busi_seq": stranger.prove(PASSWORD)}
        phone.call("POST", f"/v1/me/orders/{order['id']}/confirm", body)
    assert shop.order(order)["state"] == "user_confirming"


def test_a_declined_or_disputed_charge_takes_no_money(shop: Shop, bureau: Bureau, bank: Bank) -> None:
    del bank
    phone = payer(bureau, proven=False)
    declined, disputed = (shop.charge(phone.code("pay")) for _ in range(2))
    path = f"/v1/me/orders/{declined['id']}/decline"
    assert phone.call("POST", path).json()["state"] == "closed"
    assert phone.call("POST", path).json()["state"] == "closed"
    phone.call("POST", f"/v1/me/uses/{disputed['id']}/dispute")
    with refused("use_disputed", 409):
        confirm(phone, disputed)
    assert shop.order(declined)["state"] == "closed"


def test_a_lost_card_confirms_nothing(shop: Shop, bureau: Bureau, bank: Bank) -> None:
    del bank
    phone, order = payer(bureau), shop.open()
    body = {"busi_seq": phone.prove(PASSWORD)}
    phone.report_lost()
    with refused("card_suspended"):
        phone.call("POST", f"/v1/me/orders/{order['id']}/confirm", body)


def test_a_bank_that_says_otherwise_later_changes_nothing_and_is_noted(
    shop: Shop, bank: Bank, settings: Settings
) -> None:
    del bank
    order = shop.paid()
    [told] = rows(
        settings, "SELECT b.* FROM bank_attempt a, pay_book(a.id, 'failed', '51') b WHERE a.subject = $1", order["id"]
    )
    assert (told["outcome"], told["state"]) == ("conflict", "paid")
    sql = "SELECT detail FROM audit_event WHERE kind = 'bank_answer' ORDER BY xid DESC LIMIT 1"
    [noted] = rows(settings, sql)
    assert '"said": "failed"' in noted["detail"]
