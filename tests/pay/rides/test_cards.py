"""A ride with the physical card: read at a gate that is online, priced and charged as a code's."""

import pytest

from tests.bureau import Bureau, refused
from tests.operator import TransitOperator, settled
from tests.reader import Readers, carded
from tests.shop import payer

RIDE = "A2-26"


def test_a_card_that_is_read_at_a_gate_is_one_ride_and_its_fare_is_paid(
    bureau: Bureau, operator: TransitOperator
) -> None:
    person, card = carded(bureau)
    phone = bureau.phone(person, level=2)
    gate = Readers(bureau, "gate", operator.agency)
    body = {"visit": gate.visit(RIDE, card), "line": "101"}
    first = gate.terminal.call("POST", "/v1/rides/cards", body).json()
    again = gate.terminal.call("POST", "/v1/rides/cards", body).json()
    assert (first["outcome"], again) == ("recorded", {"tap": first["tap"], "outcome": "known"})
    [ride] = settled(phone, 1, "paid", seconds=30)
    assert (ride["fare"], ride["line"]) == (200, "101")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"line": "999"}, "line_unknown"),
        ({"line": "M1", "station": "Z", "direction": "in"}, "station_unknown"),
        ({"visit": "01938f5e-7c1a-7000-8000-0000000000a1"}, "visit_unknown"),
    ],
)
def test_a_tap_of_a_place_or_visit_that_is_not_there_is_refused(
    bureau: Bureau, operator: TransitOperator, changed: dict[str, str], code: str
) -> None:
    gate = operator.terminal()
    visit = gate.visit(RIDE, payer(bureau).code("ride"))["visit"]
    with refused(code):
        gate.call("POST", "/v1/rides/cards", {"visit": visit, "line": "101", **changed})


def test_a_visit_of_another_item_or_at_another_agency_is_no_ride(bureau: Bureau, operator: TransitOperator) -> None:
    gate = operator.terminal()
    with refused("wrong_flow"):
        visit = gate.visit("A2-45", bureau.phone().code())["visit"]
        gate.call("POST", "/v1/rides/cards", {"visit": visit, "line": "101"})
    with refused("visit_unknown"):
        elsewhere = bureau.terminal("gate").visit(RIDE, payer(bureau).code("ride"))["visit"]
        gate.call("POST", "/v1/rides/cards", {"visit": elsewhere, "line": "101"})
    with refused("not_a_gate"):
        till = operator.terminal("till")
        visit = till.visit(RIDE, payer(bureau).code("ride"))["visit"]
        till.call("POST", "/v1/rides/cards", {"visit": visit, "line": "101"})
