"""Issuing the e-card on phones in channels, joining and leaving channels, opening payment."""

import datetime
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ecard.cards.sandbox import FACE_DOWN, FACE_FAILED, FACE_SLOW
from ecard.cards.service import DEVICE_ISSUER
from ecard.client import Phone
from ecard.client.actors import device_proof, new_signer
from ecard.encoding import b64url
from ecard.ids import new_id
from ecard.keys import Signer, Suite, to_jwk
from ecard.numbers import resident_id
from ecard.settings import Settings
from tests.bureau import PASSWORD, Bureau, Person, new_person, outcomes, refused, rows, within

STATE = """
    SELECT c.level, c.password, c.issued_at, (SELECT count(*) FROM device d WHERE d.card = c.seq) AS devices
    FROM card c ORDER BY c.seq DESC LIMIT 1
"""
"""The youngest card's state: a test registers its person last."""


def ask(bureau: Bureau, person: Person, signer: Signer | None = None, /, **changed: object) -> dict[str, Any]:
    """Ask for the e-card; what is `changed` to None is left out."""
    signer = signer or new_signer()
    body = {**person.applicant, "device_proof": device_proof(signer, bureau.issuer, time.time()), **changed}
    body = {key: value for key, value in body.items() if value is not None}
    answer: dict[str, Any] = bureau.channel.call("POST", "/v1/issuances", body).json()
    return answer


def test_the_first_issue_tells_the_channel_what_was_done_and_nothing_personal(bureau: Bureau) -> None:
    person = bureau.register()
    issued = bureau.phone(person).issued
    assert (issued["action_type"], issued["sign_level"]) == ("001", 1)
    china = datetime.timezone(datetime.timedelta(hours=8))
    assert issued["sign_date"] == datetime.datetime.now(china).strftime("%Y%m%d")
    assert re.fullmatch("[0-9a-f]{32}", issued["sign_no"])
    assert re.fullmatch("[0-9a-f]{32}", issued["sign_seq"])
    assert issued["name"] == "**" + person.facts["name"][-1]
    assert issued["id_no"] == "1" + "*" * 16 + person.facts["id_no"][-1]


def test_an_issued_card_joins_another_channel_by_its_password_only(bureau: Bureau) -> None:
    person = bureau.register()
    first = bureau.phone(person)
    other = bureau.registrar.register_channel("银行渠道", "bank")
    joined = other.issue(bureau.issuer, name=person.facts["name"], id_no=person.facts["id_no"], password=PASSWORD)
    assert (joined.issued["action_type"], joined.issued["sign_level"]) == ("002", 1)
    assert joined.issued["sign_no"] != first.issued["sign_no"]
    bureau.terminal().visit("A1-01", joined.code())
    bureau.terminal().visit("A1-01", first.code())


def test_joining_needs_the_right_password(bureau: Bureau) -> None:
    person = bureau.register()
    bureau.phone(person)
    with refused("password_wrong", 403) as refusal:
        ask(bureau, person, password="271828", card_no=None, face=None)
    assert refusal.value.problem["tries_left"] == 5


def test_a_second_phone_in_a_channel_replaces_the_first_and_leaves_other_channels(bureau: Bureau) -> None:
    person = bureau.register()
    elsewhere = bureau.phone(person, channel=bureau.registrar.register_channel("另一渠道", "medical"))
    first = bureau.phone(person)
    shown = first.code()
    second = bureau.phone(person)
    with refused("device_unbound", 409):
        bureau.terminal().visit("A1-01", shown)
    within(2, first.code, "key_revoked")
    with refused("actor_unknown", 401):
        first.open()
    for phone in (second, elsewhere):
        bureau.terminal().visit("A1-01", phone.code())


def test_a_key_that_is_registered_cannot_be_bound_and_takes_nothing_away(bureau: Bureau) -> None:
    person, signer = bureau.register(), new_signer()
    ask(bureau, bureau.register(), signer)
    phone = bureau.phone(person)
    with refused("already_registered", 409):
        ask(bureau, person, signer)
    bureau.terminal().visit("A1-01", phone.code())


def test_leaving_a_channel_ends_its_phone_and_no_other(bureau: Bureau) -> None:
    person = bureau.register()
    elsewhere = bureau.phone(person, channel=bureau.registrar.register_channel("另一渠道", "social"))
    phone = bureau.phone(person)
    shown = phone.code()
    with refused("busi_seq_invalid", 403):
        phone.call("POST", "/v1/me/channel/leave", {"busi_seq": str(new_id())})
    assert phone.call("POST", "/v1/me/channel/leave", {"busi_seq": phone.prove(PASSWORD)}).status_code == 204
    with refused("device_unbound", 409):
        bureau.terminal().visit("A1-01", shown)
    within(2, phone.code, "key_revoked")
    bureau.terminal().visit("A1-01", elsewhere.code())
    assert bureau.phone(person).issued["action_type"] == "002"


def test_payment_is_opened_with_the_password_and_again_changes_nothing(bureau: Bureau) -> None:
    phone = bureau.phone()
    for _ in range(2):
        acted = phone.open_payment(PASSWORD)
        assert (acted["action_type"], acted["sign_level"]) == ("005", 2)
    assert phone.call("GET", "/v1/me/card").json()["level"] == 2


@pytest.mark.parametrize("missing", ["bank_account", "mobile"])
def test_payment_needs_an_account_and_its_mobile_number(bureau: Bureau, missing: str) -> None:
    phone = bureau.phone(bureau.register(**{missing: ""}))
    busi_seq = phone.prove(PASSWORD)
    with refused("bank_not_ready", 409):
        phone.call("POST", "/v1/me/payment", {"busi_seq": busi_seq})
    assert phone.call("GET", "/v1/me/card").json()["level"] == 1


def test_a_phone_joining_at_level_two_is_told_so(bureau: Bureau) -> None:
    person = bureau.register()
    bureau.phone(person, level=2)
    assert ask(bureau, person)["sign_level"] == 2


def test_the_card_face_is_masked(bureau: Bureau) -> None:
    person = bureau.register()
    face = bureau.phone(person).call("GET", "/v1/me/card").json()
    assert face == {
        "action_type": "006",
        "name": "**" + person.facts["name"][-1],
        "id_no": "1" + "*" * 16 + person.facts["id_no"][-1],
        "card_no": "T" + "*" * 7 + person.facts["card_no"][-1],
        "issuing_area": "640100",
        "status": "active",
        "level": 1,
    }


def test_whatever_does_not_belong_together_gets_one_answer(bureau: Bureau, settings: Settings) -> None:
    stranger, person = new_person(), bureau.register()
    asked: list[tuple[Person, dict[str, object]]] = [
        (stranger, {}),
        (person, {"name": "测试某"}),
        (person, {"card_no": "T99999999"}),
        (person, {"card_no": None}),
        # Nor does what is asked next tell a name that fits from one that does not.
        (person, {"card_no": "T99999999", "face": None}),
        (person, {"card_no": "T99999999", "password": "111111"}),
        (stranger, {"face": None, "password": "111111"}),
    ]
    answers = []
    for whom, changed in asked:
        with refused("identity_mismatch", 422) as refusal:
            ask(bureau, whom, None, **changed)
        answers.append({**refusal.value.problem, "request_id": ""})
    assert all(answer == answers[0] for answer in answers)
    assert tuple(rows(settings, STATE)[0]) == (0, None, None, 0)


def test_a_number_that_the_population_register_does_not_know_is_a_mismatch(bureau: Bureau) -> None:
    seventeen = (
        f"11010119{50 + int(new_person().facts['card_no'][1:]) % 40}0101{int(new_person().facts['card_no'][-3:]):03d}"
    )
    with refused("identity_mismatch", 422):
        ask(bureau, bureau.register(id_no=seventeen + resident_id.check_digit(seventeen)))


@pytest.mark.parametrize(
    ("face", "code", "status"),
    [(FACE_FAILED, "face_mismatch", 422), (FACE_DOWN, "check_unavailable", 503), (None, "face_required", 400)],
)
def test_without_a_passed_face_check_nothing_is_issued(
    bureau: Bureau, settings: Settings, face: str | None, code: str, status: int
) -> None:
    person = bureau.register()
    with refused(code, status):
        ask(bureau, person, face=face)
    assert tuple(rows(settings, STATE)[0]) == (0, None, None, 0)
    assert ask(bureau, person)["action_type"] == "001"


def test_a_slow_check_is_waited_for_and_holds_nothing_up(bureau: Bureau) -> None:
    person, found = bureau.register(), dict[str, Any]()

    def slowly() -> None:
        found.update(ask(bureau, person, face=FACE_SLOW))

    waiting = threading.Thread(target=slowly)
    waiting.start()
    time.sleep(0.3)
    started = time.monotonic()
    bureau.cards.set_card_status(person.facts["card_no"], "locked")
    bureau.cards.set_card_status(person.facts["card_no"], "active")
    assert time.monotonic() - started < 0.6
    waiting.join()
    assert found["action_type"] == "001"


def test_a_card_lost_during_a_slow_check_is_not_issued(bureau: Bureau, settings: Settings) -> None:
    person = bureau.register()

    def slowly() -> None:
        with refused("card_suspended", 409):
            ask(bureau, person, face=FACE_SLOW)

    waiting = threading.Thread(target=slowly)
    waiting.start()
    time.sleep(0.3)
    bureau.cards.set_card_status(person.facts["card_no"], "lost")
    waiting.join()
    assert tuple(rows(settings, STATE)[0]) == (0, None, None, 0)


@pytest.mark.parametrize("status", ["lost_temporary", "lost", "locked", "cancelled"])
def test_nothing_is_issued_on_a_card_that_is_not_active(bureau: Bureau, status: str) -> None:
    person = bureau.register()
    bureau.cards.set_card_status(person.facts["card_no"], status)
    with refused("card_suspended", 409):
        ask(bureau, person)


def test_of_eight_phones_that_race_for_the_first_issue_one_wins(bureau: Bureau, settings: Settings) -> None:
    person = bureau.register()
    bureau.channel.open()
    found = outcomes([lambda: ask(bureau, person)] * 8)
    # Who comes late enough finds the card issued, and joins with the password in place of the phone before.
    assert found["ok"] + found["conflict"] == 8
    sql = "SELECT count(*) FROM audit_event WHERE kind = 'e_card_issued' AND detail->>'action' = '001' AND card = $1"
    [card] = rows(settings, "SELECT seq FROM card ORDER BY seq DESC LIMIT 1")
    assert rows(settings, sql, card["seq"])[0]["count"] == 1
    assert len(rows(settings, "SELECT FROM device WHERE card = $1 AND unbound_at IS NULL", card["seq"])) == 1


def test_attempts_on_one_person_are_limited(bureau: Bureau) -> None:
    person = bureau.register()
    for _ in range(10):
        with refused("identity_mismatch"):
            ask(bureau, person, name="测试某")
    with refused("too_many_requests", 429) as refusal:
        ask(bureau, person)
    assert 0 < int(refusal.value.headers["retry-after"]) <= 3600


@pytest.mark.parametrize(
    ("id_no", "reason"),
    [("119900198501010010", "checksum"), ("11990020990101001X", "date"), ("11990019850230001X", "date")],
)
def test_a_wrong_resident_number_is_refused_and_not_echoed(bureau: Bureau, id_no: str, reason: str) -> None:
    if reason == "date":
        id_no = id_no[:17] + resident_id.check_digit(id_no[:17])
    elif resident_id.check_digit(id_no[:17]) == id_no[17]:
        id_no = id_no[:17] + "1"
    with refused("invalid_request", 400) as refusal:
        ask(bureau, new_person(id_no=id_no))
    assert refusal.value.problem["pointer"] == "/id_no"
    assert id_no not in str(refusal.value.problem)


def proof(bureau: Bureau, signer: Signer, *, by: Signer | None = None, **changed: object) -> str:
    """Return a device proof with changed header members (`h_…`) or claims; None leaves one out."""
    now = int(time.time())
    header: dict[str, Any] = {"alg": signer.suite.value, "typ": "ecard-device+jwt"}
    header["jwk"] = to_jwk(signer.suite, signer.public)
    claims: dict[str, Any] = {"iss": DEVICE_ISSUER, "aud": bureau.issuer, "iat": now, "exp": now + 60}
    for name, value in changed.items():
        (header if name.startswith("h_") else claims)[name.removeprefix("h_")] = value
    parts = [{key: value for key, value in part.items() if value is not None} for part in (header, claims)]
    signed = ".".join(b64url(msgspec.json.encode(part)) for part in parts)
    return f"{signed}.{b64url((by or signer).sign(signed.encode()))}"


Bad = Callable[[Bureau, Signer], str]
BAD_PROOFS: dict[str, Bad] = {
    "signed by another key": lambda bureau, signer: proof(bureau, signer, by=new_signer()),
    "expired": lambda bureau, signer: proof(bureau, signer, iat=int(time.time()) - 61, exp=int(time.time()) - 1),
    "from the future": lambda bureau, signer: proof(bureau, signer, iat=int(time.time()) + 90),
    "for another platform": lambda bureau, signer: proof(bureau, signer, aud="https://elsewhere.example"),
    "for many platforms": lambda bureau, signer: proof(bureau, signer, aud=["https://elsewhere.example"]),
    "for nobody": lambda bureau, signer: proof(bureau, signer, aud=None),
    "from another issuer": lambda bureau, signer: proof(bureau, signer, iss="urn:elsewhere"),
    "of another type": lambda bureau, signer: proof(bureau, signer, h_typ="JWT"),
    "of no type": lambda bureau, signer: proof(bureau, signer, h_typ=None),
    "with alg none": lambda bureau, signer: proof(bureau, signer, h_alg="none"),
    "with a MAC for its alg": lambda bureau, signer: proof(bureau, signer, h_alg="HS256"),
    "with the other suite's alg": lambda bureau, signer: proof(bureau, signer, h_alg="EdDSA"),
    "without a key": lambda bureau, signer: proof(bureau, signer, h_jwk=None),
    "with a key that is a list": lambda bureau, signer: proof(bureau, signer, h_jwk=["EC"]),
    "with a key of another kind": lambda bureau, signer: proof(bureau, signer, h_jwk={"kty": "oct", "k": "AA"}),
    "with a critical extension": lambda bureau, signer: proof(bureau, signer, h_crit=["x"]),
    "that ends never": lambda bureau, signer: proof(bureau, signer, exp=None),
    "that ends some day": lambda bureau, signer: proof(bureau, signer, exp="tomorrow"),
    "that lives for years": lambda bureau, signer: proof(bureau, signer, exp=int(time.time()) + 10**8),
    "that is no token": lambda *_: "proof",
    "that is a token of three dots": lambda *_: "..",
    "with NUL": lambda bureau, signer: proof(bureau, signer) + "\x00",
    "in full width": lambda *_: "ｅｙＪ.ｅｙＪ.ｅｙＪ",
}


@pytest.mark.parametrize("bad", BAD_PROOFS)
def test_a_proof_of_the_device_key_is_refused(bureau: Bureau, bad: str, person_of_module: Person) -> None:
    with refused("device_proof_refused", 422) as refusal:
        ask(bureau, person_of_module, device_proof=BAD_PROOFS[bad](bureau, new_signer()))
    assert refusal.value.problem["pointer"] == "/device_proof"


@pytest.fixture
def person_of_module(bureau: Bureau) -> Person:
    return bureau.register()


@pytest.mark.parametrize("suite", Suite)
def test_a_phone_of_either_suite_is_issued_and_used(bureau: Bureau, suite: Suite) -> None:
    phone: Phone = bureau.phone(suite=suite, level=2)
    assert bureau.terminal().visit("A1-01", phone.code())["acr"] == "l2-knowledge"


def test_a_card_that_replaces_a_cancelled_one_is_issued_afresh(bureau: Bureau) -> None:
    person = bureau.register()
    old = bureau.phone(person)
    shown = old.code()
    with refused("holder_exists", 409):
        bureau.cards.register_holder(**{**person.facts, "card_no": new_person().facts["card_no"]})
    bureau.cards.set_card_status(person.facts["card_no"], "cancelled")
    renewed = Person({**person.facts, "card_no": new_person().facts["card_no"]})
    bureau.cards.register_holder(**renewed.facts)
    phone = bureau.phone(renewed)
    assert phone.issued["action_type"] == "001"
    bureau.terminal().visit("A1-01", phone.code())
    with refused("card_suspended", 409):
        bureau.terminal().visit("A1-01", shown)
    within(2, old.code, "card_suspended")


@pytest.mark.parametrize(
    ("given", "missing"),
    [({"card_id": "640100" + "F" * 26}, "/card_atr"), ({"card_atr": "6013042500000001"}, "/card_id")],
)
def test_a_cards_number_and_its_chips_are_registered_together(
    bureau: Bureau, given: dict[str, str], missing: str
) -> None:
    with refused("invalid_request", 400) as refusal:
        bureau.cards.register_holder(**new_person(**given).facts)
    assert refusal.value.problem["pointer"] == missing


def test_a_card_number_is_registered_once(bureau: Bureau) -> None:
    person = bureau.register()
    with refused("holder_exists", 409):
        bureau.register(card_no=person.facts["card_no"])
