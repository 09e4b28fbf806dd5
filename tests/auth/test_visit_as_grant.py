"""A visit as a grant (RFC 7523): who showed the card at the counter is logged in there, once."""

import time
from typing import Any

import httpx
import jwt
import pytest

from ecard.clock import SteppedClock
from ecard.settings import Settings
from tests.auth.acts import at_once, prepared, tally, told
from tests.auth.party import ALL_GRANTS, ITEM, VISIT, Party, fapi, standard
from tests.bureau import PASSWORD, Bureau, Person, new_uscc, rows
from tests.conftest import serving

STAFF = "A1-95"
REFUSED = (400, "invalid_grant")
FIFTY = 50


def visited(bureau: Bureau, person: Person | None = None, item: str = ITEM) -> tuple[Any, dict[str, Any]]:
    """Return a phone, and the answer to a visit at the bureau's counter by its code, the password proven."""
    phone = bureau.phone(person)
    phone.prove(PASSWORD)
    return phone, bureau.terminal().visit(item, phone.code())


def exchanged(party: Party, visit: dict[str, Any]) -> httpx.Response:
    """Return the token endpoint's answer to a visit's assertion."""
    return party.post("/oauth/token", form(visit))


def form(visit: dict[str, Any]) -> dict[str, str]:
    return {"grant_type": VISIT, "assertion": visit["assertion"]}


def employ(bureau: Bureau, person: Person, role: str = "clerk") -> None:
    body = {"id_no": person.facts["id_no"], "agency": bureau.agency, "role": role}
    bureau.registrar.call("POST", "/v1/staff", body)


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


@pytest.fixture(scope="module")
def party(bureau: Bureau) -> Party:
    return fapi(bureau)


def test_a_citizen_at_the_counter_is_logged_in_as_whom_the_visit_named(bureau: Bureau, party: Party) -> None:
    _, visit = visited(bureau)
    answer = exchanged(party, visit)
    assert answer.status_code == 200, answer.text
    tokens = answer.json()
    said = claims(tokens["id_token"])
    assert (said["sub"], said["acr"]) == (visit["sub"], visit["acr"])
    assert {"agency", "role"}.isdisjoint(said)
    assert tokens["authorization_details"][0]["item"] == ITEM
    assert "refresh_token" not in tokens
    assert party.userinfo(tokens["access_token"]).json()["holder"] == visit["holder"]


def test_staff_at_the_counter_have_agency_and_role_and_a_sub_of_their_own(bureau: Bureau, party: Party) -> None:
    person = bureau.register()
    employ(bureau, person, "window-2")
    phone, visit = visited(bureau, person, STAFF)
    as_staff = claims(exchanged(party, visit).json()["id_token"])
    assert (as_staff["agency"], as_staff["role"]) == (str(bureau.agency), "window-2")
    citizen = claims(exchanged(party, bureau.terminal().visit(ITEM, phone.code())).json()["id_token"])
    assert citizen["sub"] == visit["sub"] != as_staff["sub"]


def test_of_fifty_exchanges_at_once_one_is_granted(bureau: Bureau, settings: Settings, party: Party) -> None:
    _, visit = visited(bureau)
    party.post("/oauth/par", {})
    acts = [prepared(party, "/oauth/token", form(visit)) for _ in range(FIFTY)]
    assert tally(at_once(acts)) == {(200, ""): 1, REFUSED: FIFTY - 1}
    made = "SELECT count(*) FROM consent_grant WHERE visit = $1::text::uuid"
    assert rows(settings, made, visit["visit"])[0][0] == 1


def test_a_client_of_another_agency_gets_nothing_and_uses_nothing_up(bureau: Bureau, party: Party) -> None:
    _, visit = visited(bureau)
    other = bureau.registrar.register_agency("测试医保局", new_uscc())
    assert told(exchanged(fapi(bureau, agency=other), visit)) == REFUSED
    assert exchanged(party, visit).status_code == 200


def test_a_client_without_the_item_gets_nothing_and_uses_nothing_up(bureau: Bureau, party: Party) -> None:
    _, visit = visited(bureau)
    without = Party(bureau, bureau.client(items=["A2-01"], grant_types=ALL_GRANTS))
    assert told(exchanged(without, visit)) == REFUSED
    assert exchanged(party, visit).status_code == 200


def test_who_is_no_staff_is_told_so_and_may_try_again_once_registered(bureau: Bureau, party: Party) -> None:
    person = bureau.register()
    _, visit = visited(bureau, person, STAFF)
    answer = exchanged(party, visit)
    assert (told(answer), answer.json()["code"]) == (REFUSED, "not_staff")
    employ(bureau, person)
    assert claims(exchanged(party, visit).json()["id_token"])["role"] == "clerk"


def test_a_card_that_was_lost_and_found_did_not_use_its_visit_up(bureau: Bureau, party: Party) -> None:
    phone, visit = visited(bureau)
    phone.report_lost()
    assert told(exchanged(party, visit)) == REFUSED
    phone.report_found(PASSWORD)
    assert exchanged(party, visit).status_code == 200


def test_a_disputed_visit_is_worth_nothing(bureau: Bureau, party: Party) -> None:
    phone, visit = visited(bureau)
    phone.call("POST", f"/v1/me/uses/{visit['visit']}/dispute")
    assert told(exchanged(party, visit)) == REFUSED


def test_a_dispute_afterwards_ends_what_the_visit_gave(bureau: Bureau, party: Party) -> None:
    phone, visit = visited(bureau)
    token = exchanged(party, visit).json()["access_token"]
    assert party.active(token)
    phone.call("POST", f"/v1/me/uses/{visit['visit']}/dispute")
    deadline = time.monotonic() + 2
    while party.active(token):
        assert time.monotonic() < deadline


@pytest.mark.parametrize(("later", "expected"), [(30, (200, "")), (75, REFUSED)])
def test_an_assertion_is_good_for_its_minute(
    bureau: Bureau, settings: Settings, later: int, expected: tuple[int, str]
) -> None:
    _, visit = visited(bureau)
    # A client with a secret and no proof: of all that it sends, only the assertion has a time.
    party = standard(bureau, grant_types=["authorization_code", VISIT])
    with serving(settings, clock=SteppedClock(time.time() + later)) as url:
        answer = httpx.post(f"{url}/oauth/token", data={**party.authenticated(), **form(visit)})
    assert told(answer) == expected


@pytest.mark.parametrize("text", ["", "x", "a.b.c"])
def test_what_is_no_assertion_is_refused(party: Party, text: str) -> None:
    code = "invalid_grant" if text else "invalid_request"
    assert told(exchanged(party, {"assertion": text})) == (400, code)


def test_a_token_of_ours_that_is_no_assertion_is_refused(bureau: Bureau, party: Party) -> None:
    _, visit = visited(bureau)
    tokens = exchanged(party, visit).json()
    for name in ("access_token", "id_token"):
        assert told(exchanged(party, {"assertion": tokens[name]})) == REFUSED
