"""Opening a session under a registered key, and what a call under it must carry."""

import base64
import time

import httpx
import msgspec
import pytest

from ecard import signatures
from ecard.access.model import new_share
from ecard.callers import Terminal as TerminalCaller
from ecard.callers import Tickets
from ecard.client import Phone, Refused, Session, Terminal
from ecard.client.actors import new_signer
from ecard.client.session import opened
from ecard.encoding import b64url, unb64url
from ecard.ids import new_id
from ecard.keys import Suite
from ecard.settings import Settings
from ecard.signatures import Call
from ecard.vault import Vault
from tests.bureau import Bureau, new_person, refused, send, visit_body, within


def ask(session: Session, **changed: object) -> httpx.Response:
    """Ask for a session as the client does, with what is to be `changed`."""
    how = {"actor": str(session.actor), "share": b64url(new_share()[1]), "keyid": str(session.actor)} | changed
    body = msgspec.json.encode({"actor": how["actor"], "share": how["share"]})
    headers = signatures.sign(
        Call("POST", "/v1/sessions", "", body),
        keyid=str(how["keyid"]),
        algorithm=str(how.get("algorithm", signatures.ALGORITHM_OF[session.signer.suite])),
        created=int(time.time() + float(str(how.get("ahead", 0)))),
        by=session.signer.sign,
    )
    return session.http.post("/v1/sessions", content=body, headers={**headers, "Content-Type": "application/json"})


def problem(response: httpx.Response) -> dict[str, object]:
    """Return a problem without what differs at every call."""
    assert response.headers["content-type"] == "application/problem+json"
    return {key: value for key, value in response.json().items() if key != "request_id"}


@pytest.mark.parametrize("suite", Suite)
def test_a_session_opens_under_a_key_of_either_suite(bureau: Bureau, suite: Suite) -> None:
    phone = bureau.phone(suite=suite)
    assert phone.signer.suite is suite
    assert phone.call("GET", "/v1/me/card").json()["status"] == "active"


def test_a_stranger_and_a_wrong_signature_get_the_same_answer(bureau: Bureau) -> None:
    terminal = bureau.terminal()
    impostor = Session(bureau.http, terminal.actor, new_signer())
    nobody = Session(bureau.http, new_id(), new_signer())
    wrong, unknown = ask(impostor), ask(nobody)
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert problem(wrong) == problem(unknown)
    assert wrong.json()["code"] == "actor_unknown"


def test_the_key_id_must_be_the_actor_that_is_asked_for(bureau: Bureau) -> None:
    other = bureau.terminal("kiosk")
    answer = ask(bureau.terminal(), actor=str(other.actor))
    assert answer.json()["code"] == "actor_unknown"


def test_a_key_signs_with_its_own_algorithm_only(bureau: Bureau) -> None:
    assert ask(bureau.terminal(), algorithm="ed25519").json()["code"] == "actor_unknown"


def test_a_share_that_is_no_point_is_refused(bureau: Bureau) -> None:
    answer = ask(bureau.terminal(), share=b64url(b"\x04" + bytes(64)))
    assert (answer.status_code, answer.json()["code"], answer.json()["pointer"]) == (400, "share_refused", "/share")


@pytest.mark.parametrize("ahead", [45, -45])
def test_a_wrong_clock_is_told_by_how_much_it_is_wrong(bureau: Bureau, ahead: int) -> None:
    told = problem(ask(bureau.terminal(), ahead=ahead))
    assert told["code"] == "clock_skew"
    assert abs(float(str(told["offset_seconds"])) - ahead) <= 2
    assert abs(float(str(told["server_time"])) - time.time()) <= 2


@pytest.mark.parametrize("ahead", [20, -20])
def test_a_clock_within_the_tolerance_is_right_enough(bureau: Bureau, ahead: int) -> None:
    assert ask(bureau.terminal(), ahead=ahead).status_code == 201


def test_sessions_of_one_key_are_limited(bureau: Bureau) -> None:
    terminal = bureau.registrar.register_terminal(bureau.agency, "kiosk")
    answers = [ask(terminal) for _ in range(61)]
    assert [answer.status_code for answer in answers[:60]] == [201] * 60
    assert answers[60].json()["code"] == "too_many_requests"
    assert 0 < int(answers[60].headers["retry-after"]) <= 60


def test_whoever_only_knows_the_id_cannot_use_the_owners_sessions_up(bureau: Bureau) -> None:
    terminal = bureau.registrar.register_terminal(bureau.agency, "kiosk")
    impostor = Session(bureau.http, terminal.actor, new_signer())
    assert {ask(impostor).json()["code"] for _ in range(61)} == {"actor_unknown"}
    assert ask(terminal).status_code == 201


def test_a_ticket_without_its_session_key_is_useless(bureau: Bureau) -> None:
    phone = bureau.phone()
    phone.code()
    thief = Session(bureau.http, phone.actor, phone.signer)
    thief._ticket, thief._key = phone._ticket, bytes(32)
    with refused("signature_wrong", 401):
        thief.call("GET", "/v1/me/card")


SIGNED = Call("POST", "/v1/me/uses/00000000-0000-0000-0000-000000000000/dispute", "a=1", b"{}", "key-1")


@pytest.mark.parametrize(
    "sent",
    [
        SIGNED._replace(path="/v1/me/uses/00000000-0000-0000-0000-000000000001/dispute"),
        SIGNED._replace(query="a=2"),
        SIGNED._replace(body=b"{} "),
        SIGNED._replace(idempotency_key="key-2"),
        SIGNED._replace(idempotency_key=None),
        SIGNED._replace(body=b""),
    ],
)
def test_a_mac_covers_every_part_of_the_call(bureau: Bureau, sent: Call) -> None:
    phone = bureau.phone()
    headers = phone.sign(SIGNED)
    assert deliver(bureau, SIGNED, headers)["code"] == "not_found"
    assert deliver(bureau, sent, headers)["code"] == "signature_wrong"


def test_a_mac_covers_the_method(bureau: Bureau) -> None:
    phone = bureau.phone()
    headers = phone.sign(Call("GET", "/v1/me/relatives", "", b""))
    sent = Call("DELETE", f"/v1/me/relatives/{new_id()}", "", b"")
    assert deliver(bureau, sent, headers)["code"] == "signature_wrong"


def deliver(bureau: Bureau, sent: Call, headers: dict[str, str]) -> dict[str, str]:
    """Send a call under headers that were made for another one, perhaps; return the problem."""
    headers = {name: value for name, value in headers.items() if name != "Idempotency-Key"}
    if sent.idempotency_key is not None:
        headers["Idempotency-Key"] = sent.idempotency_key
    answer: dict[str, str] = bureau.http.request(
        sent.method, f"{sent.path}?{sent.query}", content=sent.body, headers=headers
    ).json()
    return answer


def test_a_body_changed_with_its_digest_is_refused(bureau: Bureau) -> None:
    phone = bureau.phone()
    headers = phone.sign(Call("POST", "/v1/me/codes", "", b'{"scene":"identity"}', "key-1"))
    changed = b'{"scene":"pay"}'
    headers |= {"Content-Digest": signatures.digest(changed), "Content-Type": "application/json"}
    answer = bureau.http.post("/v1/me/codes", content=changed, headers=headers)
    assert answer.json()["code"] == "signature_wrong"


def test_a_call_that_is_not_signed_is_refused(http: httpx.Client) -> None:
    answer = http.get("/v1/me/card")
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_missing")


@pytest.mark.parametrize("left_out", ["@query", "content-digest", "idempotency-key"])
def test_a_signature_that_leaves_a_part_out_is_refused(bureau: Bureau, left_out: str) -> None:
    phone = bureau.phone()
    headers = phone.sign(Call("POST", "/v1/me/codes", "", b'{"scene":"identity"}', "key-1"))
    headers["Signature-Input"] = headers["Signature-Input"].replace(f' "{left_out}"', "")
    answer = bureau.http.post("/v1/me/codes", content=b'{"scene":"identity"}', headers=headers)
    assert answer.json()["code"] == "signature_wrong"


def test_a_signed_header_given_twice_is_refused(bureau: Bureau) -> None:
    phone = bureau.phone()
    headers = [*phone.sign(Call("GET", "/v1/me/card", "", b"")).items(), ("Signature", "sig=:AAAA:")]
    assert bureau.http.get("/v1/me/card", headers=headers).json()["code"] == "signature_wrong"


def test_the_old_call_of_a_session_is_refused_later(bureau: Bureau) -> None:
    phone = bureau.phone()
    phone.code()
    phone.offset -= 45
    with refused("clock_skew", 401) as late:
        phone.call("GET", "/v1/me/card")
    assert late.value.problem["offset_seconds"] in range(-47, -43)


def test_an_altered_ticket_is_refused(bureau: Bureau) -> None:
    phone = bureau.phone()
    phone.code()
    raw = bytearray(unb64url(phone._ticket))
    raw[20] ^= 1
    for ticket in (
        b64url(bytes(raw)),
        phone._ticket[:-4],
        "x",
        base64.urlsafe_b64encode(bytes(32)).decode().strip("="),
    ):
        phone.renew(ticket)
        with refused("session_invalid", 401):
            phone.call("GET", "/v1/me/card")


def test_a_session_ends_at_its_time(bureau: Bureau, settings: Settings) -> None:
    terminal = bureau.terminal()
    tickets = Tickets(Vault(settings.master_key).derive("session ticket"))
    terminal.open()
    caller = tickets.open(terminal._ticket, time.time())
    assert isinstance(caller, TerminalCaller)
    assert caller.expires - time.time() == pytest.approx(12 * 3600, abs=5)
    ended = Terminal(bureau.http, terminal.actor, terminal.signer)
    ended._key = caller.key
    ended.renew(tickets.seal(msgspec.structs.replace(caller, expires=int(time.time()))))
    with refused("session_invalid", 401):
        ended.introspect("x")


def test_a_revoked_terminal_is_refused_in_its_session_and_gets_no_new_one(bureau: Bureau) -> None:
    terminal = bureau.registrar.register_terminal(bureau.agency, "counter")
    phone = bureau.phone()
    assertion = terminal.visit("A1-01", phone.code())["assertion"]
    bureau.security.revoke(terminal.actor)
    assert ask(terminal).json()["code"] == "actor_unknown"
    # The statement that records a visit looks for itself and does not wait for the feed of revocations.
    answer = send(terminal, "POST", "/v1/visits", visit_body("A1-01", phone.code()), key="after-revocation")
    assert (answer.status_code, answer.json()["code"]) == (401, "key_revoked")
    within(2, lambda: terminal.introspect(assertion), "key_revoked")


def test_a_revoked_operator_is_refused_within_two_seconds(bureau: Bureau) -> None:
    clerk = bureau.security.register_operator("clerk", "cards")
    clerk.register_holder(**new_person().facts)
    bureau.security.revoke(clerk.actor)
    within(2, lambda: clerk.register_holder(**new_person().facts), "key_revoked")


def test_a_phone_signs_only_for_itself(bureau: Bureau) -> None:
    one, other = bureau.phone(), bureau.phone()
    one.code()
    thief = Phone(bureau.http, other.issued, one.signer)
    with pytest.raises(Refused) as refusal:
        opened(ask(thief))
    assert refusal.value.code == "actor_unknown"
