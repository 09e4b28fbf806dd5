"""Who rides free: the gate learns the price and not why, the city pays, and nobody's name is in what it pays."""

import json
import time
from typing import Any

import pytest

from ecard.client import Phone, Terminal
from ecard.encoding import unb64url
from ecard.settings import Settings
from pay.rides.errors import RelativeRefused
from qr import base45
from qr.errors import CodeForged
from qr.model import CHAIN, FareClass, Tail, parse, signed_tail, step_at, text
from tests.bureau import PASSWORD, Bureau, new_uscc, refused, rows
from tests.operator import TransitOperator, send, settled, until
from tests.shop import payer

pytestmark = pytest.mark.usefixtures("bank")

DISABLED, RIDING = "A2-41", "A2-26"


def grant(counter: Terminal, phone: Phone, fare: str = "free", *, item: str = DISABLED, until: float = 0) -> None:
    """Give the holder of a phone a fare class at a counter, and open the phone's session anew."""
    scene = "ride" if item == RIDING else "identity"
    visit = counter.visit(item, phone.code(scene))["visit"]
    body = {"visit": visit, "fare": fare, "until": int(until or time.time() + 365 * 86400)}
    counter.call("POST", "/v1/fare-classes", body)
    phone.open()


@pytest.fixture(scope="module")
def counter(bureau: Bureau) -> Terminal:
    """A counter of the disabled persons' federation."""
    return bureau.registrar.register_terminal(bureau.registrar.register_agency("测试残联", new_uscc()), "counter")


def test_a_free_rider_pays_nothing_and_the_city_pays_the_operator_by_hour_and_without_names(
    bureau: Bureau, counter: Terminal, settings: Settings
) -> None:
    operator = TransitOperator(bureau)
    bus = operator.bus()
    riders = [payer(bureau) for _ in range(3)]
    for phone in riders:
        grant(counter, phone)
        assert bus.tap(phone.code("ride")) is FareClass.FREE
    assert {one["outcome"] for one in bus.upload()} == {"recorded"}
    for phone in riders:
        [ride] = settled(phone, 1, "free")
        assert (ride["listed"], ride["fare"], "order" in ride) == (200, 0, False)
    seen = until(lambda: bus.terminal.call("GET", "/v1/rides/subsidies").json(), bool)
    assert sum(one["rides"] for one in seen) == 3
    assert sum(one["amount"] for one in seen) == 600
    assert {key for one in seen for key in one} == {"city", "hour", "rides", "amount", "posted"}
    # An hour is booked once it is over.
    posted = "SELECT ride_subsidies_post(now() + interval '2 hours') AS n"
    assert rows(settings, posted)[0]["n"] >= 1
    assert rows(settings, posted)[0]["n"] == 0
    [book] = rows(
        settings,
        """SELECT sum(-l.amount) FILTER (WHERE a.book = 'subsidy')::bigint AS city,
                  sum(l.amount) FILTER (WHERE a.book = 'merchant_payable')::bigint AS operator,
                  count(DISTINCT j.id) AS journals
           FROM ride_subsidy s JOIN journal j ON j.id = s.journal JOIN ledger_leg l ON l.journal = j.id
           JOIN account a ON a.id = l.account WHERE s.operator = $1""",
        operator.agency,
    )
    assert (book["city"], book["operator"], book["journals"]) == (600, 600, len(seen))


def test_half_a_fare_is_shared_between_rider_and_city(
    bureau: Bureau, operator: TransitOperator, counter: Terminal
) -> None:
    phone, bus = payer(bureau), operator.bus()
    grant(counter, phone, "half", item=RIDING)
    assert bus.tap(phone.code("ride")) is FareClass.HALF
    bus.upload()
    [ride] = settled(phone, 1, "paid")
    assert (ride["listed"], ride["fare"]) == (200, 100)


def test_nothing_that_a_gate_is_told_or_answered_says_to_which_group_a_rider_belongs(
    bureau: Bureau, operator: TransitOperator, counter: Terminal, settings: Settings
) -> None:
    """An elderly and a disabled holder are told apart by nothing but their own random handles."""
    elderly = bureau.registrar.register_terminal(bureau.registrar.register_agency("测试老龄办", new_uscc()), "counter")
    by_age, by_disability, bus = payer(bureau), payer(bureau), operator.bus()
    grant(elderly, by_age, item=RIDING)
    grant(counter, by_disability, item=DISABLED)
    codes = [by_age.code("ride"), by_disability.code("ride")]
    bodies = [parse(code).body for code in codes]
    assert bodies[0].flags == bodies[1].flags == FareClass.FREE.flags
    assert bodies[0]._replace(handle=b"", place=0, step=0) == bodies[1]._replace(handle=b"", place=0, step=0)
    for code in codes:
        bus.tap(code)
    answer = send(bus.terminal, bus.kept)
    assert [sorted(one) for one in answer["results"]] == [["n", "outcome", "tap"]] * 2
    told = json.dumps([answer, bus.terminal.call("GET", "/v1/rides/subsidies").json(), bus.kept])
    for word in ("elder", "disab", "残", "老", "A2-41", "free"):
        assert word not in told
    # Nor does our own table: it holds the class and its end.
    [kept] = rows(settings, "SELECT to_jsonb(f) AS row FROM fare_class f LIMIT 1")
    assert set(json.loads(kept["row"])) == {"card", "fare", "until", "changed_at"}


def test_no_other_scene_says_a_fare_class_nor_does_a_relatives_screen(
    bureau: Bureau, counter: Terminal, operator: TransitOperator
) -> None:
    person, carer = bureau.register(), payer(bureau)
    phone = bureau.phone(person, level=2)
    grant(counter, phone)
    for scene in ("identity", "pay", "medical", "voucher"):
        assert parse(phone.code(scene)).body.flags >> 2 == 0
    shown = carer.codes("ride", 1, bureau.add_relative(carer, person))[0]["code"]
    assert parse(shown).body.flags >> 2 == 0
    with pytest.raises(RelativeRefused):
        operator.bus().tap(shown)


def test_a_phone_that_is_offline_for_a_day_rides_free_by_its_certificate(
    bureau: Bureau, operator: TransitOperator, counter: Terminal
) -> None:
    phone, bus = payer(bureau), operator.bus()
    grant(counter, phone)
    plain = _certificate(phone, {"hours": 24})
    assert plain[3] == 0
    rides = _certificate(phone, {"hours": 24, "scene": "ride"})
    assert (rides[0] & 0xF, rides[2], rides[3]) == (CHAIN, 3, FareClass.FREE.flags)
    assert bus.tap(_shown(phone, rides, scene=3)) is FareClass.FREE
    assert bus.tap(_shown(phone, plain, scene=3)) is FareClass.FULL
    assert {one["outcome"] for one in bus.upload()} == {"recorded"}
    settled(phone, 2, "free", "paid")


def test_a_class_ends_with_its_grant_and_a_withdrawn_one_with_the_next_session(
    bureau: Bureau, operator: TransitOperator, counter: Terminal
) -> None:
    phone, bus = payer(bureau), operator.bus()
    grant(counter, phone, until=time.time() + 120)
    codes = [one["code"] for one in phone.codes("ride", 20)]
    assert bus.tap(codes[0]) is FareClass.FREE
    assert [parse(codes[n]).fare for n in (0, 19)] == [FareClass.FREE, FareClass.FULL]
    # A certificate for less than an hour is none.
    assert _certificate(phone, {"hours": 24, "scene": "ride"})[3] == 0
    grant(counter, phone)
    assert parse(phone.code("ride")).body.flags >> 2 == FareClass.FREE
    grant(counter, phone, "full")
    assert parse(phone.code("ride")).body.flags >> 2 == FareClass.FULL


def test_a_class_is_given_to_somebody_who_is_here_for_it(bureau: Bureau, counter: Terminal) -> None:
    phone, other = payer(bureau), bureau.counter_of_another_agency()
    body: dict[str, Any] = {"fare": "free", "until": int(time.time()) + 86400}
    visits = [
        (counter, counter.visit("A1-01", phone.code())["visit"]),
        (counter, other.visit(DISABLED, phone.code())["visit"]),
        (other, "01a20ad9-456d-7b61-9ec7-a295ba5c76d4"),
    ]
    for terminal, visit in visits:
        with refused("visit_wanted", 422):
            terminal.call("POST", "/v1/fare-classes", {**body, "visit": visit})
    disputed = counter.visit(DISABLED, phone.code())["visit"]
    phone.call("POST", f"/v1/me/uses/{disputed}/dispute")
    with refused("visit_wanted", 422):
        counter.call("POST", "/v1/fare-classes", {**body, "visit": disputed})
    phone.prove(PASSWORD)
    phone.open()
    assert parse(phone.code("ride")).body.flags >> 2 == FareClass.FULL


def _certificate(phone: Phone, body: dict[str, object]) -> bytes:
    return unb64url(phone.call("POST", "/v1/me/code-certificates", body).json()["certificate"])


def _shown(phone: Phone, certificate: bytes, *, scene: int) -> str:
    tail = Tail(scene, step_at(phone.now()), int(time.time_ns()) & 0xFFFFFFFF).pack()
    return text(certificate + tail + phone.signer.sign(signed_tail(certificate[:-64], tail)))


def test_a_flag_that_was_changed_is_a_forgery(bureau: Bureau, operator: TransitOperator) -> None:
    phone = payer(bureau)
    raw = bytearray(base45.decode(phone.code("ride")[4:]))
    raw[3] |= FareClass.FREE.flags
    with pytest.raises(CodeForged):
        operator.bus().tap("EC1:" + base45.encode(bytes(raw)))
