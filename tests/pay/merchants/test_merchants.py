"""Merchants: who may become one, what is shown of it, and that a suspended one takes no money."""

from typing import Any

import pytest

from ecard.settings import Settings
from tests.bureau import Bureau, new_uscc, refused, rows
from tests.shop import Shop


def asked(bureau: Bureau, shop: Shop, **changed: Any) -> dict[str, Any]:
    agency = bureau.registrar.register_agency("测试药店", new_uscc())
    return {**shop.asked(), "agency": str(agency), **changed}


@pytest.fixture(scope="module")
def shop(bureau: Bureau) -> Shop:
    return Shop(bureau)


def test_an_account_number_is_sealed_and_shown_by_its_end(bureau: Bureau, shop: Shop, settings: Settings) -> None:
    body = asked(bureau, shop)
    made = bureau.finance.call("POST", "/v1/merchants", body).json()
    assert made["bank_account"] == "***************0012"
    [listed] = [one for one in bureau.finance.call("GET", "/v1/merchants").json() if one["agency"] == body["agency"]]
    assert listed == made
    [row] = rows(settings, "SELECT bank_account FROM merchant WHERE agency = $1", body["agency"])
    assert body["bank_account"].encode() not in row["bank_account"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"items": ["A1-01"]}, "item_not_payable"),
        ({"items": ["A9-99"]}, "item_unknown"),
        ({"items": []}, "invalid_request"),
        ({"order_limit": 0}, "invalid_request"),
        ({"order_limit": 100, "small_free_limit": 101}, "limits_contradict"),
        ({"category": "79"}, "invalid_request"),
        ({"bank_account": "62 99"}, "invalid_request"),
        ({"agency": "01a20ad9-0c7b-7c2e-8a59-3c2b6f0b7d11"}, "not_found"),
    ],
)
def test_what_is_wrong_registers_nobody(bureau: Bureau, shop: Shop, changed: dict[str, Any], code: str) -> None:
    body = asked(bureau, shop, **changed)
    with refused(code):
        bureau.finance.call("POST", "/v1/merchants", body)
    assert body["agency"] not in {one["agency"] for one in bureau.finance.call("GET", "/v1/merchants").json()}


def test_an_agency_is_a_merchant_once(bureau: Bureau, shop: Shop) -> None:
    with refused("merchant_exists", 409):
        bureau.finance.call("POST", "/v1/merchants", shop.asked())


def test_none_but_a_registered_merchant_is_suspended(bureau: Bureau) -> None:
    with refused("not_found", 404):
        path = "/v1/merchants/01a20ad9-0c7b-7c2e-8a59-3c2b6f0b7d11/state"
        bureau.finance.call("PUT", path, {"suspended": True})
