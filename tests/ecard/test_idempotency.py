"""Idempotency-Key: a creating call has its effect once, and its answer as often as it is asked for."""

import asyncio
import contextlib
import time

import asyncpg
import msgspec
import pytest

from ecard.client import Session
from ecard.client.actors import device_proof, new_signer
from ecard.ids import new_id
from ecard.settings import Settings
from ecard.vault import Vault
from tests.bureau import PASSWORD, Bureau, new_person, new_uscc, outcomes, refused, rows, send
from tests.openapi.good import GOOD

CREATING = {
    "agency_register": "/v1/agencies",
    "terminal_register": "/v1/terminals",
    "channel_register": "/v1/channels",
    "operator_register": "/v1/operators",
    "e_card_issue": "/v1/issuances",
    "password_prove": "/v1/me/verifications",
    "payment_open": "/v1/me/payment",
    "relative_add": "/v1/me/relatives",
    "holder_register": "/v1/holders",
    "client_register": "/v1/clients",
    "staff_register": "/v1/staff",
    "visit_create": "/v1/visits",
}
"""The operations that create something, and their paths."""


@pytest.mark.parametrize("operation", CREATING)
def test_a_retry_gets_the_first_answer_to_the_byte_and_has_no_second_effect(
    bureau: Bureau, settings: Settings, operation: str
) -> None:
    caller, body, _ = GOOD[operation](bureau)
    key = new_id().hex
    assert caller is not None
    first = caller.call("POST", CREATING[operation], body, key=key)
    audited = "SELECT count(*) FROM audit_event"
    before = rows(settings, audited)[0]["count"]
    again = [caller.call("POST", CREATING[operation], body, key=key) for _ in range(2)]
    assert {answer.content for answer in again} == {first.content}
    assert {answer.status_code for answer in again} == {first.status_code} == {201}
    if operation != "visit_create":
        assert {answer.headers["idempotency-replayed"] for answer in again} == {"true"}
    assert rows(settings, audited)[0]["count"] == before


@pytest.mark.parametrize("operation", CREATING)
def test_a_creating_call_without_a_good_key_is_refused_and_creates_nothing(
    bureau: Bureau, settings: Settings, operation: str
) -> None:
    caller, body, _ = GOOD[operation](bureau)
    assert caller is not None
    before = rows(settings, "SELECT count(*) FROM audit_event")[0]["count"]
    for key in (None, "", "a b", "x" * 65, "a:b"):
        answer = send(caller, "POST", CREATING[operation], msgspec.json.encode(body), key=key)
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
    assert rows(settings, "SELECT count(*) FROM audit_event")[0]["count"] == before


def test_a_key_is_good_for_one_body(bureau: Bureau) -> None:
    key = new_id().hex
    bureau.cards.call("POST", "/v1/holders", new_person().facts, key=key)
    with refused("idempotency_key_reused", 422):
        bureau.cards.call("POST", "/v1/holders", new_person().facts, key=key)


def test_a_key_is_good_for_one_operation(bureau: Bureau) -> None:
    key = new_id().hex
    uscc = new_uscc()
    bureau.registrar.call("POST", "/v1/agencies", {"name": "测试", "uscc": uscc}, key=key)
    with refused("idempotency_key_reused", 422):
        bureau.registrar.call("POST", "/v1/terminals", GOOD["terminal_register"](bureau).body, key=key)


def test_a_key_is_good_for_one_thing_that_the_path_names(bureau: Bureau) -> None:
    one, other = (bureau.client(profile="standard", auth_method="client_secret_basic").client_id for _ in range(2))
    key = new_id().hex
    bureau.registrar.call("POST", f"/v1/clients/{one}/credentials", {}, key=key)
    with refused("idempotency_key_reused", 422):
        bureau.registrar.call("POST", f"/v1/clients/{other}/credentials", {}, key=key)


def test_an_answer_is_kept_sealed(bureau: Bureau, settings: Settings) -> None:
    key = new_id().hex
    agency = bureau.registrar.call("POST", "/v1/agencies", {"name": "测试", "uscc": new_uscc()}, key=key).json()["id"]
    [row] = rows(settings, "SELECT response FROM idempotency WHERE key = $1", key)
    assert agency.encode() not in row["response"]
    assert Vault(settings.master_key).open("idempotency.response", row["response"]).decode() == f'{{"id":"{agency}"}}'


def test_an_answer_that_the_release_before_kept_in_plain_is_still_given(bureau: Bureau, settings: Settings) -> None:
    key, body = new_id().hex, {"name": "测试", "uscc": new_uscc()}
    first = bureau.registrar.call("POST", "/v1/agencies", body, key=key)
    rows(settings, "UPDATE idempotency SET response = $2 WHERE key = $1", key, first.content)
    again = bureau.registrar.call("POST", "/v1/agencies", body, key=key)
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")


def test_two_callers_may_use_one_key(bureau: Bureau) -> None:
    key, clerk = new_id().hex, bureau.security.register_operator("第二人", "cards")
    for operator in (bureau.cards, clerk):
        answer = operator.call("POST", "/v1/holders", new_person().facts, key=key)
        assert "idempotency-replayed" not in answer.headers


def test_a_refusal_is_not_kept_and_the_call_may_be_made_again(bureau: Bureau) -> None:
    person, key = new_person(), new_id().hex
    body = {**person.applicant, "device_proof": device_proof(new_signer(), bureau.issuer, time.time())}
    with refused("identity_mismatch"):
        bureau.channel.call("POST", "/v1/issuances", body, key=key)
    bureau.cards.register_holder(**person.facts)
    assert bureau.channel.call("POST", "/v1/issuances", body, key=key).json()["action_type"] == "001"


def test_an_issue_that_is_retried_binds_one_phone(bureau: Bureau, settings: Settings) -> None:
    body = {**bureau.register().applicant, "device_proof": device_proof(new_signer(), bureau.issuer, time.time())}
    key = new_id().hex
    first, second = (bureau.channel.call("POST", "/v1/issuances", body, key=key).json() for _ in range(2))
    assert first == second
    sql = "SELECT count(*) FROM device WHERE card = (SELECT card FROM device WHERE actor = $1::text::uuid)"
    assert rows(settings, sql, first["device"])[0]["count"] == 1


@pytest.mark.parametrize("act", ["register", "issue", "prove"])
def test_copies_of_one_call_at_once_have_one_effect_and_one_answer(
    bureau: Bureau, settings: Settings, act: str
) -> None:
    proof = device_proof(new_signer(), bureau.issuer, time.time())
    calls: dict[str, tuple[Session, str, dict[str, str]]] = {
        "register": (bureau.cards, "/v1/holders", new_person().facts),
        "issue": (bureau.channel, "/v1/issuances", {**bureau.register().applicant, "device_proof": proof}),
        "prove": (bureau.phone(), "/v1/me/verifications", {"password": PASSWORD}),
    }
    caller, path, body = calls[act]
    # Ten attempts an hour are allowed to issue for one person, and six passwords at once to look at.
    count = {"register": 32, "issue": 8, "prove": 5}[act]
    key, answers = new_id().hex, list[bytes]()
    caller.open()
    found = outcomes([lambda: answers.append(caller.call("POST", path, body, key=key).content)] * count)
    # Who comes while the first is at it may be told so; nobody gets another answer.
    assert found["ok"] + found["idempotency_in_flight"] == count
    assert len(set(answers)) == 1
    assert rows(settings, "SELECT count(*) FROM idempotency WHERE key = $1", key)[0]["count"] == 1


def test_an_unknown_path_creates_nothing(bureau: Bureau) -> None:
    answer = send(bureau.registrar, "POST", "/v1/agency", b"{}", key=new_id().hex)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_call_whose_first_copy_has_not_ended_is_told_to_come_back(bureau: Bureau, settings: Settings) -> None:
    body, key = new_person().facts, new_id().hex

    async def meanwhile() -> None:
        connection = await asyncpg.connect(settings.database_url)
        try:
            async with connection.transaction():
                claim = (
                    "INSERT INTO idempotency (actor, key, operation, body_mac) VALUES ($1, $2, 'holder_register', '')"
                )
                await connection.execute(claim, bureau.cards.actor, key)
                with refused("idempotency_in_flight", 409) as refusal:
                    await asyncio.to_thread(bureau.cards.call, "POST", "/v1/holders", body, key=key)
                assert refusal.value.headers["retry-after"] == "1"
                raise asyncio.CancelledError  # the first copy fails
        finally:
            await connection.close()

    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(meanwhile())
    answer = bureau.cards.call("POST", "/v1/holders", body, key=key)
    assert "idempotency-replayed" not in answer.headers
