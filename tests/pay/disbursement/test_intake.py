"""Each line is taken or refused by itself; the same payee, period and component is taken once, whoever hands it in."""

from typing import Any

import pytest

from tests.benefits import ALLOWANCE, Office, line
from tests.bureau import Bureau, new_person, new_uscc, outcomes, refused


def test_a_wrong_line_is_named_by_its_place_and_stops_no_other(office: Office, bureau: Bureau) -> None:
    person = bureau.register()
    good = line(person)
    bad: list[tuple[dict[str, Any], str]] = [
        ({**good, "id_no": "119900195109159098"}, "id_no"),
        (line(new_person()), "unknown_person"),
        ({**good, "name": "测试错"}, "name_differs"),
        ({**good, "component": "rent"}, "component"),
        ({**good, "amount": 0}, "amount"),
        ({**good, "amount": 5_000_01}, "amount"),
        ({**good, "payee": "P0000"}, "duplicate"),
    ]
    batch = office.open()
    told = office.upload(batch, [good, *(one for one, _ in bad)])
    assert told == {"taken": 1, "refused": [{"n": n, "reason": why} for n, (_, why) in enumerate(bad, 2)]}
    listed = office.server.call("GET", f"/v1/benefit-batches/{batch['id']}/refused", query="after=6").json()
    assert [one["n"] for one in listed] == [7, 8]
    assert office.batch(batch)["refused"] == len(bad)


def test_a_part_again_replaces_what_it_brought(office: Office, bureau: Bureau) -> None:
    one, two = bureau.register(), bureau.register()
    batch = office.open()
    for _ in range(2):
        assert office.upload(batch, [line(one, 100), line(two, 100)]) == {"taken": 2, "refused": []}
    assert office.upload(batch, [line(two, 70), line(one, 80)]) == {"taken": 2, "refused": []}
    office.upload(batch, [line(one, 5, "travel")], part=2)
    assert office.submit(batch)["total"] == 155
    assert office.submit(batch)["state"] == "notice"


def test_a_payee_is_taken_once_for_a_period_and_component_over_batches_and_agencies(bureau: Bureau) -> None:
    others = bureau.registrar.register_agency("测试民政局", new_uscc())
    office = Office(bureau)
    both = office.asked() | {"agencies": [str(office.agency), str(others)]}
    office.programme = office.finance.call("POST", "/v1/benefit-programmes", both).json()
    theirs = bureau.registrar.register_terminal(others, "online")
    person = bureau.register()
    first, second = office.open(), office.open(server=theirs)
    body = {"lines": [line(person)]}
    uploads = [
        lambda: office.server.call("PUT", f"/v1/benefit-batches/{first['id']}/parts/1", body),
        lambda: theirs.call("PUT", f"/v1/benefit-batches/{second['id']}/parts/1", body),
    ]
    assert outcomes(uploads * 4) == {"ok": 8}
    taken = office.batch(first)["lines"] + theirs.call("GET", f"/v1/benefit-batches/{second['id']}").json()["lines"]
    assert taken == 1
    assert office.upload(office.open("2026-02"), [line(person)])["taken"] == 1
    for server, batch in ((office.server, first), (theirs, second)):
        server.call("POST", f"/v1/benefit-batches/{batch['id']}/withdrawal")
    assert office.upload(office.open(), [line(person)])["taken"] == 1
    with refused("benefit_wrong_agency", 403):
        theirs.call("PUT", f"/v1/benefit-batches/{office.open()['id']}/parts/1", body)
    with refused("not_found", 404):
        theirs.call("GET", f"/v1/benefit-batches/{first['id']}")


def test_who_is_not_of_the_programme_hands_in_nothing(office: Office, bureau: Bureau) -> None:
    with refused("benefit_wrong_agency", 403):
        office.open(server=bureau.terminal("online"))
    with refused("webhook_terminal_refused"):
        office.open(server=bureau.terminal("till"))
    number = office.open("2026-03")["number"]
    with refused("benefit_batch_exists", 409):
        office.open("2026-04", number)
    with refused("benefit_batch_empty", 409):
        office.submit(office.open())
    office.finance.call("POST", f"/v1/benefit-programmes/{Office(bureau).programme['id']}/end")
    with refused("benefit_programme_exists", 409):
        office.finance.call("POST", "/v1/benefit-programmes", office.asked() | {"name": office.programme["name"]})


@pytest.mark.parametrize(("item", "code"), [("A1-01", "item_not_received"), ("A9-01", "item_unknown")])
def test_a_programme_pays_an_item_that_is_received(office: Office, item: str, code: str) -> None:
    assert office.programme["item"] == ALLOWANCE
    with refused(code):
        office.finance.call("POST", "/v1/benefit-programmes", office.asked() | {"item": item})
