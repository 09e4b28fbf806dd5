"""A card in a reader is the same evidence as a scanned code: once, for one item, at one counter."""

from collections import Counter as Count
from typing import Any

import jwt
import pytest

from auth.grants.model import STAFF_ITEM
from cardio.keys.model import INTERNAL_KEY
from ecard.ids import new_id
from ecard.settings import Settings
from tests.auth.party import ITEM, VISIT, fapi
from tests.bureau import Bureau, outcomes, refused, rows, send
from tests.cardio.counter import READER
from tests.cardio.reads import PIN, Counter, new_card

PENSION = "A1-36"
"""Takes the physical card alone."""
SECRET, LIBRARY, PAYING, ELECTRONIC, FACE = "A1-22", "A2-35", "A1-69", "A1-73", "A1-68"
RACERS = 32


def claims(assertion: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(assertion, options={"verify_signature": False})
    return found


@pytest.mark.parametrize("version", ["1.00", "2.00", "3.00"])
def test_a_genuine_card_gives_the_assertion_that_a_code_gives(bureau: Bureau, counter: Counter, version: str) -> None:
    person, card = new_card(bureau, version=version)
    seen = counter.read(PENSION, card)
    assert (seen["state"], seen["authenticated"], seen["strength"]) == ("proven", True, "possession")
    assert seen["version"] == version
    assert seen["name"].startswith("*")
    assert person.facts["id_no"] not in str(seen)
    answer = counter.visit(PENSION, seen["id"])
    said = claims(answer["assertion"])
    assert (said["form"], said["acr"], said["amr"]) == ("physical", "card-possession", ["sc", "hwk"])
    assert said["holder"]["id_no"] == person.facts["id_no"]
    assert (answer["form"], answer["acr"], answer["sub"]) == ("physical", "card-possession", said["sub"])
    assert counter.look(seen["id"])["state"] == "used"


def test_an_identification_takes_at_most_four_round_trips(bureau: Bureau, counter: Counter, settings: Settings) -> None:
    for version in ("1.00", "2.00", "3.00"):
        _, card = new_card(bureau, version=version)
        seen = counter.read(PENSION, card)
        assert 1 <= counter.trips(seen["id"]) <= 4
        [row] = rows(settings, "SELECT trips FROM card_session WHERE id = $1", seen["id"])
        assert row["trips"] == counter.trips(seen["id"])


def test_a_holder_is_the_same_person_by_card_and_by_code(bureau: Bureau, counter: Counter) -> None:
    person, card = new_card(bureau)
    by_card = counter.visit("A1-01", counter.read("A1-01", card)["id"])
    phone = bureau.phone(person)
    by_code = bureau.terminal().visit("A1-01", phone.code())
    assert by_card["sub"] == by_code["sub"]
    assert by_card["holder"] == by_code["holder"]


def test_a_pin_entered_at_the_counter_is_a_secret_proven(bureau: Bureau, counter: Counter) -> None:
    _, card = new_card(bureau)
    counter.pin = "654321"  # wrong first
    seen = counter.read(SECRET, card)
    assert (seen["state"], seen["strength"], seen["pin_left"]) == ("proven", "knowledge", 5)
    answer = counter.visit(SECRET, seen["id"])
    assert (answer["acr"], answer["amr"]) == ("card-knowledge", ["sc", "hwk", "pin"])
    assert PIN not in str(counter.seen)


def test_a_pin_that_nobody_enters_ends_the_session(bureau: Bureau, counter: Counter) -> None:
    _, card = new_card(bureau)
    counter.pin = None
    seen = counter.read(SECRET, card)
    counter.pin = PIN
    assert (seen["state"], seen["reason"]["code"]) == ("failed", "pin_cancelled")
    with refused("card_refused", 422):
        counter.visit(SECRET, seen["id"])


def test_what_money_is_charged_to_is_the_account_on_the_card(bureau: Bureau, counter: Counter) -> None:
    _, card = new_card(bureau)
    # A level-2 item, and a holder who has no e-card at all: the level is the e-card's.
    answer = counter.visit(PAYING, counter.read(PAYING, card)["id"])
    assert (answer["acr"], answer["amr"]) == ("card-knowledge", ["sc", "hwk", "pin", "pan"])
    _, other = new_card(bureau, pan="6299990000000000020")
    seen = counter.read(PAYING, other)
    assert (seen["state"], seen["reason"]["code"]) == ("failed", "account_mismatch")


def test_a_read_is_used_once(bureau: Bureau, counter: Counter) -> None:
    _, card = new_card(bureau)
    seen = counter.read(PENSION, card)
    counter.visit(PENSION, seen["id"])
    with refused("code_replayed", 409) as refusal:
        counter.visit(PENSION, seen["id"])
    assert refusal.value.problem["first_at"]


def test_of_many_visits_with_one_read_one_is_recorded(bureau: Bureau, counter: Counter, settings: Settings) -> None:
    _, card = new_card(bureau)
    session = counter.read(PENSION, card)["id"]
    found = outcomes([lambda: counter.visit(PENSION, session)] * RACERS)
    assert found == Count({"ok": 1, "code_replayed": RACERS - 1})
    [row] = rows(
        settings,
        "SELECT count(*) FROM visit v JOIN card_session s ON s.card = v.card WHERE s.id = $1",
        session,
    )
    assert row["count"] == 1


def test_the_same_request_within_ten_seconds_gets_the_same_bytes(bureau: Bureau, counter: Counter) -> None:
    _, card = new_card(bureau)
    session = counter.read(PENSION, card)["id"]
    body = f'{{"item":"{PENSION}","evidence":{{"kind":"card","session":"{session}"}}}}'.encode()
    key = new_id().hex
    first, again = (send(counter.terminal, "POST", "/v1/visits", body, key=key) for _ in range(2))
    assert first.status_code == again.status_code == 201
    assert first.content == again.content


def test_a_read_is_good_at_its_own_counter_and_for_its_own_item(bureau: Bureau, counter: Counter) -> None:
    _, card = new_card(bureau)
    session = counter.read(PENSION, card)["id"]
    body = {"item": PENSION, "evidence": {"kind": "card", "session": session}}
    for other in (bureau.terminal(), bureau.counter_of_another_agency()):
        with refused("card_session_unknown", 404):
            other.call("POST", "/v1/visits", body)
        with refused("card_session_unknown", 404):
            other.call("GET", f"/v1/card-sessions/{session}")
    with refused("card_session_other_item", 422):
        counter.visit("A1-01", session)
    counter.visit(PENSION, session)


def test_a_read_that_has_not_ended_is_no_evidence(bureau: Bureau, counter: Counter) -> None:
    _, card = new_card(bureau)
    counter.insert(card)
    waiting = Counter(bureau)
    waiting.answer = lambda *_: None  # type: ignore[method-assign] # nobody puts a card in
    waiting.line._answer = waiting.answer
    session = waiting.open(PENSION)
    with refused("card_session_open", 409):
        waiting.visit(PENSION, session)
    waiting.close()


def test_a_read_is_over_after_its_minute(bureau: Bureau, counter: Counter, settings: Settings) -> None:
    _, card = new_card(bureau)
    session = counter.read(PENSION, card)["id"]
    rows(settings, "UPDATE card_session SET expires_at = now() WHERE id = $1", session)
    assert counter.look(session)["state"] == "expired"
    with refused("card_session_expired", 422):
        counter.visit(PENSION, session)


def test_what_an_item_does_not_take_is_refused_before_anybody_looks_for_a_card(
    bureau: Bureau, counter: Counter
) -> None:
    with refused("form_not_accepted", 422):
        counter.open(ELECTRONIC)
    with refused("item_unknown", 404):
        counter.open("A9-99")
    kiosk = Counter(bureau, "kiosk")
    with refused("wrong_place", 422):
        kiosk.open(PENSION)
    kiosk.close()
    _, card = new_card(bureau)
    session = counter.read(PENSION, card)["id"]
    with refused("form_not_accepted", 422):
        counter.visit(ELECTRONIC, session)


def test_without_a_bridge_no_card_is_read(bureau: Bureau) -> None:
    terminal = bureau.registrar.register_terminal(bureau.agency, "counter")
    with refused("bridge_unpaired", 409):
        terminal.call("POST", "/v1/card-sessions", {"item": PENSION})
    alone = Counter(bureau)
    alone.close()
    with refused("bridge_offline", 503):
        alone.open(PENSION)


def test_a_new_session_makes_the_one_that_waits_give_way(bureau: Bureau) -> None:
    waiting = Counter(bureau)
    waiting.line._answer = lambda _, frame: waiting.seen.append(frame)
    first = waiting.open(PENSION)
    second = waiting.open("A1-01")
    given_way = waiting.look(first, wait=5)
    assert (given_way["state"], given_way["reason"]["code"]) == ("failed", "replaced")
    assert waiting.look(second)["state"] == "opening"
    waiting.close()
    ended = waiting.look(second, wait=5)
    assert (ended["state"], ended["reason"]["code"]) == ("failed", "bridge_lost")


def test_sessions_are_counted(bureau: Bureau) -> None:
    terminal = bureau.registrar.register_terminal(bureau.agency, "counter")
    for _ in range(60):
        with refused("bridge_unpaired"):
            terminal.call("POST", "/v1/card-sessions", {"item": PENSION})
    with refused("too_many_requests", 429):
        terminal.call("POST", "/v1/card-sessions", {"item": PENSION})


def test_a_holder_sees_the_use_of_the_card_and_may_dispute_it(bureau: Bureau, counter: Counter) -> None:
    person, card = new_card(bureau)
    answer = counter.visit(PENSION, counter.read(PENSION, card)["id"])
    phone = bureau.phone(person)
    [use] = phone.uses()
    assert (use["form"], use["evidence"], use["item"]) == ("physical", "card", PENSION)
    assert counter.terminal.introspect(answer["assertion"])["active"]
    phone.call("POST", f"/v1/me/uses/{use['id']}/dispute")
    assert not counter.terminal.introspect(answer["assertion"])["active"]


def test_each_session_has_a_challenge_of_its_own(bureau: Bureau, counter: Counter) -> None:
    _, card = new_card(bureau)
    for _ in range(3):
        counter.read(PENSION, card)
    asked = [
        bytes.fromhex(one)
        for frame in counter.seen
        if frame["type"] == "apdus"
        for one in frame["commands"]
        if one.startswith(f"0088{INTERNAL_KEY:04X}")
    ]
    challenges = [one[5:21] for one in asked]
    assert len(set(challenges)) == len(challenges) >= 3


def test_staff_log_in_with_their_card(bureau: Bureau, counter: Counter) -> None:
    person, card = new_card(bureau)
    body = {"id_no": person.facts["id_no"], "agency": bureau.agency, "role": "window-2"}
    bureau.registrar.call("POST", "/v1/staff", body)
    visit = counter.visit(STAFF_ITEM, counter.read(STAFF_ITEM, card)["id"])
    answer = fapi(bureau).post("/oauth/token", {"grant_type": VISIT, "assertion": visit["assertion"]})
    assert answer.status_code == 200, answer.text
    said = claims(answer.json()["id_token"])
    assert (said["role"], said["acr"], said["amr"]) == ("window-2", "card-knowledge", ["sc", "hwk", "pin"])
    bureau.cards.set_card_status(person.facts["card_no"], "lost")
    again = fapi(bureau).post("/oauth/token", {"grant_type": VISIT, "assertion": visit["assertion"]})
    assert again.status_code == 400


def test_a_holder_logs_in_at_a_kiosk_with_the_card(bureau: Bureau) -> None:
    kiosk = Counter(bureau, "kiosk")
    _, card = new_card(bureau)
    visit = kiosk.visit(ITEM, kiosk.read(ITEM, card)["id"])
    party = fapi(bureau)
    answer = party.post("/oauth/token", {"grant_type": VISIT, "assertion": visit["assertion"]})
    assert answer.status_code == 200, answer.text
    tokens = answer.json()
    assert claims(tokens["id_token"])["acr"] == "card-possession"
    assert party.userinfo(tokens["access_token"]).json()["holder"] == visit["holder"]
    kiosk.close()


def test_the_readers_of_a_counter_are_shown_to_its_page(counter: Counter) -> None:
    counter.line.say("readers", readers=[READER, {"name": "Second", "atr": "3B00"}])
    _view(counter)


def _view(counter: Counter) -> None:
    for _ in range(100):
        readers = counter.terminal.call("GET", "/v1/bridge-pairings").json()["readers"]
        if len(readers) == 2:
            break
    assert readers[1] == {"name": "Second", "card": True}
