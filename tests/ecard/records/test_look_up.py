"""Looking up own records: from a visit, at a terminal or on the phone; what does not answer is said to be missing."""

import json
import time
from typing import Any

import pytest

from ecard.catalogue.load import load
from ecard.catalogue.model import Flow
from ecard.client import Phone, Terminal, cases
from ecard.client.records import look_up
from ecard.records.layout import load_layout
from tests.benefits import Office, line
from tests.bureau import PASSWORD, Bureau, outcomes, refused, rows
from tests.ecard.cases.office import bank
from tests.hospital import STAY, Hospital, patient
from tests.vouchers.credentials.trained import Academy

CATALOGUE = load()
LAYOUT = load_layout(CATALOGUE)
QUERIES = [item for item in CATALOGUE.items if item.flow is Flow.QUERY]


def proven(bureau: Bureau, **changed: str) -> Phone:
    """Return the phone of a new person, whose password was just proven."""
    phone = bureau.phone(bureau.register(**changed))
    phone.prove(PASSWORD)
    return phone


def here(terminal: Terminal, phone: Phone, item: str) -> str:
    return str(terminal.visit(item, phone.code())["visit"])


def sections(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["section"]: one for one in found["sections"]}


def missing(found: dict[str, Any]) -> dict[str, str]:
    return {one["section"]: one["reason"] for one in found["sections"] if one["state"] == "missing"}


def test_every_item_of_the_flow_shows_its_sections_at_a_terminal_and_on_the_phone(bureau: Bureau) -> None:
    phone, kiosk, outlet = proven(bureau), bureau.terminal("kiosk"), bank(bureau).counter
    assert len(QUERIES) == 32
    for item in QUERIES:
        wanted = list(LAYOUT.entry(item.code).sections)
        terminal = outlet if item.delegated else kiosk
        for found in (
            look_up(terminal, here(terminal, phone, item.code)),
            look_up(phone, phone.do(item.code)),
        ):
            assert (found["item"], found["title"], found["complete"]) == (item.code, item.title, True)
            assert [one["section"] for one in found["sections"]] == wanted
            assert set(found["holder"]) == {field.value for field in item.fields}


def test_what_was_shown_is_in_the_holders_list_of_uses(bureau: Bureau) -> None:
    phone, counter = proven(bureau), bureau.terminal()
    visit = here(counter, phone, "A1-22")
    assert phone.uses()[0]["shown"] == []
    look_up(counter, visit)
    use = phone.uses()[0]
    assert (use["id"], use["item"]) == (visit, "A1-22")
    assert use["shown"] == ["参保情况", "养老保险历年缴费", "养老保险个人账户"]


def test_a_look_up_leaves_an_audit_row_without_a_record_in_it(bureau: Bureau) -> None:
    phone = proven(bureau, address="sandbox-records:annuity=down")
    look_up(phone, phone.do("A1-23"))
    assert bureau.settings is not None
    [row] = rows(
        bureau.settings,
        "SELECT outcome, item, detail FROM audit_event WHERE kind = 'record_lookup' AND actor = $1",
        phone.actor,
    )
    assert (row["outcome"], row["item"]) == ("partial", "A1-23")
    assert json.loads(row["detail"])["missing"] == ["annuity.account"]


def test_only_within_a_visit_of_this_agency_or_phone_and_of_such_an_item(bureau: Bureau) -> None:
    phone, counter = proven(bureau), bureau.terminal()
    visit = here(counter, phone, "A1-24")
    for other in (bureau.counter_of_another_agency(), phone, bureau.phone()):
        with refused("visit_unknown", 404):
            look_up(other, visit)
    with refused("visit_unknown", 404):
        look_up(counter, phone.do("A1-24"))
    with refused("wrong_flow", 422) as refusal:
        look_up(counter, here(counter, phone, "A1-01"))
    assert refusal.value.problem["required"] == ["query"]
    assert look_up(counter, visit)["complete"]


def test_a_disputed_visit_and_a_lost_card_show_nothing(bureau: Bureau) -> None:
    phone, counter = proven(bureau), bureau.terminal()
    visit = here(counter, phone, "A1-03")
    phone.call("POST", f"/v1/me/uses/{visit}/dispute")
    with refused("visit_over", 409):
        look_up(counter, visit)
    visit = here(counter, phone, "A1-03")
    phone.report_lost()
    with refused("card_suspended", 409):
        look_up(counter, visit)


def test_a_visit_is_looked_up_once_and_a_retry_gets_the_same_answer(bureau: Bureau) -> None:
    phone, counter = proven(bureau), bureau.terminal()
    visit = here(counter, phone, "A1-24")
    first = look_up(counter, visit, key="first-look-up")
    assert look_up(counter, visit, key="first-look-up") == first
    with refused("record_looked_up", 409):
        look_up(counter, visit)


def test_of_many_look_ups_of_one_visit_at_once_one_is_answered(bureau: Bureau) -> None:
    phone, counter = proven(bureau), bureau.terminal()
    for _ in range(3):
        visit = here(counter, phone, "A1-83")
        found = outcomes([lambda visit=visit: look_up(counter, visit)] * 8)  # type: ignore[misc] # bound at once
        assert found == {"ok": 1, "record_looked_up": 7}


def test_a_slow_a_silent_and_a_wrong_system_are_named_and_the_others_shown_in_time(bureau: Bureau) -> None:
    phone = proven(bureau, address="sandbox-records:pension=slow,benefits=down,social=wrong")
    began = time.monotonic()
    found = look_up(phone, phone.do("A1-33"))
    assert time.monotonic() - began < 25  # the slow one takes 30 s, and is waited for 3
    assert missing(found) == {"pension.benefit": "timeout", "pension.payments": "timeout"}
    assert sections(found)["benefits.pension"]["state"] == "empty"
    assert not found["complete"]
    assert set(missing(look_up(phone, phone.do("A1-24"))).values()) == {"malformed"}
    assert phone.uses()[0]["shown"] == []


def test_what_was_missing_is_asked_again_in_the_same_visit_a_few_times(bureau: Bureau) -> None:
    phone = proven(bureau, address="sandbox-records:unemployment=down")
    visit = phone.do("A1-63")
    for _ in range(5):
        assert set(missing(look_up(phone, visit)).values()) == {"unavailable"}
    with refused("record_looked_up"):
        look_up(phone, visit)


def test_a_system_that_answers_twice_is_shown_once(bureau: Bureau) -> None:
    twice = proven(bureau, address="sandbox-records:medical=twice")
    found = sections(look_up(twice, twice.do("A2-53")))["medical.institutions"]["rows"]
    assert len(found) == len({one["code"] for one in found}) == 3


@pytest.mark.parametrize("body", [{}, {"visit": "x"}, {"visit": None, "item": "A1-03"}])
def test_a_body_that_is_none_is_refused(bureau: Bureau, body: dict[str, object]) -> None:
    with refused("invalid_request", 400):
        bureau.terminal().call("POST", "/v1/record-lookups", body)


def test_what_this_platform_itself_knows_is_asked_of_itself(bureau: Bureau) -> None:
    person = bureau.register()
    phone = bureau.phone(person)
    phone.prove(PASSWORD)
    case = cases.open_case(phone, phone.do("A1-07"), materials=[cases.upload(phone)])
    [row] = sections(look_up(phone, phone.do("A1-10")))["cases.mine"]["rows"]
    assert (row["number"], row["item"], row["state"]) == (case["id"], CATALOGUE.get("A1-07").title, "已提交")

    paid = next(one for one in CATALOGUE.items if one.domain == "失业保险待遇" and one.flow is Flow.RECEIVE)
    batch = Office(bureau, item=paid.code).handed_in([line(person, 123_456)])
    [row] = sections(look_up(phone, phone.do("A1-63")))["benefits.unemployment"]["rows"]
    assert (row["item"], row["amount"], row["period"], row["paid"]) == (paid.title, 123_456, batch["period"], None)
    assert sections(look_up(phone, phone.do("A1-33")))["benefits.pension"]["state"] == "empty"


def test_a_certificate_of_training_is_among_the_skills(bureau: Bureau) -> None:
    trained = Academy(bureau).train()
    found = sections(look_up(trained.phone, trained.phone.do("A1-81")))["training.certificates"]["rows"]
    assert [row["number"] for row in found] == [str(trained.credential)]
    [taken] = sections(look_up(trained.phone, trained.phone.do("A1-76")))["training.courses"]["rows"]
    assert (taken["number"], taken["state"], taken["attended"]) == (str(trained.voucher), "已合格", 8)


def test_what_was_settled_at_a_hospital_here_is_shown_as_it_was_split(bureau: Bureau) -> None:
    hospital, phone = Hospital(bureau), patient(bureau)
    settled = hospital.confirm(hospital.tried(hospital.visit(phone), "inpatient", STAY))
    found = sections(look_up(phone, phone.do("A2-53")))
    [row] = found["settlements.medical"]["rows"]
    assert (row["number"], row["total"], row["state"]) == (settled["id"], 150_000, "已结算")
    assert (row["pooled"], row["account"], row["cash"]) == (36_800, 113_200, 0)
    assert sections(look_up(phone, phone.do("A2-62")))["settlements.maternity"]["state"] == "empty"
