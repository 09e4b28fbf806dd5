"""A voucher is bound to a class that its programme admits, while there is a seat, by its own holder alone."""

import datetime
import time
from typing import Any
from uuid import UUID

import pytest

from ecard.client import Phone
from ecard.settings import Settings
from tests.bank import Bank
from tests.bureau import Bureau, outcomes, refused, rows
from tests.pay.ledger.checking import checked
from tests.school import CODE, School, join, learner, scheme, session
from tests.shop import confirm
from tests.training import FACE, Programme

FORGED = "12345678901234567898"
"""Twenty digits that do not check."""
RACERS, SEATS = 16, 3


@pytest.fixture(scope="module")
def school(bureau: Bureau) -> School:
    return School(bureau)


@pytest.fixture(scope="module")
def programme(bureau: Bureau) -> Programme:
    return scheme(bureau, quantity=200)


def audited(settings: Settings, kind: str, outcome: str) -> int:
    """Return how often a refusal is on record."""
    return len(rows(settings, "SELECT FROM audit_event WHERE kind = $1 AND outcome = $2", kind, outcome))


def here(phone: Phone, *, serial: str | None = None) -> dict[str, Any]:
    """Return the body that binds a learner who shows a code."""
    body: dict[str, Any] = {"item": CODE, "evidence": {"kind": "code", "code": phone.code("voucher")}}
    return body | ({} if serial is None else {"serial": serial})


def test_a_learner_joins_on_the_phone_and_sees_the_voucher_bound(school: School, programme: Programme) -> None:
    class_ = school.open(programme)
    phone, voucher = learner(programme)
    assert class_ in [one["id"] for one in phone.call("GET", "/v1/me/classes").json()]
    assert join(phone, class_, voucher) | {"enrolment": ""} == {
        "enrolment": "",
        "voucher": voucher,
        "class": class_,
        "fee": FACE,
        "own": 0,
    }
    mine = phone.call("GET", f"/v1/me/vouchers/{voucher}").json()
    assert mine["state"] == "bound"
    [seat] = school.seats(class_)
    assert (seat["voucher"], seat["state"], seat["hours"], seat["own"]) == (voucher, "bound", 0, 0)
    assert phone.call("GET", "/v1/me/classes").json() == []


def test_classes_are_listed_page_by_page(school: School, programme: Programme) -> None:
    first, second = (school.open(programme) for _ in range(2))
    listed = [one["id"] for one in school.server.call("GET", "/v1/classes").json()]
    assert listed[:2] == [second, first]
    before = [one["id"] for one in school.server.call("GET", "/v1/classes", query=f"before={second}").json()]
    assert before == listed[1:]


def test_a_learner_at_the_counter_is_known_by_name_and_sees_the_use(school: School, programme: Programme) -> None:
    class_ = school.open(programme)
    phone, voucher = learner(programme)
    body = here(phone)
    bound = school.counter.call("POST", f"/v1/classes/{class_}/bindings", body, key="k1").json()
    assert bound["voucher"] == voucher
    assert set(bound["holder"]) == {"name", "id_no"}
    assert bound["sub"] == school.seats(class_)[0]["sub"]
    assert [use["item"] for use in phone.uses()] == [CODE]
    again = school.counter.call("POST", f"/v1/classes/{class_}/bindings", body, key="k1")
    assert (again.json(), again.headers["idempotency-replayed"]) == (bound, "true")
    with refused("code_replayed", 409):
        school.counter.call("POST", f"/v1/classes/{class_}/attendances", body)


def test_a_serial_names_one_of_several_vouchers_and_a_forged_one_is_on_record(
    bureau: Bureau, school: School, settings: Settings
) -> None:
    programme = scheme(bureau, per_person=2, quantity=4)
    class_ = school.open(programme)
    phone = bureau.phone()
    first, other = (programme.claim(phone) for _ in range(2))
    path = f"/v1/classes/{class_}/bindings"
    for forged in (FORGED, "00000000000000000001", "没有"):
        before = audited(settings, "class_bind", "voucher_serial_unknown")
        with refused("voucher_serial_unknown", 422) as refusal:
            school.counter.call("POST", path, here(phone, serial=forged))
        assert forged not in str(refusal.value.problem)
        assert audited(settings, "class_bind", "voucher_serial_unknown") == before + 1
    assert school.counter.call("POST", path, here(phone, serial=other["serial"])).json()["voucher"] == other["id"]
    with refused("class_already_seated", 409):
        join(phone, class_, first["id"])


def test_another_persons_voucher_is_refused_and_recorded(
    school: School, programme: Programme, settings: Settings
) -> None:
    class_ = school.open(programme)
    _, theirs = learner(programme)
    thief, own = learner(programme)
    before = audited(settings, "class_bind", "voucher_not_yours")
    with refused("voucher_not_yours", 403):
        join(thief, class_, theirs)
    [row] = rows(settings, "SELECT serial FROM voucher WHERE id = $1", UUID(theirs))
    with refused("voucher_not_yours", 403):
        school.counter.call("POST", f"/v1/classes/{class_}/bindings", here(thief, serial=row["serial"]))
    assert audited(settings, "class_bind", "voucher_not_yours") == before + 2
    with refused("voucher_not_yours", 403):
        thief.call("POST", "/v1/me/drop-outs", {"voucher": theirs, "reason": "代退"})
    with refused("voucher_not_yours", 403):
        thief.call("POST", "/v1/me/tuitions", {"voucher": theirs})
    assert school.seats(class_) == []
    join(thief, class_, own)


def test_who_acts_for_a_relative_uses_no_voucher_of_theirs(
    bureau: Bureau, school: School, programme: Programme
) -> None:
    elder = bureau.register()
    programme.claim(bureau.phone(elder))
    phone = bureau.phone()
    relative = bureau.add_relative(phone, elder)
    code = phone.codes("voucher", relative=relative)[0]["code"]
    body = {"item": CODE, "evidence": {"kind": "code", "code": code}}
    with refused("voucher_not_yours", 403):
        school.counter.call("POST", f"/v1/classes/{school.open(programme)}/bindings", body)


def test_only_institutions_of_the_programme_open_classes_and_take_its_vouchers(
    bureau: Bureau, school: School, settings: Settings
) -> None:
    elsewhere = School(bureau, region="440300", merchant=False)
    listed = scheme(bureau, institutions=[str(school.agency)])
    for programme in (listed, scheme(bureau)):
        with refused("voucher_wrong_institution", 403):
            elsewhere.open(programme)
    province = School(bureau, region="640500", merchant=False)
    province.open(scheme(bureau, region="640000"))
    with refused("voucher_wrong_institution", 403):
        province.open(scheme(bureau, region="640100"))
    class_ = school.open(listed)
    phone, voucher = learner(listed)
    bureau.training.call("PUT", f"/v1/institutions/{school.agency}/state", {"suspended": True})
    try:
        with refused("voucher_wrong_institution", 403):
            join(phone, class_, voucher)
        with refused("not_an_institution", 403):
            school.open(listed)
    finally:
        bureau.training.call("PUT", f"/v1/institutions/{school.agency}/state", {"suspended": False})
    join(phone, class_, voucher)
    assert audited(settings, "class_open", "voucher_wrong_institution") >= 3
    with refused("not_found", 404):
        elsewhere.counter.call("POST", f"/v1/classes/{class_}/bindings", here(phone))
    with refused("not_found", 404):
        elsewhere.server.call("GET", f"/v1/classes/{class_}/seats")


def test_an_agency_that_is_no_institution_opens_no_class_and_a_counter_neither(
    bureau: Bureau, school: School, programme: Programme
) -> None:
    with refused("not_an_institution", 403):
        bureau.terminal("online").call("POST", "/v1/classes", school.class_body(programme))
    with refused("institution_server_wanted", 403):
        school.counter.call("POST", "/v1/classes", school.class_body(programme))
    with refused("institution_exists", 409):
        body = {"agency": str(school.agency), "kind": "private", "region": "640100"}
        bureau.training.call("POST", "/v1/institutions", body)


@pytest.mark.parametrize(
    ("sessions", "fault"),
    [
        ([{"starts_at": 1_900_000_000, "ends_at": 1_900_000_000, "hours": 1}], "1: ends_before_start"),
        ([{"starts_at": 1_900_000_000, "ends_at": 1_900_002_699, "hours": 1}], "1: hours_exceed_duration"),
        ([session(2, after=9000), session(2, after=10_000)], "2: overlaps"),
        ([session(1, after=9000), session(1, after=11_701)], "2: windows_overlap"),
        ([session(8, after=9000), session(8, after=40_000)], "2: hours_of_day"),
    ],
    ids=["no time", "more hours than time", "overlap", "windows overlap", "hours of a day"],
)
def test_a_timetable_that_contradicts_itself_opens_no_class(
    school: School, programme: Programme, sessions: list[dict[str, int]], fault: str
) -> None:
    if fault.endswith("of_day"):
        noon = int(time.time()) // 86400 * 86400 + 86400 - 6 * 3600
        sessions = [{"starts_at": noon + n * 21_600, "ends_at": noon + (n + 1) * 21_600, "hours": 8} for n in (0, 1)]
    with refused("class_sessions_refused", 422) as refusal:
        school.open(programme, sessions=sessions, opens_before=1800, closes_after=1800)
    assert fault in refusal.value.problem["faults"]


def test_a_voucher_that_is_frozen_expired_or_of_another_programme_joins_nothing(
    bureau: Bureau, school: School, programme: Programme, settings: Settings
) -> None:
    class_ = school.open(programme)
    phone, voucher = learner(programme)
    programme.move({"id": voucher}, "freeze")
    with refused("voucher_frozen", 409):
        join(phone, class_, voucher)
    programme.move({"id": voucher}, "unfreeze")
    with refused("voucher_other_programme", 409):
        join(phone, school.open(scheme(bureau)), voucher)
    rows(settings, "UPDATE voucher SET valid_until = clock_timestamp() WHERE id = $1", UUID(voucher))
    with refused("voucher_expired", 409):
        join(phone, class_, voucher)
    assert audited(settings, "class_bind", "voucher_frozen") >= 1
    assert audited(settings, "class_bind", "voucher_expired") >= 1


def test_a_voucher_is_expired_at_its_second_and_not_before(programme: Programme, settings: Settings) -> None:
    _, voucher = learner(programme)
    sql = "SELECT voucher_usable(v, '{claimed}', v.valid_until + $2) AS said FROM voucher v WHERE id = $1"
    said = [rows(settings, sql, UUID(voucher), datetime.timedelta(microseconds=late))[0]["said"] for late in (-1, 0, 1)]
    assert said == ["ok", "expired", "expired"]


def test_a_class_that_is_over_takes_nobody(school: School, programme: Programme) -> None:
    class_ = school.open(programme, sessions=[session(1, after=-3000)])
    phone, voucher = learner(programme)
    with refused("class_over", 409):
        join(phone, class_, voucher)


def test_of_many_who_want_the_last_seats_as_many_get_one(
    school: School, programme: Programme, settings: Settings
) -> None:
    class_ = school.open(programme, capacity=SEATS)
    people = [learner(programme) for _ in range(RACERS)]
    before = audited(settings, "class_bind", "class_full")

    def act(phone: Phone, voucher: str) -> Any:
        return lambda: join(phone, class_, voucher)

    counted = outcomes([act(*one) for one in people])
    assert counted == {"ok": SEATS, "class_full": RACERS - SEATS}
    assert len(school.seats(class_)) == SEATS
    assert audited(settings, "class_bind", "class_full") == before + RACERS - SEATS
    seated = {seat["voucher"] for seat in school.seats(class_)}
    phone, voucher = next(one for one in people if one[1] in seated)
    left = phone.call("POST", "/v1/me/drop-outs", {"voucher": voucher, "reason": "改期"}).json()
    assert left == {"voucher": voucher, "state": "claimed"}
    late, theirs = next(one for one in people if one[1] not in seated)
    join(late, class_, theirs)
    with refused("class_full"):
        join(phone, class_, voucher)
    checked(settings)


def test_a_voucher_bound_to_two_classes_at_once_sits_in_one(school: School, programme: Programme) -> None:
    classes = [school.open(programme) for _ in range(4)]
    phone, voucher = learner(programme)
    phone.open()
    counted = outcomes([lambda one=one: join(phone, one, voucher) for one in classes])  # type: ignore[misc] # bound now
    assert counted == {"ok": 1, "voucher_state": 3}
    assert sum(len(school.seats(one)) for one in classes) == 1


def test_whoever_ends_a_voucher_frees_its_seat(school: School, programme: Programme, settings: Settings) -> None:
    class_ = school.open(programme, capacity=1)
    phone, voucher = learner(programme, class_=class_)
    programme.move({"id": voucher}, "cancel")
    assert school.seats(class_) == []
    other, second = learner(programme, class_=class_)
    body = {"voucher": second, "reason": "缺课"}
    assert school.server.call("POST", f"/v1/classes/{class_}/drop-outs", body).json()["state"] == "claimed"
    with refused("voucher_state", 409):
        other.call("POST", "/v1/me/drop-outs", {"voucher": second, "reason": "再退"})
    join(other, class_, second)
    rows(settings, "UPDATE voucher SET valid_until = clock_timestamp() WHERE id = $1", UUID(second))
    rows(settings, "SELECT voucher_expire(100)")
    deadline = time.monotonic() + 10
    while school.seats(class_) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert school.seats(class_) == []
    del phone
    checked(settings)


def test_the_own_share_is_one_order_with_the_voucher_as_its_second_leg(
    school: School, programme: Programme, settings: Settings, bank: Bank
) -> None:
    del bank
    class_ = school.open(programme, fee=FACE + 20_000)
    phone, voucher = learner(programme, class_=class_, level=2)
    asked = {"voucher": voucher}
    tuition = phone.call("POST", "/v1/me/tuitions", asked).json()
    assert (tuition["fee"], tuition["own"], tuition["subsidy"]) == (FACE + 20_000, 20_000, FACE)
    with refused("tuition_ordered", 409) as refusal:
        phone.call("POST", "/v1/me/tuitions", asked)
    assert refusal.value.problem["order"] == tuition["order"]
    paid = confirm(phone, {"id": tuition["order"]})
    assert (paid["state"], paid["amount"], paid["item"]) == ("paid", 20_000, "A1-75")
    [mine] = phone.call("GET", "/v1/me/tuitions").json()
    assert mine == {**tuition, "state": "paid"}
    [seat] = school.seats(class_)
    assert (seat["own"], seat["paid"]) == (20_000, True)
    covered, free = learner(programme, class_=school.open(programme))
    with refused("tuition_covered", 409):
        covered.call("POST", "/v1/me/tuitions", {"voucher": free})
    checked(settings)


def test_a_seat_that_is_gone_and_a_voucher_that_is_over_ask_for_no_own_share(
    school: School, programme: Programme, settings: Settings
) -> None:
    class_ = school.open(programme, fee=FACE + 1)
    phone, voucher = learner(programme, class_=class_, level=2)
    order = phone.call("POST", "/v1/me/tuitions", {"voucher": voucher}).json()["order"]
    programme.move({"id": voucher}, "cancel")
    [mine] = phone.call("GET", "/v1/me/tuitions").json()
    assert (mine["order"], mine["state"]) == (order, "closed")
    late, second = learner(programme, class_=class_, level=2)
    rows(settings, "UPDATE voucher SET valid_until = clock_timestamp() WHERE id = $1", UUID(second))
    assert {seat["state"] for seat in school.seats(class_) if seat["voucher"] == second} <= {"expired"}
    with refused("voucher_expired", 409):
        late.call("POST", "/v1/me/tuitions", {"voucher": second})
    frozen, third = learner(programme, class_=class_, level=2)
    programme.move({"id": third}, "freeze")
    with refused("voucher_frozen", 409):
        frozen.call("POST", "/v1/me/tuitions", {"voucher": third})
    checked(settings)


def test_leaving_a_class_closes_an_own_share_that_nobody_paid(school: School, programme: Programme) -> None:
    phone, voucher = learner(programme, class_=school.open(programme, fee=FACE + 1), level=2)
    order = phone.call("POST", "/v1/me/tuitions", {"voucher": voucher}).json()["order"]
    phone.call("POST", "/v1/me/drop-outs", {"voucher": voucher, "reason": "改期"})
    [mine] = phone.call("GET", "/v1/me/tuitions").json()
    assert (mine["order"], mine["state"]) == (order, "closed")
