"""Rides, from the gate that is offline to the operator's account: what is charged, to whom, and how often."""

import functools
import time
from typing import Any

import pytest

from ecard.catalogue.model import Scene
from ecard.client import Phone
from ecard.errors import EcardError
from ecard.settings import Settings
from pay.rides.model import Direction
from qr.model import FareClass
from tests.bank import Bank
from tests.bureau import Bureau, code_of_step, outcomes, refused, rows
from tests.operator import TABLE, Offline, TransitOperator, rides, send, settled, until
from tests.shop import confirm, payer

pytestmark = pytest.mark.usefixtures("bank")

IN, OUT = Direction.IN, Direction.OUT


def test_a_bus_ride_is_tapped_offline_and_paid_for_later(bureau: Bureau, operator: TransitOperator) -> None:
    phone, bus = payer(bureau), operator.bus()
    assert bus.tap(phone.code("ride")) is FareClass.FULL
    assert rides(phone) == []
    [result] = bus.upload()
    assert result["outcome"] == "recorded"
    [ride] = settled(phone, 1, "paid")
    assert (ride["operator"], ride["line"], ride["listed"], ride["fare"]) == ("测试公交", "101", 200, 200)
    order = phone.call("GET", f"/v1/me/orders/{ride['order']}").json()
    assert (order["kind"], order["amount"], order["state"]) == ("ride", 200, "paid")


def test_an_upload_may_be_repeated_and_charges_once(
    bureau: Bureau, operator: TransitOperator, settings: Settings
) -> None:
    phone, bus = payer(bureau), operator.bus()
    bus.tap(phone.code("ride"))
    first = bus.upload()
    assert [one["outcome"] for one in bus.upload()] == ["known"]
    assert bus.upload()[0]["tap"] == first[0]["tap"]
    [ride] = settled(phone, 1, "paid")
    attempts = rows(settings, "SELECT count(*) AS n FROM bank_attempt WHERE order_id = $1", ride["order"])
    assert attempts[0]["n"] == 1


def test_one_upload_sent_by_eight_connections_at_once_is_recorded_once(
    bureau: Bureau, operator: TransitOperator
) -> None:
    phone, bus = payer(bureau), operator.bus()
    bus.tap(phone.code("ride"))
    found: list[str] = []
    assert outcomes([lambda: found.append(bus.upload()[0]["outcome"])] * 8) == {"ok": 8}
    assert sorted(found) == ["known"] * 7 + ["recorded"]
    settled(phone, 1, "paid")


def test_a_metro_ride_costs_by_distance_whichever_gate_uploads_first(bureau: Bureau) -> None:
    patient = TransitOperator(bureau, {**TABLE, "patience": 3600})
    phone, entry, exit_ = payer(bureau), patient.station("A"), patient.station("C")
    entry.tap(phone.code("ride"), IN)
    exit_.tap(phone.code("ride"), OUT)
    exit_.upload()
    time.sleep(1.2)
    assert rides(phone) == []
    entry.upload()
    [ride] = settled(phone, 1, "paid")
    assert (ride["entry"], ride["exit"], ride["fare"], ride["kind"]) == ("A", "C", 400, "complete")


def test_a_missing_exit_costs_the_most(bureau: Bureau, operator: TransitOperator) -> None:
    phone, entry = payer(bureau), operator.station("A")
    entry.tap(phone.code("ride"), IN)
    entry.upload()
    [ride] = settled(phone, 1, "paid")
    assert (ride["kind"], ride["entry"], "exit" in ride, ride["fare"]) == ("no_exit", "A", False, 400)


def test_a_day_costs_no_more_than_the_cap(bureau: Bureau) -> None:
    capped = TransitOperator(bureau, {**TABLE, "daily_cap": 300})
    phone = payer(bureau)
    bus = capped.bus()
    for _ in range(3):
        bus.tap(phone.code("ride"))
    bus.upload()
    found = settled(phone, 3, "paid", "free")
    assert sorted(ride["fare"] for ride in found) == [0, 100, 200]


def test_a_code_at_two_offline_gates_is_charged_once_and_both_are_told(
    bureau: Bureau, operator: TransitOperator
) -> None:
    phone, first, second = payer(bureau), operator.bus(), operator.bus()
    code = phone.code("ride")
    first.tap(code)
    second.tap(code)
    assert first.upload()[0]["outcome"] == "recorded"
    [lost] = second.upload()
    assert lost["outcome"] == "contested"
    assert abs(lost["first_at"] - time.time()) < 60
    assert [one["outcome"] for one in second.upload()] == ["contested"]
    for gate, won in ((first, True), (second, False)):
        [told] = gate.terminal.call("GET", "/v1/rides/contested").json()
        assert told["won"] is won
        assert send(gate.terminal, gate.kept)["contested"] == 1
    assert len(settled(phone, 1, "paid")) == 1


def test_two_gates_that_upload_one_code_at_once_have_one_winner(bureau: Bureau, operator: TransitOperator) -> None:
    gates = [operator.bus() for _ in range(4)]
    phones = [payer(bureau) for _ in range(2)]
    for phone in phones:
        codes = [phone.code("ride") for _ in range(5)]
        for gate in gates:
            for code in codes:
                gate.tap(code)
    for number, gate in enumerate(gates):
        gate.kept = gate.kept[number:] + gate.kept[:number]
    found: list[str] = []

    def upload(gate: Offline) -> None:
        found.extend(one["outcome"] for one in gate.upload())

    assert outcomes([functools.partial(upload, gate) for gate in gates]) == {"ok": 4}
    assert (found.count("recorded"), found.count("contested")) == (10, 30)
    for phone in phones:
        settled(phone, 5, "paid")


def test_a_code_used_online_is_not_used_at_an_offline_gate_as_well(bureau: Bureau, operator: TransitOperator) -> None:
    phone, bus = payer(bureau), operator.bus()
    code = phone.code("ride")
    bus.tap(code)
    operator.terminal("gate").visit("A2-26", code)
    assert bus.upload()[0]["outcome"] == "contested"
    time.sleep(1.2)
    assert rides(phone) == []


def test_bad_lines_are_refused_one_by_one_and_the_good_ones_taken(
    bureau: Bureau, operator: TransitOperator, settings: Settings
) -> None:
    phone, bus = payer(bureau), operator.bus()
    relative = bureau.register()
    bureau.phone(relative)
    related = phone.codes("ride", 1, bureau.add_relative(phone, relative))[0]["code"]
    now = int(time.time())
    good = {"code": phone.code("ride"), "at": now, "line": "101", "direction": "single"}
    forged = phone.code("ride")
    forged = forged[:-1] + ("0" if forged[-1] != "0" else "1")
    lines = [
        ({**good, "code": ""}, "code_malformed"),
        ({**good, "code": "EC1:"}, "code_truncated"),
        ({**good, "code": "6212345678901234567"}, "code_foreign"),
        ({**good, "code": forged}, "code_forged"),
        ({**good, "code": phone.code("pay")}, "wrong_scene"),
        ({**good, "code": related}, "relative_refused"),
        ({**good, "code": code_of_step(settings, phone, -10, Scene.RIDE).code}, "code_expired"),
        ({**good, "code": code_of_step(settings, phone, 10, Scene.RIDE).code}, "code_clock_skew"),
        ({**good, "at": now + 3600}, "tap_in_future"),
        ({**good, "at": now - 8 * 86400}, "tap_too_old"),
        ({**good, "at": -1}, "tap_too_old"),
        ({**good, "at": 10**15}, "tap_in_future"),
        ({**good, "line": "999"}, "line_unknown"),
        ({**good, "line": "M1", "direction": "in", "station": "Z"}, "station_unknown"),
        ({**good, "direction": "in"}, "direction_wrong"),
        ({**good, "direction": "sideways"}, "direction_wrong"),
        ({}, "tap_too_old"),
    ]
    answer = send(bus.terminal, [*[line for line, _ in lines], good])
    assert [one.get("code") for one in answer["results"]] == [*[code for _, code in lines], None]
    assert {one["outcome"] for one in answer["results"][:-1]} == {"refused"}
    assert answer["results"][-1]["outcome"] == "recorded"
    assert [one["n"] for one in answer["results"]] == list(range(len(lines) + 1))
    settled(phone, 1, "paid")


def test_only_gates_upload_and_a_lost_cards_or_unbound_phones_later_tap_is_not_its_holders(
    bureau: Bureau, operator: TransitOperator
) -> None:
    with refused("not_a_gate", 403):
        send(operator.terminal("kiosk"), [{}])
    phone, bus = payer(bureau), operator.bus()
    code = phone.code("ride")
    bus.tap(phone.code("ride"))
    time.sleep(1.1)
    phone.report_lost()
    time.sleep(1.1)
    bus.tap(code)  # its bundle does not know yet
    assert [one.get("code") for one in bus.upload()] == [None, "card_suspended"]


def test_a_gate_with_a_wrong_clock_lets_nobody_in(bureau: Bureau, operator: TransitOperator) -> None:
    phone, bus = payer(bureau), operator.bus()
    for wrong in (-3600, 3600):
        with pytest.raises(EcardError) as refusal:
            bus.tap(phone.code("ride"), at=time.time() + wrong)
        assert refusal.value.code in {"code_clock_skew", "code_expired"}
    assert bus.kept == []


def test_who_owes_stays_outside_until_it_is_paid(bureau: Bureau, operator: TransitOperator, bank: Bank) -> None:
    phone, bus, entry, exit_ = payer(bureau), operator.bus(), operator.station("A"), operator.station("B")
    bus.tap(phone.code("ride"))
    bank.fault("decline", on="pay", times=1)
    bus.upload()
    [ride] = settled(phone, 1, "owed")
    _becomes(bus, phone, "ride_debt")
    entry.renew()
    with pytest.raises(EcardError, match="ride_debt"):
        entry.tap(phone.code("ride"), IN)
    exit_.renew()
    exit_.tap(phone.code("ride"), OUT)  # an exit lets out
    order = phone.call("POST", f"/v1/me/rides/{ride['id']}/pay").json()
    with refused("nothing_owed", 409):
        phone.call("POST", f"/v1/me/rides/{ride['id']}/pay")
    with refused("not_found"):
        _confirm(payer(bureau), order["order"])
    assert _confirm(phone, order["order"])["state"] == "paid"
    assert settled(phone, 1, "paid")[0]["order"] == order["order"]
    _becomes(bus, phone, "ok")


def test_a_bank_that_does_not_answer_makes_no_debtor(
    bureau: Bureau, operator: TransitOperator, bank: Bank, settings: Settings
) -> None:
    phone, bus = payer(bureau), operator.bus()
    bus.tap(phone.code("ride"))
    bank.fault("lose_request", on="pay", times=1)
    bus.upload()
    [ride] = settled(phone, 1, "capturing")
    # What its resolver says in the end, when the bank has undone what it never confirmed.
    attempt = "SELECT id FROM bank_attempt WHERE order_id = $1"
    rows(settings, "SELECT pay_book(id, 'reversed', 'timeout') FROM bank_attempt WHERE order_id = $1", ride["order"])
    assert rows(settings, attempt, ride["order"])
    [again] = settled(phone, 1, "due")
    [kept] = rows(settings, "SELECT owed_since, next_at > now() AS later FROM ride WHERE id = $1", again["id"])
    assert (kept["owed_since"], kept["later"]) == (None, True)
    rows(settings, "UPDATE ride SET next_at = now() WHERE id = $1 RETURNING id", again["id"])
    assert settled(phone, 1, "paid")[0]["order"] != ride["order"]


def test_a_refused_capture_is_tried_again_and_a_payment_clears_the_debt(
    bureau: Bureau, operator: TransitOperator, bank: Bank, settings: Settings
) -> None:
    phone, bus = payer(bureau), operator.bus()
    bus.tap(phone.code("ride"))
    bank.fault("decline", on="pay", times=1)
    bus.upload()
    [ride] = settled(phone, 1, "owed")
    [kept] = rows(settings, "SELECT tries, next_at - clock_timestamp() AS wait FROM ride WHERE id = $1", ride["id"])
    assert (kept["tries"], round(kept["wait"].total_seconds() / 86400)) == (1, 1)
    rows(settings, "UPDATE ride SET next_at = clock_timestamp() WHERE id = $1 RETURNING id", ride["id"])
    settled(phone, 1, "paid")
    [kept] = rows(settings, "SELECT owed_since, tries FROM ride WHERE id = $1", ride["id"])
    assert (kept["owed_since"], kept["tries"]) == (None, 2)


def test_a_debt_is_not_paid_twice_by_a_retry_and_its_holder_at_once(
    bureau: Bureau, operator: TransitOperator, bank: Bank, settings: Settings
) -> None:
    phones = [payer(bureau) for _ in range(4)]
    bank.fault("decline", on="pay", times=len(phones))
    for phone in phones:
        bus = operator.bus()
        bus.tap(phone.code("ride"))
        bus.upload()
    owed = [settled(phone, 1, "owed")[0]["id"] for phone in phones]
    rows(settings, "UPDATE ride SET next_at = clock_timestamp() WHERE id = ANY ($1) RETURNING id", owed)
    acts = [
        (lambda p=phone, r=ride: p.call("POST", f"/v1/me/rides/{r}/pay"))
        for phone, ride in zip(phones, owed, strict=True)
        for _ in range(3)
    ]
    assert set(outcomes(acts)) <= {"ok", "nothing_owed"}
    for phone, ride in zip(phones, owed, strict=True):
        [found] = settled(phone, 1, "paid", "capturing")
        if found["state"] == "capturing":
            _confirm(phone, found["order"])
        settled(phone, 1, "paid")
        paid = rows(
            settings,
            "SELECT count(*) AS n FROM pay_order o WHERE o.kind = 'ride' AND o.state = 'paid' "
            "AND o.payer = (SELECT card FROM ride WHERE id = $1)",
            ride,
        )
        assert paid[0]["n"] == 1


def test_an_order_for_a_debt_that_is_not_confirmed_leaves_the_debt(
    bureau: Bureau, operator: TransitOperator, bank: Bank, settings: Settings
) -> None:
    phone, bus = payer(bureau), operator.bus()
    bus.tap(phone.code("ride"))
    bank.fault("decline", on="pay", times=1)
    bus.upload()
    [ride] = settled(phone, 1, "owed")
    order = phone.call("POST", f"/v1/me/rides/{ride['id']}/pay").json()["order"]
    rows(settings, "SELECT outcome FROM pay_close($1, NULL, NULL)", order)
    settled(phone, 1, "owed")
    assert phone.call("POST", f"/v1/me/rides/{ride['id']}/pay").json()["order"] != order


def _confirm(phone: Phone, order: str) -> dict[str, Any]:
    return confirm(phone, {"id": order})


def _becomes(bus: Offline, phone: Phone, wanted: str) -> None:
    """Wait until a bus that fetches the list again and again lets the phone in, or does not."""

    def look() -> str:
        bus.renew()
        try:
            bus.tap(phone.code("ride"))
        except EcardError as refusal:
            return refusal.code
        return "ok"

    until(look, lambda found: found == wanted, 6)
