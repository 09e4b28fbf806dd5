"""Client assertions and DPoP proofs are accepted once, within their time, and by nobody's clock but the server's."""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from auth.replay import mark
from ecard.clock import SteppedClock
from ecard.settings import Settings
from tests.auth.acts import at_once, introspect, tally, told
from tests.auth.party import ASSERTION, Party, fapi
from tests.bureau import Bureau, rows
from tests.conftest import first_operators, serving

EIGHT = 8
CLIENT_REFUSED = (401, "invalid_client")
PROOF_REFUSED = (400, "invalid_dpop_proof")


class Stepped(NamedTuple):
    """A bureau on a server whose clock stands until it is moved."""

    bureau: Bureau
    clock: SteppedClock


@pytest.fixture(scope="module")
def stepped_bureau(settings: Settings) -> Iterator[Stepped]:
    clock = SteppedClock(float(int(time.time())))
    with serving(settings, clock=clock) as url:
        bureau = Bureau(url, first_operators(settings))
        yield Stepped(bureau, clock)
        bureau.http.close()


@pytest.fixture
def stepped(stepped_bureau: Stepped) -> Stepped:
    """The same with its clock back at now, to the second."""
    stepped_bureau.clock.at = float(int(time.time()))
    return stepped_bureau


def pushed(party: Party, proof: str, **claims: object) -> tuple[int, str]:
    """Return what comes of a request pushed with a fresh assertion (`claims` changed) and this proof."""
    form = {"client_assertion_type": ASSERTION, "client_assertion": party.assertion(**claims)}
    answer = party.http.post("/oauth/par", data=form, headers={"DPoP": proof})
    code = told(answer)
    # The form holds no request: whoever is let in hears that, and not that the proof is bad.
    return (200, "") if code == (400, "invalid_request") and "dpop" not in answer.json()["code"] else code


def with_nonce(party: Party) -> Party:
    """Return the party when it has learnt the server's nonce."""
    assert party.post("/oauth/par", {}).status_code == 400
    return party


def test_of_eight_uses_of_one_assertion_one_is_accepted(bureau: Bureau) -> None:
    party = fapi(bureau)
    assertion = party.assertion()
    answers = at_once([lambda: introspect(party, assertion)] * EIGHT)
    assert tally(answers) == {(200, ""): 1, CLIENT_REFUSED: EIGHT - 1}


def test_of_eight_uses_of_one_proof_at_a_resource_one_is_accepted(bureau: Bureau) -> None:
    party = fapi(bureau)
    token = party.login(bureau.phone())["access_token"]
    proof = party.proof("/oauth/userinfo", method="GET", token=token)
    sent = {"Authorization": f"DPoP {token}", "DPoP": proof}
    answers = at_once([lambda: party.http.get("/oauth/userinfo", headers=sent)] * EIGHT)
    assert tally(answers) == {(200, ""): 1, (401, "invalid_dpop_proof"): EIGHT - 1}


def test_of_eight_requests_with_one_proof_and_their_own_assertions_one_is_accepted(bureau: Bureau) -> None:
    party = with_nonce(fapi(bureau))
    proof = party.proof("/oauth/token")
    form = {"grant_type": "client_credentials"}
    bodies = [{**party.authenticated(), **form} for _ in range(EIGHT)]
    acts = [lambda body=body: party.http.post("/oauth/token", data=body, headers={"DPoP": proof}) for body in bodies]
    assert tally(at_once(acts)) == {(200, ""): 1, PROOF_REFUSED: EIGHT - 1}


def test_a_client_is_told_which_of_its_two_proofs_came_again(bureau: Bureau) -> None:
    party = with_nonce(fapi(bureau))
    assertion, proof = party.assertion(), party.proof("/oauth/token")

    def sent(assertion: str, proof: str) -> httpx.Response:
        form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": assertion}
        return party.http.post("/oauth/token", data=form, headers={"DPoP": proof})

    assert told(sent(assertion, proof)) == (200, "")
    again = sent(party.assertion(), proof)
    assert (told(again), again.json()["reason"]) == (PROOF_REFUSED, "jti")
    assert told(sent(assertion, party.proof("/oauth/token"))) == CLIENT_REFUSED
    assert told(sent(assertion, proof)) == CLIENT_REFUSED


def test_one_name_means_another_thing_in_each_use_of_each_issuer() -> None:
    assert mark("dpop", "ab", "c", 0).key != mark("dpop", "a", "bc", 0).key
    assert mark("dpop", "ab", "c", 0).key != mark("dpopa", "b", "c", 0).key
    assert mark("assertion", "a", "b", 0).key != mark("dpop", "a", "b", 0).key
    assert mark("dpop", "a", "b", 1).key == mark("dpop", "a", "b", 2).key


def test_two_clients_may_choose_the_same_jti_and_so_may_an_assertion_and_a_proof(bureau: Bureau) -> None:
    one, other = with_nonce(fapi(bureau)), with_nonce(fapi(bureau))
    jti = f"same-{time.time_ns()}"
    for party in (one, other):
        assert pushed(party, party.proof("/oauth/par", jti=jti), jti=jti) == (200, "")
        assert pushed(party, party.proof("/oauth/par"), jti=jti) == CLIENT_REFUSED
        assert pushed(party, party.proof("/oauth/par", jti=jti)) == PROOF_REFUSED


@pytest.mark.parametrize(
    ("claims", "good"),
    [
        ({"exp": 1}, True),
        ({"exp": 0}, False),
        ({"exp": 310}, True),
        ({"exp": 311}, False),
        ({"iat": 10}, True),
        ({"iat": 11}, False),
        ({"nbf": 10}, True),
        ({"nbf": 11}, False),
        ({"nbf": 61}, False),
        ({"iat": -3000}, True),
    ],
)
def test_an_assertion_is_good_to_the_second_of_its_times(
    stepped: Stepped, claims: dict[str, int], *, good: bool
) -> None:
    party = fapi(stepped.bureau)
    now = int(stepped.clock.at)
    times = {"iat": now, "exp": now + 60} | {name: now + seconds for name, seconds in claims.items()}
    assert told(introspect(party, party.assertion(**times))) == ((200, "") if good else CLIENT_REFUSED)


@pytest.mark.parametrize("missing", ["iss", "sub", "aud", "exp", "jti"])
def test_an_assertion_that_leaves_something_out_is_refused(bureau: Bureau, missing: str) -> None:
    party = fapi(bureau)
    assert told(introspect(party, party.assertion(**{missing: None}))) == CLIENT_REFUSED


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", ["soon", True, [], 10**400, -(10**400), float("nan"), float("inf")])
def test_a_time_that_is_no_time_is_never_a_fault(bureau: Bureau, claim: str, value: object) -> None:
    made: dict[str, Any] = {claim: value}
    party = with_nonce(fapi(bureau))
    assert introspect(party, party.assertion(**made)).status_code in {200, 401}
    answer = party.post("/oauth/par", {}, headers={"DPoP": party.proof("/oauth/par", **made)})
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize(
    ("seconds", "good"), [(-10, True), (10, True), (-60, True), (60, True), (-61, False), (61, False)]
)
def test_a_proof_made_ten_seconds_off_is_good_and_one_more_than_sixty_off_is_refused(
    stepped: Stepped, seconds: int, *, good: bool
) -> None:
    party = with_nonce(fapi(stepped.bureau))
    proof = party.proof("/oauth/par", iat=int(stepped.clock.at) + seconds)
    assert pushed(party, proof) == ((200, "") if good else PROOF_REFUSED)


def test_a_clock_that_is_wrong_is_told_the_servers_time(stepped: Stepped) -> None:
    party = with_nonce(fapi(stepped.bureau))
    proof = party.proof("/oauth/par", iat=int(stepped.clock.at) - 3600)
    answer = party.post("/oauth/par", {}, headers={"DPoP": proof}).json()
    assert (answer["reason"], answer["server_time"]) == ("clock", int(stepped.clock.at))


def test_an_assertion_is_remembered_until_its_own_time_refuses_it(stepped: Stepped) -> None:
    party, began = fapi(stepped.bureau), stepped.clock.at
    assertion = party.assertion(iat=int(began), exp=int(began) + 300)
    assert told(introspect(party, assertion)) == (200, "")
    for seconds in (0, 299, 300, 301):
        stepped.clock.at = began + seconds
        assert told(introspect(party, assertion)) == CLIENT_REFUSED


def test_a_proof_is_remembered_until_its_own_time_refuses_it(stepped: Stepped) -> None:
    party, began = with_nonce(fapi(stepped.bureau)), stepped.clock.at
    proof = party.proof("/oauth/par", iat=int(began) + 60)
    assert pushed(party, proof) == (200, "")
    for seconds in (0, 119, 120, 121):
        stepped.clock.at = began + seconds
        now = int(stepped.clock.at)
        assert pushed(party, proof, iat=now, exp=now + 60)[1] in {"invalid_client", "invalid_dpop_proof"}


@pytest.mark.parametrize(
    ("make", "life"),
    [
        (lambda party, at: introspect(party, party.assertion(exp=at + 200)), 200),
        (lambda party, at: party.post("/oauth/par", {}, headers={"DPoP": party.proof("/oauth/par", iat=at)}), 60),
    ],
    ids=["assertion", "proof"],
)
def test_what_is_remembered_lasts_longer_than_what_it_refuses(
    bureau: Bureau, settings: Settings, make: Callable[[Party, int], object], life: int
) -> None:
    party = with_nonce(fapi(bureau))
    known = [row["key"] for row in rows(settings, "SELECT key FROM used_jti")]
    at = int(time.time())
    make(party, at)
    sql = "SELECT extract(epoch FROM max(expires_at))::float8 AS last FROM used_jti WHERE key <> ALL($1::bytea[])"
    assert rows(settings, sql, known)[0]["last"] >= at + life


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"htm": "GET"}, "htm"),
        ({"htm": None}, "htm"),
        ({"htu": "https://ecard.example/oauth/token"}, "htu"),
        ({"htu": "https://elsewhere.example/oauth/par"}, "htu"),
        ({"htu": None}, "htu"),
        ({"jti": None}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": 7}, "jti"),
        ({"jti": "x" * 129}, "jti"),
        ({"iat": None}, "clock"),
        ({"exp": 1}, "clock"),
        ({"nbf": 9999999999}, "clock"),
    ],
)
def test_a_proof_for_another_request_is_refused_with_the_reason(
    bureau: Bureau, changed: dict[str, Any], reason: str
) -> None:
    party = with_nonce(fapi(bureau))
    answer = party.post("/oauth/par", {}, headers={"DPoP": party.proof("/oauth/par", **changed)})
    assert (*told(answer), answer.json()["reason"]) == (*PROOF_REFUSED, reason)


@pytest.mark.parametrize("nonce", [None, "", "made-up", 7, "中", ["a"]])
def test_a_proof_without_the_servers_nonce_is_told_the_nonce_and_is_not_used_up(bureau: Bureau, nonce: object) -> None:
    party = with_nonce(fapi(bureau))
    proof = party.proof("/oauth/par", nonce=nonce)
    for _ in range(2):
        form = party.authenticated()
        answer = party.http.post("/oauth/par", data=form, headers={"DPoP": proof})
        assert told(answer) == (400, "use_dpop_nonce")
        assert answer.headers["DPoP-Nonce"]


def test_a_nonce_is_good_for_two_windows_and_then_no_more(stepped: Stepped) -> None:
    party = fapi(stepped.bureau)
    stepped.clock.at -= stepped.clock.at % 120
    began = int(stepped.clock.at)
    form = {"client_assertion_type": ASSERTION, "client_assertion": party.assertion(iat=began, exp=began + 60)}
    answer = party.http.post("/oauth/par", data=form, headers={"DPoP": party.proof("/oauth/par", iat=began)})
    nonce = answer.headers["DPoP-Nonce"]
    for seconds, good in ((119, True), (239, True), (240, False)):
        stepped.clock.at = began + seconds
        now = int(stepped.clock.at)
        came = pushed(party, party.proof("/oauth/par", iat=now, nonce=nonce), iat=now, exp=now + 60)
        assert came == ((200, "") if good else (400, "use_dpop_nonce"))


def test_two_proofs_in_one_request_are_refused(bureau: Bureau) -> None:
    party = with_nonce(fapi(bureau))
    headers = [("DPoP", party.proof("/oauth/par")), ("DPoP", party.proof("/oauth/par"))]
    answer = party.http.post("/oauth/par", data=party.authenticated(), headers=headers)
    assert told(answer) == (400, "invalid_request")
    assert answer.json()["parameter"] == "DPoP"


def test_a_bound_token_is_worth_nothing_as_a_bearer_or_with_another_key(bureau: Bureau) -> None:
    party, thief = fapi(bureau), fapi(bureau)
    token = party.login(bureau.phone())["access_token"]
    assert told(party.http.get("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"}))[0] == 401
    assert told(party.http.get("/oauth/userinfo", headers={"Authorization": f"DPoP {token}"}))[0] == 401
    assert told(thief.userinfo(token)) == (401, "invalid_dpop_proof")
    assert party.userinfo(token).status_code == 200


def test_a_proof_for_another_token_is_refused(bureau: Bureau) -> None:
    party, phone = fapi(bureau), bureau.phone()
    token, other = party.login(phone)["access_token"], party.login(phone)["access_token"]
    sent = {"Authorization": f"DPoP {token}", "DPoP": party.proof("/oauth/userinfo", method="GET", token=other)}
    answer = party.http.get("/oauth/userinfo", headers=sent)
    assert (told(answer), answer.json()["reason"]) == ((401, "invalid_dpop_proof"), "ath")
