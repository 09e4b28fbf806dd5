"""Order codes over HTTP: shown at a till, scanned by a phone, confirmed with the password."""

import functools
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from ecard.client import Phone
from pay.codes.model import CodeKind, parse, sealed
from tests.bank import Bank
from tests.bureau import Bureau, outcomes, refused
from tests.qr.test_render import decoded
from tests.shop import SCENIC, Shop, confirm, new_number, payer


@pytest.fixture(scope="module")
def shop(bureau: Bureau, bank_house: Bank) -> Shop:
    del bank_house
    return Shop(bureau)


def dynamic(amount: int = 1250) -> dict[str, object]:
    return {"item": SCENIC, "subject": "门票", "amount": amount, "out_trade_no": new_number()}


def shown(shop: Shop, body: dict[str, object] | None = None) -> dict[str, Any]:
    return shop.till.call("POST", "/v1/order-codes", body or dynamic()).json()  # type: ignore[no-any-return]


def scanned(phone: Phone, text: str, amount: int | None = None) -> dict[str, Any]:
    body = {"text": text} if amount is None else {"text": text, "amount": amount}
    return phone.call("POST", "/v1/me/order-codes", body).json()  # type: ignore[no-any-return]


def test_an_order_is_shown_scanned_and_paid(bureau: Bureau, shop: Shop) -> None:
    phone, code = payer(bureau), shown(shop)
    said = scanned(phone, code["text"])
    assert (said["merchant"], said["amount"], said["kind"]) == ("测试景区", 1250, "dynamic")
    assert confirm(phone, {"id": said["order"]})["state"] == "paid"
    assert shop.order({"id": code["order"]})["state"] == "paid"
    with refused("order_code_ended", 409):
        scanned(payer(bureau), code["text"])


@pytest.mark.parametrize("media", ["image/png", "image/svg+xml", "text/plain"])
def test_it_is_drawn_as_the_till_likes(shop: Shop, media: str) -> None:
    answer = shop.till.call("POST", "/v1/order-codes", dynamic(700), accept=media)
    assert answer.headers["content-type"].startswith(media)
    if media == "image/png":
        assert parse(decoded(Image.open(BytesIO(answer.content)))[0]).amount == 700
    elif media == "text/plain":
        assert parse(answer.text).kind is CodeKind.DYNAMIC


def test_a_static_code_takes_what_the_payer_types_up_to_500_yuan_a_day(bureau: Bureau, shop: Shop) -> None:
    code = shown(shop, {"item": SCENIC, "subject": "门票"})
    phone = payer(bureau)
    asked = scanned(phone, code["text"])
    assert (asked["merchant"], asked.keys() & {"amount", "order"}) == ("测试景区", set())
    first = scanned(phone, code["text"], 30_000)
    assert confirm(phone, {"id": first["order"]})["state"] == "paid"
    with refused("over_day_limit"):
        confirm(phone, {"id": scanned(phone, code["text"], 20_001)["order"]})
    assert confirm(phone, {"id": scanned(phone, code["text"], 20_000)["order"]})["state"] == "paid"
    # Another payer's own day is untouched, and nobody pays another's order.
    other = payer(bureau)
    second = scanned(other, code["text"], 100)
    with refused("not_found"):
        confirm(phone, {"id": second["order"]})
    assert confirm(other, {"id": second["order"]})["state"] == "paid"


def test_a_withdrawn_code_is_scanned_in_vain(bureau: Bureau, shop: Shop) -> None:
    code, phone = shown(shop, {"item": SCENIC, "subject": "门票"}), payer(bureau)
    with refused("not_found", 404):
        bureau.counter_of_another_agency().call("DELETE", f"/v1/order-codes/{code['id']}")
    shop.till.call("DELETE", f"/v1/order-codes/{code['id']}")
    with refused("order_code_ended", 409):
        scanned(phone, code["text"])


def test_a_text_that_says_otherwise_than_the_order_is_refused(bureau: Bureau, shop: Shop) -> None:
    phone, text = payer(bureau), shown(shop)["text"]
    for old, new in (("540512.50", "54041.50"), ("010212", "010211")):
        changed = sealed(text[:-8].replace(old, new))
        with refused("order_code_altered" if new != "010211" else "order_code_malformed", 422):
            scanned(phone, changed)
    with refused("amount_fixed", 422):
        scanned(phone, text, 1)
    with refused("not_found", 404):
        scanned(phone, sealed(text[:-8].replace(parse(text).id.hex, "0" * 32)))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "order_code_truncated"),
        ("0" * 600, "order_code_too_long"),
        ("000201", "order_code_truncated"),
        ("https://pay.example/", "order_code_malformed"),
        (sealed("000201"), "order_code_foreign"),
        (sealed("000299"), "order_code_version"),
        (sealed("000201")[:-1] + "X", "order_code_malformed"),
    ],
)
def test_what_is_no_order_code_has_its_own_error(bureau: Bureau, text: str, code: str) -> None:
    with refused(code):
        scanned(payer(bureau), text)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"amount": 0, "out_trade_no": "x"}, "invalid_request"),
        ({"amount": -1, "out_trade_no": "x"}, "invalid_request"),
        ({"amount": 1.5, "out_trade_no": "x"}, "invalid_request"),
        ({"amount": 10**13, "out_trade_no": "x"}, "invalid_request"),
        ({"amount": 1_000_001, "out_trade_no": "x"}, "over_order_limit"),
        ({"amount": 1}, "invalid_request"),
        ({"out_trade_no": "x"}, "invalid_request"),
        ({"item": "A2-44"}, "item_not_allowed"),
        ({"item": "A1-01"}, "item_not_payable"),
        ({"item": "A9-99"}, "item_unknown"),
    ],
)
def test_what_makes_no_code_is_refused(shop: Shop, body: dict[str, object], code: str) -> None:
    with refused(code):
        shown(shop, {"item": SCENIC, "subject": "门票", **body})


def test_an_agency_that_is_no_merchant_shows_no_code(bureau: Bureau) -> None:
    with refused("not_a_merchant", 403):
        bureau.terminal("till").call("POST", "/v1/order-codes", dynamic())


def test_a_code_that_many_phones_scan_is_paid_by_one(bureau: Bureau, shop: Shop) -> None:
    code, phones = shown(shop), [payer(bureau) for _ in range(6)]
    orders = {scanned(phone, code["text"])["order"] for phone in phones}
    assert orders == {code["order"]}
    found = outcomes([functools.partial(confirm, phone, {"id": code["order"]}) for phone in phones])
    assert found["ok"] == 1
    assert set(found) <= {"ok", "not_found", "order_not_waiting"}
    assert shop.order({"id": code["order"]})["state"] == "paid"
