"""The limits of a day, by class of evidence, and small payments without the password: counted where money is."""

from ecard.client import Phone
from ecard.settings import Settings
from tests.bank import Bank
from tests.bureau import PASSWORD, Bureau, outcomes, refused, rows
from tests.shop import Shop, confirm, payer


def agree(phone: Phone, **terms: int) -> None:
    body = {"busi_seq": phone.prove(PASSWORD), "free_each": 0, "free_times": 0, **terms}
    phone.call("PUT", "/v1/me/payment/terms", body)


def another_day(settings: Settings) -> None:
    rows(settings, "UPDATE payer SET day = day - 1 WHERE day > '-infinity'")


def test_class_b_ends_at_5000_yuan_a_day(shop: Shop, bureau: Bureau, bank: Bank, settings: Settings) -> None:
    del bank
    phone = payer(bureau)
    assert shop.charge(phone.code("pay"), 300_000)["state"] == "paid"
    code = phone.code("pay")
    with refused("over_day_limit", 409):
        shop.charge(code, 200_001)
    assert shop.charge(code, 200_000)["state"] == "paid", "to the fen, and the refusal used nothing up"
    with refused("over_day_limit", 409):
        shop.charge(phone.code("pay"), 1)
    another_day(settings)
    assert shop.charge(phone.code("pay"), 1)["state"] == "paid"


def test_many_tills_at_once_do_not_pass_the_limit(shop: Shop, bureau: Bureau, bank: Bank) -> None:
    del bank
    phone = payer(bureau)
    shop.charge(phone.code("pay"), 1)
    codes = [phone.code("pay") for _ in range(8)]
    done = outcomes([lambda code=code: shop.charge(code, 120_000) for code in codes])  # type: ignore[misc] # each its own
    assert done == {"ok": 4, "over_day_limit": 4}


def test_what_was_not_paid_is_not_counted(shop: Shop, bureau: Bureau, bank: Bank) -> None:
    phone = payer(bureau)
    bank.fault("decline", on="pay")
    assert shop.charge(phone.code("pay"), 500_000)["state"] == "failed"
    assert shop.charge(phone.code("pay"), 500_000)["state"] == "paid"


def test_small_payments_go_without_the_password_as_often_as_agreed(
    shop: Shop, bureau: Bureau, bank: Bank, settings: Settings
) -> None:
    del bank
    phone = bureau.phone(level=2)
    agree(phone, free_each=20_000, free_times=2)
    phone.open()  # a session without the proof: its codes prove possession alone
    assert shop.charge(phone.code("pay"), 20_001)["state"] == "user_confirming"
    assert [shop.charge(phone.code("pay"), 20_000)["state"] for _ in range(3)] == ["paid", "paid", "user_confirming"]
    another_day(settings)
    assert shop.charge(phone.code("pay"), 20_000)["state"] == "paid"


def test_the_merchants_own_limit_without_a_password_holds_too(shop: Shop, bureau: Bureau, bank: Bank) -> None:
    del bank
    phone = bureau.phone(level=2)
    agree(phone, free_each=100_000, free_times=50)
    phone.open()
    assert shop.charge(phone.code("pay"), 50_001)["state"] == "user_confirming"
    assert shop.charge(phone.code("pay"), 50_000)["state"] == "paid"


def test_above_1000_yuan_of_class_c_the_password_is_asked_for(shop: Shop, bureau: Bureau, bank: Bank) -> None:
    del bank
    phone = bureau.phone(level=2)
    agree(phone, free_each=50_000, free_times=50)
    phone.open()
    states = [shop.charge(phone.code("pay"), 50_000)["state"] for _ in range(2)]
    order = shop.charge(phone.code("pay"), 1)
    assert [*states, order["state"]] == ["paid", "paid", "user_confirming"]
    assert confirm(phone, order)["state"] == "paid"


def test_a_payment_that_waited_past_midnight_does_not_forget_the_day_that_has_begun(
    shop: Shop, bureau: Bureau, bank: Bank, settings: Settings
) -> None:
    del bank
    phone = payer(bureau)
    order = shop.charge(phone.code("pay"), 400_000)
    begun = """
        UPDATE payer SET day = day + 1
        WHERE card = (SELECT payer FROM pay_order WHERE id = $1::text::uuid) RETURNING card
    """
    rows(settings, begun, order["id"])
    with refused("over_day_limit", 409):
        shop.charge(phone.code("pay"), 100_001)
    assert shop.charge(phone.code("pay"), 100_000)["state"] == "paid"


def test_a_refusal_by_the_bank_after_midnight_is_booked_and_gives_nothing_back_to_the_new_day(
    shop: Shop, bureau: Bureau, bank: Bank, settings: Settings
) -> None:
    phone = payer(bureau)
    bank.fault("lose_request", on="pay")
    order = shop.charge(phone.code("pay"), 500_000)
    quiet = """
        UPDATE bank_attempt SET next_check_at = NULL, sent_at = sent_at + interval '1 day'
        WHERE order_id = $1::text::uuid RETURNING id
    """
    [attempt] = rows(settings, quiet, order["id"])
    moved = """
        UPDATE payer SET day = day + 1, spent_b = 100
        WHERE card = (SELECT payer FROM pay_order WHERE id = $1::text::uuid) RETURNING card
    """
    [card] = rows(settings, moved, order["id"])
    rows(settings, "SELECT pay_book($1, 'failed')", attempt["id"])
    assert shop.order(order)["state"] == "failed"
    assert rows(settings, "SELECT spent_b FROM payer WHERE card = $1", card["card"])[0]["spent_b"] == 100


def test_terms_take_a_fresh_proof_of_the_password(bureau: Bureau) -> None:
    phone = bureau.phone(level=2)
    body = {"busi_seq": phone.prove(PASSWORD), "free_each": 1, "free_times": 1}
    phone.call("PUT", "/v1/me/payment/terms", body)
    with refused("busi_seq_invalid"):
        phone.call("PUT", "/v1/me/payment/terms", body)
