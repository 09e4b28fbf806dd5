"""Who is let in at a gate: by the place's own rule, once, and whatever happened while the gate was cut off."""

import datetime
import itertools
import time
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecard.client import Phone, Terminal
from ecard.client.entries import (
    enter,
    entries,
    my_entries,
    my_work_hours,
    open_list,
    put_on_list,
    set_rule,
    upload,
)
from ecard.desk.errors import Replayed, TooWeak, WrongScene
from ecard.entries.model import CHINA, LONGEST, Direction, Passage, hours, stays
from ecard.entries.offline import Gate
from ecard.ids import new_id
from ecard.settings import Settings
from qr.errors import CodeExpired
from qr.offline import OfflineVerifier, trust_on_first_use
from tests.bureau import PASSWORD, Bureau, Person, new_uscc, outcomes, refused, rows

EXAM, PARK, GATE, HOTEL, LIBRARY, WORK = "A1-70", "A2-33", "A2-45", "A2-12", "A2-35", "A1-91"


class Place:
    """An agency with a gate or two at one site, and the office that keeps its lists."""

    def __init__(self, bureau: Bureau, item: str, **rule: Any) -> None:
        self.bureau, self.item = bureau, item
        self.agency = bureau.registrar.register_agency("测试场所", new_uscc())
        self.site = f"场所{new_id().hex[-8:]}"
        self.gate, self.other = (self.terminal("gate"), self.terminal("gate"))
        self.office = self.terminal("online")
        if rule:
            set_rule(bureau.registrar, self.agency, self.site, item, **rule)

    def terminal(self, setting: str) -> Terminal:
        return self.bureau.registrar.register_terminal(self.agency, setting, site=self.site)

    def list(self, *people: Person, begin: float = -60, end: float = 600, **more: Any) -> dict[str, Any]:
        now = int(self.office.now())
        uses = more.pop("uses", None)
        facts = {"site": self.site, "item": self.item, "name": f"名单{new_id().hex[-8:]}", "uses": uses}
        made = open_list(self.office, **facts, opens_at=int(now + begin), closes_at=int(now + end))
        return put_on_list(self.office, made["id"], [{"id_no": one.facts["id_no"], **more} for one in people])

    def visit(self, phone: Phone, gate: Terminal | None = None) -> str:
        return str((gate or self.gate).visit(self.item, phone.code())["visit"])

    def enter(
        self, phone: Phone, direction: str = "in", room: str = "", gate: Terminal | None = None
    ) -> dict[str, Any]:
        return enter(gate or self.gate, self.visit(phone, gate), direction=direction, room=room)

    def inside(self) -> int:
        found = self.bureau.registrar.call("GET", "/v1/entry-rules", query=f"agency={self.agency}").json()
        return int(next(one["inside"] for one in found if one["site"] == self.site))


def offline_gate(bureau: Bureau, **more: Any) -> Gate:
    bundle = bureau.http.get("/v1/bundle").json()["bundle"]
    anchors = trust_on_first_use(bundle)
    verifier = OfflineVerifier.load(bundle, anchors=anchors, issuer=bureau.issuer, newest=0, now=time.time())
    return Gate(verifier, **more)


@pytest.mark.parametrize("item", [PARK, GATE, LIBRARY, "A2-29", "A1-46"])
def test_a_place_without_a_rule_admits_anybody_and_notes_it(bureau: Bureau, item: str) -> None:
    place, phone = Place(bureau, item), bureau.phone()
    made = place.enter(phone)
    [mine] = my_entries(phone)
    [seen] = entries(place.gate, item)
    assert mine["id"] == seen["id"] == made["id"]
    assert (mine["site"], seen["direction"], seen["offline"], seen["counted"]) == (place.site, "in", False, True)
    with refused("entry_one_way", 422):
        place.enter(phone, "out")


def test_an_examination_admits_each_candidate_once_in_the_right_room_at_the_right_time(bureau: Bureau) -> None:
    place = Place(bureau, EXAM, listed=True)
    person, late, stranger = bureau.register(), bureau.register(), bureau.phone()
    made = place.list(person, uses=1, room="第3考场", seat="17")
    place.list(late, begin=300, uses=1, room="第3考场")
    phone = bureau.phone(person)
    with refused("entry_wrong_room", 409) as refusal:
        place.enter(phone, room="第4考场")
    assert refusal.value.problem["room"] == "第3考场"
    with refused("entry_not_listed", 409):
        place.enter(stranger, room="第3考场")
    with refused("entry_outside_time", 409) as refusal:
        place.enter(bureau.phone(late), room="第3考场")
    assert refusal.value.problem["opens_at"] > place.gate.now()
    entered = place.enter(phone, room="第3考场")
    assert (entered["seat"], entered["room"], entered["list"]) == ("17", "第3考场", made["name"])
    with refused("entry_used_up", 409) as refusal:
        place.enter(phone, room="第3考场", gate=place.other)
    assert abs(refusal.value.problem["first_at"] - entered["at"]) <= 1
    found = place.office.call("GET", f"/v1/entry-lists/{made['id']}").json()
    assert (found["persons"], found["entered"]) == (1, 1)


def test_each_refusal_at_a_gate_is_on_record(bureau: Bureau, settings: Settings) -> None:
    place = Place(bureau, EXAM, listed=True)
    with refused("entry_not_listed"):
        place.enter(bureau.phone())
    sql = "SELECT outcome FROM audit_event WHERE kind = 'entry' AND actor = $1"
    assert [row["outcome"] for row in rows(settings, sql, place.gate.actor)] == ["entry_not_listed"]


def test_many_gates_at_once_admit_a_candidate_once(bureau: Bureau) -> None:
    place = Place(bureau, EXAM, listed=True)
    person = bureau.register()
    place.list(person, uses=1)
    phone = bureau.phone(person)
    visits = [place.visit(phone, (place.gate, place.other)[n % 2]) for n in range(10)]
    found = outcomes([partial(enter, (place.gate, place.other)[n % 2], one) for n, one in enumerate(visits)])
    assert found == {"ok": 1, "entry_used_up": 9}
    assert [one["counted"] for one in my_entries(phone)] == [True]


def test_one_visit_is_one_entry_and_a_retry_gets_the_same(bureau: Bureau) -> None:
    place, phone = Place(bureau, PARK), bureau.phone()
    visit, key = place.visit(phone), new_id().hex
    assert len({enter(place.gate, visit, key=key)["id"] for _ in range(3)}) == 1
    assert outcomes([lambda: enter(place.other, visit)] * 6) == {"entry_done": 6}
    assert len(my_entries(phone)) == 1


def test_a_years_ticket_enters_every_day_and_a_booking_any_room_of_its_time(bureau: Bureau) -> None:
    park, hotel, person = Place(bureau, PARK, listed=True), Place(bureau, HOTEL, listed=True), bureau.register()
    park.list(person, end=365 * 86400)
    hotel.list(person)
    phone = bureau.phone(person)
    for _ in range(3):
        park.enter(phone)
    assert hotel.enter(phone, room="801")["room"] == "801"


def test_nobody_is_inside_twice_and_no_more_than_there_is_room_for(bureau: Bureau) -> None:
    place = Place(bureau, LIBRARY, both_ways=True, capacity=2)
    phones = [bureau.phone() for _ in range(6)]
    visits = [place.visit(phone) for phone in phones]
    found = outcomes([partial(enter, place.gate, one) for one in visits])
    assert found == {"ok": 2, "entry_place_full": 4}
    inside = [phone for phone in phones if my_entries(phone)]
    with refused("entry_inside", 409):
        place.enter(inside[0])
    assert place.inside() == 2
    place.enter(inside[0], "out")
    assert place.inside() == 1
    place.enter(inside[0])
    assert place.inside() == 2


def test_nobody_is_kept_from_leaving(bureau: Bureau) -> None:
    place, phone = Place(bureau, LIBRARY, both_ways=True), bureau.phone()
    assert place.enter(phone, "out")["direction"] == "out"
    assert place.inside() == 0


def test_hours_at_a_work_site_count_by_day_for_worker_and_site(bureau: Bureau, settings: Settings) -> None:
    place, phone = Place(bureau, WORK), bureau.phone()
    came, left = place.enter(phone), place.enter(phone, "out")
    noon = datetime.datetime.combine(datetime.datetime.now(CHINA).date(), datetime.time(12), CHINA)
    noon -= datetime.timedelta(days=1)
    move = "UPDATE gate_entry SET seen_at = $2 WHERE id = $1"
    rows(settings, move, came["id"], noon - datetime.timedelta(hours=4))
    rows(settings, move, left["id"], noon + datetime.timedelta(minutes=30))
    day = {"day": str(noon.date()), "minutes": 270}
    assert my_work_hours(phone) == [{"agency": "测试场所", "site": place.site, **day}]
    [at_site] = place.gate.call("GET", "/v1/work-hours", query=f"day={noon.date()}").json()
    assert {key: at_site[key] for key in day} == day
    assert at_site["sub"] == entries(place.gate, WORK)[0]["sub"]
    for path, query in (("work-hours", "day=2026-13-01"), ("entries", "item=A1%00"), ("entries", "before=-1")):
        with refused("invalid_request", 400):
            place.gate.call("GET", f"/v1/{path}", query=query)


def test_a_gate_that_was_cut_off_lets_in_and_uploads_as_often_as_it_likes(bureau: Bureau) -> None:
    place, phone = Place(bureau, PARK), bureau.phone()
    gate = offline_gate(bureau)
    code = phone.code()
    gate.pass_(code, time.time())
    with pytest.raises(Replayed):
        gate.pass_(code, time.time())
    with pytest.raises(CodeExpired):
        gate.pass_(phone.code(), time.time() + 600)
    with pytest.raises(WrongScene):
        gate.pass_(phone.code("voucher"), time.time())
    with pytest.raises(TooWeak):
        offline_gate(bureau, password=True).pass_(phone.code(), time.time())
    [first] = upload(place.gate, PARK, gate.kept)
    [again] = upload(place.gate, PARK, gate.kept)
    assert (first["outcome"], again["outcome"], again["entry"]) == ("recorded", "known", first["entry"])
    [mine], [use] = my_entries(phone), phone.uses()
    assert (mine["id"], use["evidence"], use["site"]) == (first["entry"], "offline", place.site)
    with refused("code_replayed", 409):
        place.gate.visit(PARK, code)


def test_of_a_code_that_two_gates_took_the_first_seen_counts_and_both_are_told(bureau: Bureau) -> None:
    one, two, person = Place(bureau, PARK), Place(bureau, EXAM, listed=True), bureau.register()
    made = two.list(person, uses=1)
    phone = bureau.phone(person)
    [code], now = [phone.code()], int(time.time())
    late, early = {"code": code, "at": now}, {"code": code, "at": now - 5}
    [second] = upload(two.gate, EXAM, [late])
    [first] = upload(one.gate, PARK, [early])
    assert (second["outcome"], first["outcome"]) == ("recorded", "recorded")
    [lost], [won] = (place.gate.call("GET", "/v1/entry-conflicts").json() for place in (two, one))
    assert (lost["entry"], lost["won"], won["entry"], won["won"]) == (second["entry"], False, first["entry"], True)
    assert two.office.call("GET", f"/v1/entry-lists/{made['id']}").json()["entered"] == 0
    assert upload(two.gate, EXAM, [late])[0]["outcome"] == "contested"
    [third] = upload(one.other, PARK, [{"code": code, "at": now + 3}])
    assert (third["outcome"], third["first_at"]) == ("contested", now - 5)
    assert [entry["counted"] for entry in my_entries(phone)].count(True) == 1
    assert two.enter(phone)["direction"] == "in"  # the use that was lost is given back


def test_digits_that_were_taken_online_are_the_code_that_a_gate_uploads(bureau: Bureau) -> None:
    one, two, phone = Place(bureau, PARK), Place(bureau, PARK), bureau.phone()
    [shown] = phone.codes()
    visit = one.gate.visit(PARK, shown["number"])["visit"]
    entered = enter(one.gate, visit)
    line = {"code": shown["code"], "at": int(time.time()) + 2}
    [late] = upload(two.gate, PARK, [line])
    assert (late["outcome"], abs(late["first_at"] - entered["at"]) <= 1) == ("contested", True)
    assert upload(one.gate, PARK, [line])[0]["outcome"] == "contested"
    assert [entry["counted"] for entry in my_entries(phone)].count(True) == 1


def test_two_gates_that_upload_a_code_at_once_count_it_once(bureau: Bureau) -> None:
    place, phone = Place(bureau, PARK), bureau.phone()
    line = {"code": phone.code(), "at": int(time.time())}
    gates = [place.gate, place.other] + [place.terminal("gate") for _ in range(4)]
    found: list[str] = []

    def bring(gate: Terminal) -> None:
        found.append(upload(gate, PARK, [line])[0]["outcome"])

    outcomes([partial(bring, gate) for gate in gates])
    assert sorted(found) == ["contested"] * 5 + ["recorded"]


def test_a_network_that_went_between_visit_and_entry_loses_nobody(bureau: Bureau) -> None:
    place, phone = Place(bureau, PARK), bureau.phone()
    code = phone.code()
    visit = str(place.gate.visit(PARK, code)["visit"])
    [made] = upload(place.gate, PARK, [{"code": code, "at": int(time.time())}])
    assert made["outcome"] == "recorded"
    assert len(phone.uses()) == 1
    with refused("entry_done", 409):
        enter(place.gate, visit)


def test_what_is_wrong_in_an_uploaded_line_is_that_lines_refusal(bureau: Bureau) -> None:
    place, now = Place(bureau, EXAM, listed=True), int(time.time())
    lost = bureau.phone()
    code = lost.code()
    lost.report_lost()
    shown = bureau.phone().codes()[0]
    lines = [
        {"code": bureau.phone().code(), "at": now},
        {"code": code, "at": now + 5},
        {"code": shown["number"], "at": now},
        {"code": bureau.phone().code(), "at": now + 600},
        {"code": bureau.phone().code(), "at": now - 8 * 86400},
        {"code": bureau.phone().code("pay"), "at": now},
        {"code": "EC1:", "at": now},
        {},
    ]
    assert [line.get("code") for line in upload(place.gate, EXAM, lines)] == [
        "entry_not_listed",
        "card_suspended",
        "entry_code_wanted",
        "entry_in_future",
        "entry_too_old",
        "wrong_scene",
        "code_truncated",
        "entry_too_old",
    ]


def test_lists_are_kept_by_the_agencys_office_and_name_real_numbers(bureau: Bureau) -> None:
    place, other = Place(bureau, EXAM, listed=True), Place(bureau, EXAM)
    made = place.list(bureau.register())
    with refused("entry_list_place", 403):
        put_on_list(place.gate, made["id"], [{"id_no": "119900195001011015"}])
    with refused("not_found", 404):
        put_on_list(other.office, made["id"], [{"id_no": bureau.register().facts["id_no"]}])
    with refused("invalid_request", 400) as refusal:
        put_on_list(place.office, made["id"], [{"id_no": "119900195001011010"}])
    assert refusal.value.problem["pointer"] == "/persons/0/id_no"
    facts = {"site": place.site, "item": EXAM, "name": made["name"], "opens_at": 1, "closes_at": 2}
    with refused("entry_list_exists", 409):
        open_list(place.office, **facts)
    with refused("invalid_request", 400):
        open_list(place.office, **{**facts, "closes_at": 1})
    with refused("item_unknown"):
        open_list(place.office, **{**facts, "item": "A1-01"})
    with refused("invalid_request", 400):
        set_rule(bureau.registrar, place.agency, place.site, EXAM, capacity=3)
    with refused("not_found", 404):
        set_rule(bureau.registrar, new_id(), place.site, EXAM)


def test_a_list_says_nothing_of_its_people_to_who_copies_it(bureau: Bureau, settings: Settings) -> None:
    place, person = Place(bureau, EXAM, listed=True), bureau.register()
    made = place.list(person)
    [row] = rows(settings, "SELECT * FROM entry_person WHERE list = $1", made["id"])
    assert person.facts["id_no"].encode() not in bytes(row["person"])
    assert len(row["person"]) == 16


_START = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
_PASSAGES = st.lists(
    st.builds(
        Passage,
        st.sampled_from(Direction),
        st.integers(0, 4 * 24 * 60).map(lambda minutes: _START + datetime.timedelta(minutes=minutes)),
    ),
    max_size=24,
)


@given(_PASSAGES)
def test_minutes_by_day_are_the_stays_and_no_stay_overlaps_or_is_endless(passages: list[Passage]) -> None:
    found = stays(passages)
    assert sum(one.minutes for one in hours(passages)) == sum(int((b - a).total_seconds()) // 60 for a, b in found)
    assert all(b - a <= LONGEST for a, b in found)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(found))
    assert all(one.minutes <= 24 * 60 for one in hours(passages))


@given(_PASSAGES)
def test_the_order_in_which_passages_arrive_changes_no_hours(passages: list[Passage]) -> None:
    assert hours(passages) == hours(list(reversed(passages)))


def test_a_password_that_the_item_asks_for_is_asked_for_of_an_upload_too(bureau: Bureau) -> None:
    place, phone = Place(bureau, "A1-68"), bureau.phone()
    phone.prove(PASSWORD)
    [line] = upload(place.gate, "A1-68", [{"code": phone.code(), "at": int(time.time())}])
    assert line["code"] == "evidence_too_weak"
