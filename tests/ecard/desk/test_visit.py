"""The visit: what is asserted, and that the evidence is used exactly once, retries apart."""

import time
from functools import partial
from typing import Any

import httpx
import jwt
import msgspec
import pytest

from ecard.catalogue.load import load
from ecard.catalogue.model import Form, Item, Strength
from ecard.client import Phone, Terminal
from ecard.clock import SteppedClock
from ecard.ids import new_id
from ecard.settings import Settings
from tests.bureau import PASSWORD, Bureau, code_of_step, outcomes, refused, rows, send, visit_body
from tests.conftest import serving

CATALOGUE = load()
ELECTRONIC = [item for item in CATALOGUE.items if item.permits(Form.ELECTRONIC)]


def claims_of(bureau: Bureau, answer: dict[str, Any], audience: str) -> dict[str, Any]:
    """Verify an assertion as an agency does: any JWT library, the published keys, its own id."""
    keys = jwt.PyJWKSet.from_dict(bureau.http.get("/.well-known/jwks.json").json())
    header = jwt.get_unverified_header(answer["assertion"])
    assert header["typ"] == "ecard-assertion+jwt"
    required = {"require": ["exp", "iat", "jti", "sub", "aud", "iss"]}
    claims: dict[str, Any] = jwt.decode(
        answer["assertion"],
        keys[header["kid"]],
        algorithms=["ES256"],
        audience=audience,
        issuer="https://ecard.example",
        options=required,  # type: ignore[arg-type] # the library's type names more keys
    )
    return claims


def test_a_code_gives_an_assertion_once(bureau: Bureau) -> None:
    phone = bureau.phone()
    code = phone.code()
    answer = bureau.terminal().visit("A1-01", code)
    assert answer["form"] == "electronic"
    with refused("code_replayed", 409) as refusal:
        bureau.terminal().visit("A1-01", code)
    assert refusal.value.problem["first_at"][:16] == time.strftime("%Y-%m-%dT%H:%M", time.gmtime())


def test_the_assertion_verifies_with_the_published_keys_and_says_what_the_answer_says(bureau: Bureau) -> None:
    phone = bureau.phone()
    answer = bureau.terminal().visit("A1-01", phone.code())
    claims = claims_of(bureau, answer, str(bureau.agency))
    for name in ("item", "form", "acr", "amr", "sub", "holder"):
        assert claims[name] == answer[name]
    assert (claims["item"], claims["form"], claims["acr"], claims["amr"]) == (
        "A1-01",
        "electronic",
        "l1-possession",
        ["pop"],
    )
    assert claims["exp"] - claims["iat"] == 60
    assert claims["exp"] == answer["expires_at"]
    assert abs(claims["iat"] - time.time()) < 3
    assert claims["jti"] == answer["visit"]
    assert claims["terminal"] == str(bureau.terminal().actor)
    assert claims["catalogue"] == CATALOGUE.version
    assert claims.keys() == {
        "iss", "aud", "iat", "exp", "jti", "sub", "item", "form", "acr", "amr", "terminal", "catalogue", "holder",
    }  # fmt: skip


def test_the_assertion_is_for_its_agency_alone(bureau: Bureau) -> None:
    answer = bureau.terminal().visit("A1-01", bureau.phone().code())
    with pytest.raises(jwt.InvalidAudienceError):
        claims_of(bureau, answer, str(new_id()))


def test_the_answer_says_how_fresh_it_is(bureau: Bureau) -> None:
    verified = bureau.terminal().visit("A1-01", bureau.phone().code())["verified"]
    assert verified["mode"] == "online"
    assert 0 <= time.time() - verified["status_as_of"] < 3
    assert 0 <= time.time() - verified["keys_as_of"] < 5


def test_the_pseudonym_is_stable_in_an_agency_and_unlinked_across_agencies(bureau: Bureau) -> None:
    phone, other = bureau.phone(), bureau.phone()
    elsewhere = bureau.counter_of_another_agency()
    here = [bureau.terminal(setting).visit("A1-03", phone.code())["sub"] for setting in ("counter", "kiosk", "online")]
    there = [elsewhere.visit("A1-03", phone.code())["sub"] for _ in range(2)]
    assert len(set(here)) == len(set(there)) == 1
    assert here[0] != there[0]
    assert bureau.terminal().visit("A1-03", other.code())["sub"] not in {*here, *there}


def test_the_pseudonym_outlives_the_phone_and_the_card(bureau: Bureau) -> None:
    person = bureau.register()
    first = bureau.terminal().visit("A1-03", bureau.phone(person).code())["sub"]
    assert bureau.terminal().visit("A1-03", bureau.phone(person).code())["sub"] == first


PERSON = {"ethnicity": "03", "address": "测试市测试路1号", "fare_class": "free"}


def expected(item: Item, facts: dict[str, str]) -> dict[str, str]:
    """Return what the item may disclose of a person, from the person's own facts."""
    born = facts["id_no"][6:14]
    known = {**facts, "id_type": "01", "birth_date": f"{born[:4]}-{born[4:6]}-{born[6:]}"}
    known["sex"] = "1" if int(facts["id_no"][16]) % 2 else "2"
    return {field.value: known[field.value] for field in item.fields}


def test_every_item_discloses_its_own_fields_and_no_other(bureau: Bureau) -> None:
    person = bureau.register(**PERSON)
    phone = bureau.phone(person, level=2)
    setting = {"any": "online", "terminal": "kiosk", "counter": "counter"}
    met = 0
    for item in ELECTRONIC:
        if item.strength is Strength.BIOMETRIC:
            with refused("evidence_too_weak"):
                bureau.terminal().visit(item.code, phone.code(item.scene.name.lower()))
            continue
        answer = bureau.terminal(setting[item.proximity]).visit(item.code, phone.code(item.scene.name.lower()))
        assert (item.code, answer["holder"]) == (item.code, expected(item, person.facts))
        assert answer["acr"] == "l2-knowledge"
        met += 1
    # 109 + 5 items of annexes 1 and 2 take the electronic form, all 32 of annex 3 do; one needs a face.
    assert met == 109 + 5 + 32 - 1


def test_a_retry_within_ten_seconds_gets_the_same_bytes(bureau: Bureau, settings: Settings) -> None:
    body, key = visit_body("A1-01", bureau.phone(level=2).code()), new_id().hex
    first = send(bureau.terminal(), "POST", "/v1/visits", body, key=key)
    time.sleep(1.2)  # long enough for the keys' `as_of` to move on
    retries = [send(bureau.terminal(), "POST", "/v1/visits", body, key=key) for _ in range(2)]
    assert first.status_code == 201
    assert {answer.content for answer in retries} == {first.content}
    assert {answer.status_code for answer in retries} == {201}
    assert rows(settings, "SELECT count(*) FROM visit WHERE request_id = $1", key)[0]["count"] == 1


def test_thirty_two_copies_of_one_request_at_once_get_one_answer(bureau: Bureau, settings: Settings) -> None:
    body, key = visit_body("A1-01", bureau.phone().code()), new_id().hex
    bureau.terminal().open()
    answers = []
    found = outcomes([lambda: answers.append(send(bureau.terminal(), "POST", "/v1/visits", body, key=key))] * 32)
    assert found == {"ok": 32}
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert rows(settings, "SELECT count(*) FROM visit WHERE request_id = $1", key)[0]["count"] == 1


def test_of_thirty_two_requests_with_one_code_one_wins(bureau: Bureau) -> None:
    code = bureau.phone().code()
    bureau.terminal().open()
    found = outcomes([partial(bureau.terminal().visit, "A1-01", code)] * 32)
    assert found == {"ok": 1, "code_replayed": 31}


def test_a_retry_after_ten_seconds_is_a_replay(bureau: Bureau, settings: Settings) -> None:
    body, key = visit_body("A1-01", bureau.phone().code()), new_id().hex
    assert send(bureau.terminal(), "POST", "/v1/visits", body, key=key).status_code == 201
    rows(settings, "UPDATE visit SET at = at - interval '11 seconds' WHERE request_id = $1", key)
    late = send(bureau.terminal(), "POST", "/v1/visits", body, key=key)
    assert (late.status_code, late.json()["code"]) == (409, "code_replayed")


def test_a_key_is_good_for_one_request(bureau: Bureau) -> None:
    phone = bureau.phone()
    first, second = phone.code(), phone.code()
    bureau.terminal().visit("A1-01", first, key="the-same-key" + phone.actor.hex)
    for item, code in (("A1-02", first), ("A1-01", second)):
        with refused("idempotency_key_reused", 422):
            bureau.terminal().visit(item, code, key="the-same-key" + phone.actor.hex)
    # The refusal used nothing up.
    bureau.terminal().visit("A1-01", second)


def test_another_terminal_gets_no_part_in_a_retry(bureau: Bureau) -> None:
    code, key = bureau.phone().code(), new_id().hex
    bureau.terminal().visit("A1-01", code, key=key)
    for other in (bureau.terminal("kiosk"), bureau.counter_of_another_agency()):
        with refused("code_replayed", 409):
            other.visit("A1-01", code, key=key)


def test_a_visit_needs_an_idempotency_key(bureau: Bureau) -> None:
    body = visit_body("A1-01", bureau.phone().code())
    for key in (None, "", "not a key", "x" * 65, "a/b"):
        answer = send(bureau.terminal(), "POST", "/v1/visits", body, key=key)
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
    assert send(bureau.terminal(), "POST", "/v1/visits", body, key="x" * 64).status_code == 201


class Stepped:
    """A server whose clock is ours, with a phone and a counter that know its time."""

    def __init__(self, bureau: Bureau, url: str, clock: SteppedClock) -> None:
        self.clock = clock
        self.http = httpx.Client(base_url=url, timeout=30)
        phone = bureau.phone()
        self.phone = Phone(self.http, phone.issued, phone.signer)
        self.counter = Terminal(self.http, bureau.terminal().actor, bureau.terminal().signer)
        self.counter.open()

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.counter.offset += seconds


@pytest.fixture
def stepped(bureau: Bureau, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    clock = SteppedClock(time.time())
    monkeypatch.setattr("ecard.runtime.SystemClock", lambda: clock)
    with serving(settings) as url:
        made = Stepped(bureau, url, clock)
        yield made
        made.http.close()


def test_a_retry_is_answered_even_when_the_code_has_expired_meanwhile(stepped: Stepped) -> None:
    code, key = stepped.phone.code(), new_id().hex
    body = visit_body("A1-01", code)
    first = send(stepped.counter, "POST", "/v1/visits", body, key=key)
    stepped.advance(121)
    with refused("code_expired", 422):
        stepped.counter.visit("A1-01", code)
    again = send(stepped.counter, "POST", "/v1/visits", body, key=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content


def test_a_code_lives_for_its_two_steps_and_the_tolerance_to_the_second(stepped: Stepped) -> None:
    shown = stepped.phone.codes(count=2)
    stepped.advance(shown[0]["valid_until"] + 30 - 0.01 - stepped.clock.time())
    assert stepped.counter.visit("A1-01", shown[0]["code"])["form"] == "electronic"
    stepped.advance(30.01)
    with refused("code_expired", 422) as refusal:
        stepped.counter.visit("A1-01", shown[1]["code"])
    assert refusal.value.problem["age_seconds"] == 30


def test_a_code_from_ahead_of_our_clock_is_accepted_within_the_tolerance(bureau: Bureau, settings: Settings) -> None:
    phone = bureau.phone()
    ahead = code_of_step(settings, phone, 1)
    assert bureau.terminal().visit("A1-01", ahead.code)["form"] == "electronic"
    with refused("code_clock_skew", 422) as refusal:
        bureau.terminal().visit("A1-01", code_of_step(settings, phone, 3).code)
    assert 30 < refusal.value.problem["offset_seconds"] <= 90
    assert abs(refusal.value.problem["server_time"] - time.time()) < 3


def test_without_redis_codes_are_shown_and_used_once_and_guessable_things_refused(
    bureau: Bureau, settings: Settings
) -> None:
    phone, person = bureau.phone(), bureau.register()
    without = msgspec.structs.replace(settings, redis_url="redis://127.0.0.1:1/0")
    with serving(without) as url, httpx.Client(base_url=url, timeout=30) as http:
        counter = Terminal(http, bureau.terminal().actor, bureau.terminal().signer)
        shown = Phone(http, phone.issued, phone.signer).codes()[0]
        with refused("unavailable", 503) as refusal:
            counter.visit("A1-01", shown["number"])
        assert refusal.value.headers["retry-after"] == "5"
        counter.visit("A1-01", shown["code"])
        with refused("code_replayed", 409):
            counter.visit("A1-01", shown["code"])
        with refused("unavailable", 503):
            type(bureau.channel)(http, bureau.channel.actor, bureau.channel.signer).issue(
                bureau.issuer, name=person.facts["name"], id_no=person.facts["id_no"], password=PASSWORD
            )
        ready = http.get("/ready")
        assert (ready.status_code, ready.json()["status"], ready.json()["redis"]) == (200, "degraded", "down")
