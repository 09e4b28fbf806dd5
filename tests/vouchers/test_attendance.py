"""Who was there: by code or card at the institution, or by scanning the code that the class shows."""

import datetime
import time
from collections import Counter as Count
from typing import Any
from uuid import UUID

import pytest

from ecard.client import Phone
from ecard.settings import Settings
from tests.bureau import Bureau, outcomes, refused, rows
from tests.cardio.reads import Counter, new_card
from tests.school import CODE, REGISTER, School, join, learner, scheme, session
from tests.training import Programme
from vouchers.attendance.model import metres

PLACE = {"latitude": 38.4872, "longitude": 106.2309, "radius": 200}
NEAR, FAR = {"latitude": 38.4880, "longitude": 106.2309}, {"latitude": 38.4900, "longitude": 106.2309}


@pytest.fixture(scope="module")
def school(bureau: Bureau) -> School:
    return School(bureau)


@pytest.fixture(scope="module")
def programme(bureau: Bureau) -> Programme:
    return scheme(bureau, quantity=200)


def scan(phone: Phone, code: str, place: dict[str, float] | None = None) -> dict[str, Any]:
    """Return the check-in of a phone that scanned the class's code."""
    body: dict[str, Any] = {"code": code} | ({} if place is None else {"place": place})
    made: dict[str, Any] = phone.call("POST", "/v1/me/attendances", body).json()
    return made


def audited(settings: Settings, outcome: str) -> int:
    """Return how often a refused check-in is on record."""
    return len(rows(settings, "SELECT FROM audit_event WHERE kind = 'attendance' AND outcome = $1", outcome))


def test_a_check_in_is_a_visit_that_the_learner_sees_and_may_dispute(
    bureau: Bureau, school: School, programme: Programme
) -> None:
    class_ = school.open(programme)
    phone, voucher = learner(programme, class_=class_)
    made = school.check_in(class_, phone.code("voucher"))
    assert (made["voucher"], made["session"], made["hours"], made["how"]) == (voucher, 1, 4, "code")
    [use] = phone.uses()
    assert (use["id"], use["item"], use["agency"]) == (made["id"], CODE, "测试职业培训学校")
    events = phone.call("GET", f"/v1/me/vouchers/{voucher}").json()["events"]
    assert [event["kind"] for event in events][-2:] == ["bound", "attended"]
    assert school.voucher(voucher)["hours"] == 4
    phone.call("POST", f"/v1/me/uses/{made['id']}/dispute")
    assert school.voucher(voucher)["hours"] == 0
    with refused("completion_too_few_hours", 409):
        school.complete(class_, voucher)
    del bureau


def test_the_same_request_gets_the_same_answer_and_the_code_is_good_once(school: School, programme: Programme) -> None:
    class_ = school.rehearse(programme, 2)
    phone, _ = learner(programme, class_=class_)
    code = phone.code("voucher")
    first = school.check_in(class_, code, key="once")
    assert school.check_in(class_, code, key="once") == first
    with refused("code_replayed", 409):
        school.check_in(class_, code)
    with refused("idempotency_key_reused", 422):
        school.check_in(class_, phone.code("voucher"), key="once")


def test_one_learner_checks_in_once_a_session_however_many_codes(
    school: School, programme: Programme, settings: Settings
) -> None:
    class_ = school.open(programme)
    phone, _ = learner(programme, class_=class_)
    codes = [phone.code("voucher") for _ in range(6)]
    school.counter.open()
    counted = outcomes([lambda one=one: school.check_in(class_, one) for one in codes])  # type: ignore[misc] # bound now
    assert counted == {"ok": 1, "class_already_checked_in": 5}
    assert len(phone.uses()) == 1
    assert school.seats(class_)[0]["hours"] == 4
    assert audited(settings, "class_already_checked_in") >= 5


def test_the_physical_card_checks_in_under_its_own_item(bureau: Bureau, school: School, programme: Programme) -> None:
    class_ = school.open(programme)
    person, card = new_card(bureau)
    phone = bureau.phone(person)
    join(phone, class_, programme.claim(phone)["id"])
    counter = Counter(bureau, agency=school.agency)
    try:
        read = counter.read(REGISTER, card)
        body = {"item": REGISTER, "evidence": {"kind": "card", "session": read["id"]}}
        path = f"/v1/classes/{class_}/attendances"
        with refused("form_not_accepted", 422):
            counter.terminal.call("POST", path, {**body, "item": CODE})
        made = counter.terminal.call("POST", path, body).json()
        assert (made["how"], made["holder"]["name"]) == ("card", person.facts["name"])
        assert set(made["holder"]) == {"name", "id_no", "mobile"}
    finally:
        counter.close()
    assert [use["form"] for use in phone.uses()] == ["physical"]


def test_a_learner_scans_the_code_that_the_class_shows(school: School, programme: Programme) -> None:
    class_ = school.open(programme, place=PLACE)
    phone, _ = learner(programme, class_=class_)
    shown = school.server.call("GET", f"/v1/classes/{class_}/code").json()
    assert shown["rotate_seconds"] == 30
    assert 0 < shown["valid_until"] - shown["server_time"] <= 60
    made = scan(phone, shown["code"], NEAR)
    assert (made["how"], made["session"]) == ("class_code", 1)
    assert [(use["evidence"], use["site"]) for use in phone.uses()] == [("class_code", "焊工一班")]
    with refused("class_already_checked_in", 409):
        scan(phone, shown["code"], NEAR)
    other, _ = learner(programme, class_=class_)
    assert scan(other, shown["code"], NEAR)["session"] == 1, "one code is for all who are there"


def test_a_phone_elsewhere_or_that_says_no_place_is_refused(
    school: School, programme: Programme, settings: Settings
) -> None:
    class_ = school.open(programme, place=PLACE)
    phone, _ = learner(programme, class_=class_)
    code = school.shown(class_)
    before = audited(settings, "class_outside_place")
    for place in (FAR, None):
        with refused("class_outside_place", 409) as refusal:
            scan(phone, code, place)
        assert refusal.value.problem["radius"] == PLACE["radius"]
    assert audited(settings, "class_outside_place") == before + 2
    [kept] = rows(settings, "SELECT count(*) AS n FROM attendance WHERE class = $1", UUID(class_))
    assert kept["n"] == 0
    assert metres((38.4872, 106.2309), (38.4872, 106.2309)) == 0
    assert metres((0, 0), (0, 1)) == pytest.approx(111_195, abs=1)
    assert metres((90, 0), (-90, 0)) == pytest.approx(20_015_087, abs=1)


def test_a_terminal_of_another_site_is_refused(school: School, programme: Programme) -> None:
    class_ = school.open(programme, site="实训楼")
    phone, _ = learner(programme, class_=class_)
    with refused("class_outside_place", 409):
        school.check_in(class_, phone.code("voucher"))
    there = school.terminal("kiosk", site="实训楼")
    assert school.check_in(class_, phone.code("voucher"), at=there)["session"] == 1


def test_outside_the_window_nobody_checks_in_and_no_code_is_shown(
    school: School, programme: Programme, settings: Settings
) -> None:
    for sessions in ([session(2, after=7200)], [session(2, after=-1000), session(2, after=80_000)]):
        class_ = school.open(programme, sessions=sessions, opens_before=600, closes_after=900)
        phone, _ = learner(programme, class_=class_)
        with refused("class_outside_window", 409):
            school.check_in(class_, phone.code("voucher"))
        with refused("class_outside_window", 409):
            school.shown(class_)
    assert audited(settings, "class_outside_window") >= 2


def test_a_window_is_open_from_its_first_second_to_the_one_before_its_last(
    school: School, programme: Programme, settings: Settings
) -> None:
    class_ = school.open(programme, sessions=[session(2, after=9000)], opens_before=600, closes_after=900)
    learner(programme, class_=class_)
    sql = """
        SELECT a.outcome FROM class_session s, enrolment e,
            LATERAL class_attendance(s.class, e.card, CASE WHEN $2 THEN s.opens_at ELSE s.closes_at END + $3) a
        WHERE s.class = $1 AND e.class = s.class
    """
    instant = datetime.timedelta(microseconds=1)
    said = [
        rows(settings, sql, UUID(class_), opens, late)[0]["outcome"]
        for opens, late in ((True, -instant), (True, 0 * instant), (False, -instant), (False, 0 * instant))
    ]
    assert said == ["outside_window", "ok", "ok", "outside_window"]


def test_a_learner_of_another_class_is_told_so(bureau: Bureau, school: School, programme: Programme) -> None:
    theirs = School(bureau, merchant=False)
    mine, other = school.open(programme), theirs.open(programme)
    phone, _ = learner(programme, class_=other)
    with refused("voucher_wrong_institution", 403):
        school.check_in(mine, phone.code("voucher"))
    with refused("not_found", 404):
        school.check_in(other, phone.code("voucher"))
    with refused("voucher_wrong_institution", 403):
        scan(phone, school.shown(mine))
    stranger = bureau.phone()
    with refused("class_not_enrolled", 409):
        school.check_in(mine, stranger.code("voucher"))
    with refused("not_found", 404):
        school.server.call("GET", f"/v1/classes/{other}/code")


def test_a_frozen_or_expired_voucher_checks_nobody_in(school: School, programme: Programme, settings: Settings) -> None:
    class_ = school.open(programme)
    phone, voucher = learner(programme, class_=class_)
    programme.move({"id": voucher}, "freeze")
    with refused("voucher_frozen", 409):
        school.check_in(class_, phone.code("voucher"))
    with refused("voucher_frozen", 409):
        scan(phone, school.shown(class_))
    programme.move({"id": voucher}, "unfreeze")
    rows(settings, "UPDATE voucher SET valid_until = clock_timestamp() WHERE id = $1", UUID(voucher))
    # Until the job ends it, it is expired all the same; then its learner sits in the class no more.
    assert set(outcomes([lambda: school.check_in(class_, phone.code("voucher"))])) <= {
        "voucher_expired",
        "class_not_enrolled",
    }


def test_what_is_no_evidence_for_training_is_refused(bureau: Bureau, school: School, programme: Programme) -> None:
    class_ = school.open(programme)
    phone, _ = learner(programme, class_=class_)
    with refused("item_not_training", 422) as refusal:
        school.check_in(class_, phone.code(), item="A1-01")
    assert refusal.value.problem["accepted"] == [CODE, REGISTER]
    with refused("wrong_scene", 422):
        school.check_in(class_, phone.code())
    with refused("wrong_place", 422):
        school.check_in(class_, phone.code(), item=REGISTER, at=school.server)
    with refused("code_malformed", 422):
        school.check_in(class_, school.shown(class_))
    with refused("code_malformed", 422):
        scan(phone, phone.code("voucher"))
    elder = bureau.register()
    theirs = bureau.phone(elder)
    join(theirs, class_, programme.claim(theirs)["id"])
    code = phone.codes("voucher", relative=bureau.add_relative(phone, elder))[0]["code"]
    with refused("voucher_not_yours", 403):
        school.check_in(class_, code)
    phone.report_lost()
    deadline = time.monotonic() + 10
    seen: Count[str] = Count()
    while time.monotonic() < deadline and "card_suspended" not in seen:
        seen += outcomes([lambda: scan(phone, school.shown(class_))])
    assert set(seen) == {"card_suspended"}
