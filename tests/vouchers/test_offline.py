"""Terminals without a network: what they accepted counts once, by who was seen first, and both sides are told."""

import time
from typing import Any
from uuid import UUID

import pytest

from ecard.client import Phone, Terminal
from ecard.settings import Settings
from qr.offline import OfflineVerifier, trust_on_first_use
from tests.bureau import Bureau, refused, rows
from tests.operator import until
from tests.school import School, join, learner, scheme
from tests.training import Programme
from vouchers.attendance.errors import OutsideWindow
from vouchers.attendance.offline import Door
from vouchers.life.errors import NotYourVoucher


@pytest.fixture(scope="module")
def school(bureau: Bureau) -> School:
    return School(bureau)


@pytest.fixture(scope="module")
def programme(bureau: Bureau) -> Programme:
    return scheme(bureau, quantity=50)


def door(terminal: Terminal, school: School, class_: str) -> Door:
    """Return a door that fetched the bundle and its session's window, and is offline from now on."""
    now = time.time()
    bundle = terminal.http.get("/v1/bundle").json()["bundle"]
    anchors = trust_on_first_use(bundle)
    verifier = OfflineVerifier.load(bundle, anchors=anchors, issuer=None, newest=0, now=now)
    [first, *_] = school.server.call("GET", f"/v1/classes/{class_}").json()["sessions"]
    return Door(verifier, opens_at=first["opens_at"], closes_at=first["closes_at"])


def line(phone: Phone, *, at: int | None = None) -> dict[str, Any]:
    """Return a line of an upload."""
    return {"code": phone.code("voucher"), "at": int(time.time()) if at is None else at}


def twice(bureau: Bureau, one: School, other: School) -> tuple[Phone, str, str]:
    """Return a learner of two classes at two institutions, with a voucher for each."""
    phone = bureau.phone()
    classes = []
    for school in (one, other):
        programme = scheme(bureau, quantity=1)
        classes.append(school.open(programme))
        join(phone, classes[-1], programme.claim(phone)["id"])
    return phone, classes[0], classes[1]


def conflicts(school: School, class_: str) -> list[bool]:
    """Return whether the institution won, for each conflict that it is told of in a class."""
    found = school.server.call("GET", "/v1/attendance-conflicts").json()
    return [one["won"] for one in found if one["class"] == class_]


def test_what_a_door_accepted_offline_counts_when_it_is_uploaded(
    school: School, programme: Programme, bureau: Bureau
) -> None:
    class_ = school.open(programme)
    phone, voucher = learner(programme, class_=class_)
    kiosk = school.terminal("kiosk")
    offline = door(kiosk, school, class_)
    offline.check_in(phone.code("voucher"), time.time())
    [result] = school.upload(kiosk, class_, offline.kept)
    assert result["outcome"] == "recorded"
    assert school.voucher(voucher)["hours"] == 4
    [use] = phone.uses()
    assert (use["id"], use["evidence"]) == (result["attendance"], "offline")
    [again] = school.upload(kiosk, class_, offline.kept)
    assert (again["outcome"], again["attendance"]) == ("known", result["attendance"])
    with pytest.raises(OutsideWindow):
        offline.check_in(phone.code("voucher"), time.time() + 86_400)
    elder = bureau.register()
    bureau.phone(elder)
    with pytest.raises(NotYourVoucher):
        offline.check_in(phone.codes("voucher", relative=bureau.add_relative(phone, elder))[0]["code"], time.time())


def test_a_learner_who_checked_in_otherwise_is_known(school: School, programme: Programme) -> None:
    class_ = school.open(programme)
    phone, voucher = learner(programme, class_=class_)
    kept = line(phone)
    first = school.check_in(class_, phone.code("voucher"))
    [result] = school.upload(school.terminal("kiosk"), class_, [kept])
    assert (result["outcome"], result["first_at"]) == ("known", first["at"])
    assert school.voucher(voucher)["hours"] == 4


def test_each_bad_line_is_refused_for_itself_and_on_record(
    school: School, programme: Programme, bureau: Bureau, settings: Settings
) -> None:
    class_ = school.open(programme)
    phone, _ = learner(programme, class_=class_)
    now = int(time.time())
    good, code = line(phone), phone.codes("voucher")[0]
    lines = [
        good,
        {"code": phone.code(), "at": now},
        {"code": code["code"], "at": now - 3600},
        {"code": code["code"], "at": now + 3600},
        {"code": code["code"], "at": now - 8 * 86_400},
        {"code": code["number"], "at": now},
        {"code": "EC1:ABC", "at": now},
        {"code": school.shown(class_), "at": now},
        line(bureau.phone()),
    ]
    results = school.upload(school.counter, class_, lines)
    assert [one.get("code", one["outcome"]) for one in results] == [
        "recorded",
        "wrong_scene",
        "code_clock_skew",
        "attendance_in_future",
        "attendance_too_old",
        "attendance_code_wanted",
        "code_malformed",
        "code_malformed",
        "class_not_enrolled",
    ]
    found = rows(
        settings,
        "SELECT outcome FROM audit_event WHERE kind = 'attendance_upload' AND actor = $1",
        UUID(str(school.counter.actor)),
    )
    assert len(found) >= len(lines) - 1
    with refused("not_found", 404):
        school.upload(bureau.terminal(), class_, lines)


@pytest.mark.parametrize("late", ["the second uploads last", "the first uploads last"])
def test_of_one_code_at_two_institutions_the_first_that_was_seen_counts(
    bureau: Bureau, school: School, late: str
) -> None:
    other = School(bureau)
    phone, here, there = twice(bureau, school, other)
    # A little ahead, as clocks are: the vouchers were not valid before this second.
    code, first = phone.code("voucher"), int(time.time()) + 1

    def ours() -> dict[str, Any]:
        return school.upload(school.counter, here, [{"code": code, "at": first}])[0]

    def theirs() -> dict[str, Any]:
        return other.upload(other.counter, there, [{"code": code, "at": first + 5}])[0]

    if late == "the second uploads last":
        assert ours()["outcome"] == "recorded"
        contested = theirs()
        assert (contested["outcome"], contested["first_at"]) == ("contested", first)
    else:
        assert theirs()["outcome"] == "recorded"
        assert ours()["outcome"] == "recorded"
    again = theirs()
    assert (again["outcome"], again["first_at"], ours()["outcome"]) == ("contested", first, "known")
    assert (conflicts(school, here), conflicts(other, there)) == ([True], [False])
    assert (school.seats(here)[0]["hours"], other.seats(there)[0]["hours"]) == (4, 0)
    assert contested_told(school, here) == [True]
    assert contested_told(other, there)[-1:] == [False]
    with refused("code_replayed", 409):
        other.check_in(there, code)


def contested_told(school: School, class_: str) -> list[bool]:
    """Return what the institution's server was notified of: whether it won, for each conflict in a class."""

    def look() -> list[bool]:
        events = school.server.call("GET", "/v1/webhook-events", query="limit=200").json()
        mine = [one["data"] for one in events if one["type"] == "attendance.contested"]
        return [one["won"] for one in mine if one["class"] == class_]

    found: list[bool] = until(look, bool)
    return found


def test_digits_that_were_used_are_the_same_code_when_its_picture_is_uploaded(bureau: Bureau, school: School) -> None:
    other = School(bureau)
    phone, here, there = twice(bureau, school, other)
    [shown] = phone.codes("voucher")
    first = school.check_in(here, shown["number"])
    kept = {"code": shown["code"], "at": int(time.time()) + 1}
    for _ in range(2):
        [late] = other.upload(other.counter, there, [kept])
        assert (late["outcome"], late["first_at"]) == ("contested", first["at"])
    assert (conflicts(school, here), conflicts(other, there)) == ([True], [False])
    assert other.seats(there)[0]["hours"] == 0


def test_what_was_seen_before_there_was_a_seat_does_not_count(
    school: School, programme: Programme, settings: Settings
) -> None:
    class_ = school.open(programme)
    phone, voucher = learner(programme, class_=class_)
    late = "UPDATE enrolment SET bound_at = bound_at + interval '5 minutes' WHERE voucher = $1"
    rows(settings, late, UUID(voucher))
    [result] = school.upload(school.counter, class_, [line(phone)])
    assert (result["outcome"], result["code"]) == ("refused", "class_not_enrolled")
    rows(settings, late.replace("+", "-"), UUID(voucher))
    assert school.upload(school.counter, class_, [line(phone)])[0]["outcome"] == "recorded"


def test_what_a_completion_stands_on_is_not_taken_away(bureau: Bureau, school: School) -> None:
    other = School(bureau)
    phone, here, there = twice(bureau, school, other)
    code, first = phone.code("voucher"), int(time.time()) + 1
    [late] = other.upload(other.counter, there, [{"code": code, "at": first + 5}])
    assert late["outcome"] == "recorded"
    [seat] = other.seats(there)
    other.complete(there, seat["voucher"])
    [early] = school.upload(school.counter, here, [{"code": code, "at": first}])
    assert (early["outcome"], early["first_at"]) == ("contested", first + 5)
    assert (conflicts(school, here), conflicts(other, there)) == ([False], [True])
    assert other.voucher(seat["voucher"])["state"] == "completed"


def test_two_terminals_of_one_institution_bring_one_check_in(school: School, programme: Programme) -> None:
    class_ = school.open(programme)
    phone, voucher = learner(programme, class_=class_)
    kept = line(phone)
    results = [school.upload(school.terminal("gate"), class_, [kept])[0] for _ in range(2)]
    assert [one["outcome"] for one in results] == ["recorded", "known"]
    assert school.voucher(voucher)["hours"] == 4


def test_a_card_that_was_lost_before_it_was_shown_is_refused(school: School, programme: Programme) -> None:
    class_ = school.open(programme)
    phone, _ = learner(programme, class_=class_)
    kept = line(phone)
    phone.report_lost()
    [result] = school.upload(school.counter, class_, [{**kept, "at": int(time.time()) + 1}])
    assert result["code"] == "card_suspended"
