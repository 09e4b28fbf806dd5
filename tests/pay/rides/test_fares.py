"""Fare tables over HTTP: who sets them, what contradicts itself, and that the past is not priced anew."""

import time
from typing import Any

import pytest

from tests.bureau import Bureau, new_uscc, refused
from tests.operator import METRO, TABLE, TransitOperator, send, settled
from tests.shop import Shop, payer

pytestmark = pytest.mark.usefixtures("bank")


def body(operator: object, table: dict[str, Any] = TABLE, *, since: float | None = None) -> dict[str, Any]:
    return {"operator": str(operator), "valid_from": int(since or time.time()), "table": table}


def test_only_a_merchant_that_takes_fares_has_a_table(bureau: Bureau) -> None:
    agency = bureau.registrar.register_agency("测试机构", new_uscc())
    for other in (agency, Shop(bureau).agency):
        with refused("operator_unknown", 404):
            bureau.finance.call("POST", "/v1/fare-tables", body(other))
    with refused("wrong_role"):
        bureau.registrar.call("POST", "/v1/fare-tables", body(agency))


@pytest.mark.parametrize(
    "table",
    [
        {"lines": {}},
        {"lines": {"1": {"type": "flat", "fare": -1}}},
        {"lines": {"1": {"type": "flat", "fare": 1.5}}},
        {"lines": {"1": {"type": "steep", "fare": 1}}},
        {"lines": {"1": {"type": "flat", "fare": 100_001}}},
        {**TABLE, "shares": {"free": 1001}},
        {**TABLE, "surprise": 1},
        {**TABLE, "transfer": {"within": 0, "off": 1}},
    ],
)
def test_a_table_of_the_wrong_form_is_refused(operator: TransitOperator, table: dict[str, Any]) -> None:
    with refused("invalid_request", 400):
        operator.set_fares(table, since=time.time() + 100)


def test_bands_out_of_order_are_named(operator: TransitOperator) -> None:
    crooked = {**METRO, "bands": METRO["bands"][::-1]}  # type: ignore[index]
    with refused("fare_table_refused", 422) as refusal:
        operator.set_fares({"lines": {"M1": crooked}}, since=time.time() + 100)
    assert refusal.value.problem["faults"] == ["/lines/M1/bands"]


def test_what_was_ridden_is_not_priced_anew(bureau: Bureau) -> None:
    operator = TransitOperator(bureau)
    with refused("fare_table_fixed", 409):
        operator.set_fares(TABLE, since=time.time() - 3600)
    later = time.time() + 5
    operator.set_fares({"lines": {"101": {"type": "flat", "fare": 900}}}, since=later)
    with refused("fare_table_fixed", 409):
        operator.set_fares(TABLE, since=later)
    phone, bus = payer(bureau), operator.bus()
    bus.tap(phone.code("ride"))
    bus.upload()
    assert settled(phone, 1, "paid")[0]["fare"] == 200


def test_a_tap_before_there_was_a_table_is_refused(bureau: Bureau) -> None:
    operator = TransitOperator(bureau)
    code, at = payer(bureau).code("ride"), int(time.time()) - 25
    with_time = {"code": code, "at": at, "line": "101", "direction": "single"}
    assert send(operator.terminal(), [with_time])["results"][0]["code"] in {"fares_missing", "code_clock_skew"}
