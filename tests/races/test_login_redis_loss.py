"""Redis emptied, then killed, while people log in: guarded steps are refused, and nothing is accepted twice."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
import redis

from ecard.client import Phone, Refused
from tests.auth.acts import at_once, begin_device, introspect, poll, prepared, redemption, tally, told
from tests.auth.party import DEVICE, Party, Pkce, Tab, fapi, new_pkce, query
from tests.bureau import Bureau
from tests.races.server import Server, open_bureau, open_directory

ISSUER = "https://ecard.example"
MANY = 16
REFUSED = (400, "invalid_grant")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with open_directory() as place:
        made = Server(place, given={"ECARD_ISSUER": ISSUER})
        try:
            yield made
        finally:
            made.stop()
        assert "Traceback" not in made.said(), made.said()


@pytest.fixture(scope="module")
def bureau(server: Server) -> Iterator[Bureau]:
    made = open_bureau(server)
    yield made
    made.http.close()


@pytest.fixture(scope="module")
def party(bureau: Bureau) -> Party:
    return fapi(bureau)


@pytest.fixture(scope="module")
def phone(bureau: Bureau) -> Phone:
    return bureau.phone()


class Code(NamedTuple):
    """An authorization code and its verifier."""

    text: str
    pkce: Pkce

    @property
    def form(self) -> dict[str, str]:
        return redemption(self.text, self.pkce.verifier)


def confirmed(party: Party, phone: Phone) -> Code:
    pkce = new_pkce()
    return Code(party.code(phone, pkce), pkce)


def raced(party: Party, form: dict[str, str]) -> Counter[tuple[int, str]]:
    """Return how often a form was answered in which way, sent at once over connections of their own."""
    acts, url = [], f"{party.bureau.base_url}/oauth/token"
    for _ in range(MANY):
        body, headers = {**party.authenticated(), **form}, {"DPoP": party.proof("/oauth/token")}
        acts.append(lambda body=body, headers=headers: httpx.post(url, data=body, headers=headers, timeout=30))
    return tally(at_once(acts))


ONE_WINS = {(200, ""): 1, REFUSED: MANY - 1}


def test_a_redis_emptied_between_lets_no_code_no_proof_and_no_refresh_token_in_twice(
    server: Server, party: Party, phone: Phone
) -> None:
    codes = [confirmed(party, phone) for _ in range(3)]
    tokens = party.login(phone)
    assertion = party.assertion()
    with redis.Redis.from_url(server.redis_url()) as store:
        store.flushall()
        assert told(introspect(party, assertion)) == (200, "")
        store.flushall()
        assert told(introspect(party, assertion)) == (401, "invalid_client")
        for code in codes:
            assert raced(party, code.form) == ONE_WINS
            store.flushall()
            assert told(party.redeem(code.text, code.pkce)) == REFUSED
        once = party.refresh(tokens["refresh_token"])
        store.flushall()
        assert party.refresh(tokens["refresh_token"]).content == once.content


class Before(NamedTuple):
    """What was there when Redis died."""

    used: Code
    unused: Code
    tokens: dict[str, Any]
    used_assertion: str
    used_proof: str
    used_request: str
    request: str
    device: dict[str, Any]
    scanned: tuple[Tab, str, str]


@pytest.fixture(scope="module")
def before(server: Server, party: Party, phone: Phone) -> Before:
    """Everything begun, then Redis killed."""
    used, unused = confirmed(party, phone), confirmed(party, phone)
    tokens = party.redeem(used.text, used.pkce).json()
    assertion, proof = party.assertion(), party.proof("/oauth/par")
    assert introspect(party, assertion).status_code == 200
    party.http.post("/oauth/par", data=party.authenticated(), headers={"DPoP": proof})
    used_request, request = party.push(new_pkce()), party.push(new_pkce())
    link = {"client_id": party.client.client_id, "request_uri": used_request}
    assert Tab(party.bureau.base_url).get("/oauth/authorize", **link).status_code == 303
    device = begin_device(party)
    tab, page = party.begin(new_pkce())
    login = phone.call("POST", "/v1/logins/scan", {"qr": tab.status(page)["qr"]}).json()["id"]
    _, valkey = server.stores()
    assert "valkey" in valkey.name()
    valkey.kill()
    return Before(used, unused, tokens, assertion, proof, used_request, request, device, (tab, page, login))


def test_a_code_redeemed_before_is_refused_and_one_that_was_not_is_redeemed_once(party: Party, before: Before) -> None:
    assert told(party.redeem(before.used.text, before.used.pkce)) == REFUSED
    assert raced(party, before.unused.form) == ONE_WINS
    assert told(party.redeem(before.unused.text, before.unused.pkce)) == REFUSED


def test_an_assertion_and_a_proof_used_before_are_refused_and_new_ones_are_accepted_once(
    party: Party, before: Before
) -> None:
    assert told(introspect(party, before.used_assertion)) == (401, "invalid_client")
    answer = party.http.post("/oauth/par", data=party.authenticated(), headers={"DPoP": before.used_proof})
    assert told(answer) == (400, "invalid_dpop_proof")
    assertion = party.assertion()
    answers = at_once([lambda: introspect(party, assertion)] * 8)
    assert tally(answers) == {(200, ""): 1, (401, "invalid_client"): 7}


def test_a_request_uri_used_before_is_refused_and_the_other_opens_one_page(party: Party, before: Before) -> None:
    tab = Tab(party.bureau.base_url)
    for uri, status in ((before.used_request, 400), (before.request, 303), (before.request, 400)):
        answer = tab.get("/oauth/authorize", client_id=party.client.client_id, request_uri=uri)
        assert answer.status_code == status


def test_a_refresh_is_rotated_once_and_repeated_with_the_same_bytes(party: Party, before: Before) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": before.tokens["refresh_token"]}
    answers = at_once([prepared(party, "/oauth/token", form) for _ in range(MANY)])
    assert tally(answers) == {(200, ""): MANY}
    assert len({answer.content for answer in answers}) == 1
    assert party.userinfo(answers[0].json()["access_token"]).status_code == 200


def test_scanning_and_typing_a_code_are_refused_at_once_rather_than_let_through(phone: Phone, before: Before) -> None:
    for shown in (before.device["qr"], before.device["user_code"]):
        started = time.monotonic()
        with pytest.raises(Refused) as refused:
            phone.call("POST", "/v1/logins/scan", {"qr": shown})
        assert (refused.value.status, refused.value.code) == (503, "unavailable")
        assert refused.value.headers["content-type"] == "application/problem+json"
        assert int(refused.value.headers["Retry-After"]) > 0
        assert time.monotonic() - started < 2


def test_asking_a_known_holder_is_refused_at_once_with_the_specifications_code(party: Party, before: Before) -> None:
    sub = party.userinfo(before.tokens["access_token"]).json()["sub"]
    answer = party.post("/oauth/ciba", {"scope": "openid", "login_hint": sub})
    assert told(answer) == (503, "temporarily_unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_login_already_scanned_is_confirmed_and_its_code_redeemed_once(phone: Phone, before: Before) -> None:
    tab, page, login = before.scanned
    assert tab.status(page)["state"] == "scanned"
    phone.call("POST", f"/v1/logins/{login}/confirm", {"number": tab.status(page)["number"]})
    assert "code" in query(tab.get(f"{page}/done").headers["location"])
    assert query(tab.get(f"{page}/done").headers["location"])["error"] == "access_denied"


def test_a_device_goes_on_waiting_and_its_code_stays_its_own(party: Party, bureau: Bureau, before: Before) -> None:
    assert told(poll(party, before.device["device_code"])) == (400, "authorization_pending")
    assert told(poll(fapi(bureau), before.device["device_code"])) == REFUSED
    form = {"grant_type": DEVICE, "device_code": before.device["device_code"]}
    assert raced(party, form) == {(400, "slow_down"): MANY}


def test_a_card_reported_lost_without_redis_ends_its_tokens_within_two_seconds(
    party: Party, phone: Phone, before: Before
) -> None:
    assert party.active(before.tokens["access_token"])
    phone.report_lost()
    deadline = time.monotonic() + 2
    while party.active(before.tokens["access_token"]):
        assert time.monotonic() < deadline
