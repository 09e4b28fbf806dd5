"""The holder sees every use of the card, and can dispute one."""

import datetime
import time
from urllib.parse import quote

import pytest

from ecard.catalogue.load import load
from ecard.ids import new_id
from ecard.settings import Settings
from tests.bureau import PASSWORD, Bureau, refused, rows, send, visit_body

CATALOGUE = load()


def test_a_use_says_who_where_which_item_and_which_fields(bureau: Bureau) -> None:
    phone = bureau.phone()
    visit = bureau.terminal().visit("A1-01", phone.code())
    [use] = phone.uses()
    at = datetime.datetime.fromisoformat(use.pop("at"))
    assert abs(at.timestamp() - time.time()) < 3
    assert use == {
        "id": visit["visit"],
        "agency": "测试人社局",
        "site": "政务大厅",
        "setting": "counter",
        "item": "A1-01",
        "title": CATALOGUE.get("A1-01").title,
        "form": "electronic",
        "evidence": "code",
        "fields": list(visit["holder"]),
        "shown": [],
        "by_relative": False,
        "disputed": False,
    }


def test_a_number_shows_as_a_number(bureau: Bureau) -> None:
    phone = bureau.phone()
    bureau.terminal().visit("A1-01", phone.codes()[0]["number"])
    assert [use["evidence"] for use in phone.uses()] == ["number"]


def test_refused_visits_are_no_uses(bureau: Bureau) -> None:
    phone = bureau.phone()
    for item in ("A1-22", "A1-36"):
        with refused("evidence_too_weak" if item == "A1-22" else "form_not_accepted"):
            bureau.terminal().visit(item, phone.code())
    assert phone.uses() == []


def test_a_retry_is_one_use(bureau: Bureau) -> None:
    phone = bureau.phone()
    body, key = visit_body("A1-01", phone.code()), new_id().hex
    for _ in range(3):
        assert send(bureau.terminal(), "POST", "/v1/visits", body, key=key).status_code == 201
    assert len(phone.uses()) == 1


def test_uses_come_youngest_first_in_pages(bureau: Bureau) -> None:
    phone = bureau.phone()
    items = ["A1-01", "A1-02", "A1-03", "A1-01", "A1-02"]
    for item in items:
        bureau.terminal().visit(item, phone.code())
    found, query = list[str](), "limit=2"
    while page := phone.call("GET", "/v1/me/uses", query=query).json():
        assert len(page) <= 2
        found += [use["item"] for use in page]
        query = f"limit=2&before={quote(page[-1]['at'])}"
    assert found == items[::-1]


def test_a_holder_sees_the_uses_of_all_channels_and_nobody_elses(bureau: Bureau) -> None:
    person = bureau.register()
    phone, stranger = bureau.phone(person), bureau.phone()
    elsewhere = bureau.phone(person, channel=bureau.registrar.register_channel("另一渠道", "bank"))
    bureau.terminal().visit("A1-01", phone.code())
    assert [use["item"] for use in elsewhere.uses()] == ["A1-01"]
    assert stranger.uses() == []


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=x",
        "limit=１",
        "before=yesterday",
        "before=2026-13-01T00:00:00Z",
        "before=2026-11-01T00:00:00",
        "before=0001-01-01T00:00:00%2B23:00",
        "before=9999-12-31T23:59:59-23:00",
    ],
)
def test_a_page_that_cannot_be_is_a_bad_request(bureau: Bureau, query: str) -> None:
    phone = bureau.phone()
    with refused("invalid_request", 400) as refusal:
        phone.call("GET", "/v1/me/uses", query=quote(query, safe="=%-:&"))
    assert refusal.value.problem["pointer"].endswith(query.partition("=")[0])


@pytest.mark.parametrize(("before", "count"), [("1900-01-01T00:00:00Z", 0), ("9000-01-01T00:00:00%2B08:00", 1)])
def test_a_time_of_any_zone_will_do(bureau: Bureau, before: str, count: int) -> None:
    phone = bureau.phone()
    bureau.terminal().visit("A1-01", phone.code())
    assert len(phone.call("GET", "/v1/me/uses", query=f"before={before}").json()) == count


def test_a_disputed_use_is_marked_once_and_remembered(bureau: Bureau, settings: Settings) -> None:
    phone = bureau.phone()
    visit = bureau.terminal().visit("A1-01", phone.code())["visit"]
    assert phone.call("POST", f"/v1/me/uses/{visit}/dispute").status_code == 204
    assert [use["disputed"] for use in phone.uses()] == [True]
    with refused("not_found", 404):
        phone.call("POST", f"/v1/me/uses/{visit}/dispute")
    sql = "SELECT outcome, item FROM audit_event WHERE actor = $1 AND kind = 'use_disputed'"
    assert [tuple(row) for row in rows(settings, sql, phone.actor)] == [("ok", "A1-01")]


def test_a_dispute_kills_the_assertion_and_its_retry(bureau: Bureau) -> None:
    phone, key = bureau.phone(), new_id().hex
    body = visit_body("A1-01", phone.code())
    answer = send(bureau.terminal(), "POST", "/v1/visits", body, key=key).json()
    assert bureau.terminal().introspect(answer["assertion"])["active"]
    phone.call("POST", f"/v1/me/uses/{answer['visit']}/dispute")
    assert bureau.terminal().introspect(answer["assertion"]) == {"active": False}
    assert send(bureau.terminal(), "POST", "/v1/visits", body, key=key).json()["code"] == "code_replayed"


def test_a_stranger_cannot_dispute_a_use(bureau: Bureau) -> None:
    phone, stranger = bureau.phone(), bureau.phone()
    answer = bureau.terminal().visit("A1-01", phone.code())
    for visit in (answer["visit"], new_id()):
        with refused("not_found", 404):
            stranger.call("POST", f"/v1/me/uses/{visit}/dispute")
    assert bureau.terminal().introspect(answer["assertion"])["active"]


def test_the_relative_may_dispute_what_the_principal_did(bureau: Bureau) -> None:
    phone, elder = bureau.phone(), bureau.register()
    elders_phone = bureau.phone(elder)
    relative = bureau.add_relative(phone, elder)
    visit = bureau.terminal().visit("A1-01", phone.codes(relative=relative)[0]["code"])["visit"]
    with refused("not_found", 404):
        phone.call("POST", f"/v1/me/uses/{visit}/dispute")
    elders_phone.call("POST", f"/v1/me/uses/{visit}/dispute")
    assert [use["disputed"] for use in elders_phone.uses()] == [True]


def test_a_lost_card_can_still_be_looked_after(bureau: Bureau) -> None:
    phone = bureau.phone(level=2)
    visit = bureau.terminal().visit("A1-01", phone.code())["visit"]
    phone.report_lost()
    phone.call("POST", f"/v1/me/uses/{visit}/dispute")
    assert [use["disputed"] for use in phone.uses()] == [True]
    phone.report_found(PASSWORD)
