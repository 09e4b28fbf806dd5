"""FAPI-CIBA in poll mode: a known holder's phone is asked, by a request that the client signed."""

import time
from typing import Any

import httpx
import pytest

from auth.secrets import hashed
from ecard.client import Phone
from ecard.client.actors import new_signer
from ecard.settings import Settings
from tests.auth.conformance.acts import identity, rs256, says, tokens, unsigned
from tests.auth.conformance.modules import module, of_each
from tests.auth.party import CIBA, Party, fapi, jws
from tests.bureau import Bureau, rows

ID1 = "fapi-ciba-id1-"


@pytest.fixture(scope="module")
def sub(party: Party, phone: Phone) -> str:
    """The holder's pseudonym, known from an earlier login."""
    return str(identity(party, party.login(phone)["id_token"])["sub"])


@pytest.fixture
def asked(bureau: Bureau, party: Party) -> tuple[Phone, str]:
    """A holder who was not asked before, and the pseudonym: one holder is asked only so often."""
    phone = bureau.phone()
    return phone, str(identity(party, party.login(phone)["id_token"])["sub"])


def claims_of(party: Party, sub: str, **changed: Any) -> dict[str, Any]:
    """Return the claims of a signed request; `changed` replaces some, None leaves one out."""
    now = int(time.time())
    about = {"iss": party.client.client_id, "aud": party.issuer, "iat": now, "nbf": now, "exp": now + 300}
    claims = {**about, "jti": f"{sub} {time.time_ns()}", "scope": "openid", "login_hint": sub, **changed}
    return {name: value for name, value in claims.items() if value is not None}


def request(party: Party, sub: str, **changed: Any) -> str:
    """Return a request signed by the client."""
    assert party.client.signer is not None
    return jws(party.client.signer, {}, claims_of(party, sub, **changed))


def sent(party: Party, signed: str, **beside: str) -> httpx.Response:
    """Return the backchannel endpoint's answer to a signed request."""
    return party.post("/oauth/ciba", {"request": signed, **beside})


def poll(party: Party, auth_req_id: str, **beside: str) -> httpx.Response:
    """Return the token endpoint's answer to a poll."""
    return party.post("/oauth/token", {"grant_type": CIBA, "auth_req_id": auth_req_id, **beside})


def begun(party: Party, sub: str, **changed: Any) -> dict[str, Any]:
    """Return the answer to a good request."""
    answer = sent(party, request(party, sub, **changed))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def confirmed(phone: Phone) -> dict[str, Any]:
    """Let the holder confirm what waits; return what the phone showed."""
    shown: dict[str, Any] = phone.call("GET", "/v1/me/logins").json()[0]
    phone.call("POST", f"/v1/logins/{shown['id']}/confirm", {})
    return shown


def at(away: int) -> int:
    """Return the Unix time so many seconds from now."""
    return int(time.time()) + away


@module(f"{ID1}discovery-end-point-verification")
def test_discovery_says_how_a_holder_is_asked(party: Party) -> None:
    found = party.http.get("/.well-known/openid-configuration").json()
    assert found["backchannel_authentication_endpoint"] == f"{party.issuer}/oauth/ciba"
    assert found["backchannel_token_delivery_modes_supported"] == ["poll"]
    assert "ES256" in found["backchannel_authentication_request_signing_alg_values_supported"]
    assert CIBA in found["grant_types_supported"]


@module("fapi-ciba-id1")
def test_a_holder_who_confirms_is_logged_in_once_at_the_client_that_asked(
    party: Party, asked: tuple[Phone, str]
) -> None:
    phone, sub = asked
    answer = begun(party, sub)
    assert set(answer) == {"auth_req_id", "expires_in", "interval"}
    confirmed(phone)
    got = tokens(poll(party, answer["auth_req_id"]))
    assert (got["token_type"], identity(party, got["id_token"])["sub"]) == ("DPoP", sub)
    assert party.userinfo(got["access_token"]).json()["sub"] == sub
    says(poll(party, answer["auth_req_id"]), "invalid_grant")
    again = request(party, sub)
    assert sent(party, again).status_code == 200
    assert says(sent(party, again), "invalid_request")["reason"] == "jti"


@of_each(
    f"{ID1}ensure-request-object-",
    "wrong",
    {
        **{f"missing-{name}-fails": {name: None} for name in ("aud", "exp", "iat", "iss", "jti", "nbf")},
        "bad-aud-fails": {"aud": "https://other.example"},
        "bad-iss-fails": {"iss": "00000000-0000-7000-8000-000000000000"},
        "expired-exp-fails": {"exp": -300},
        "exp-is-70-minutes-in-future-fails": {"exp": 70 * 60},
        "nbf-is-10-minutes-in-future-fails": {"nbf": 10 * 60},
        "nbf-is-70-minutes-in-past-fails": {"nbf": -70 * 60},
    },
)
def test_a_signed_request_whose_claims_do_not_fit_asks_nobody(
    party: Party, phone: Phone, sub: str, wrong: dict[str, Any]
) -> None:
    changed = {name: at(value) if isinstance(value, int) else value for name, value in wrong.items()}
    assert says(sent(party, request(party, sub, **changed)), "invalid_request")["parameter"] == "request"
    assert phone.call("GET", "/v1/me/logins").json() == []


@of_each(
    f"{ID1}ensure-request-object-",
    "forge",
    {
        "signature-algorithm-is-RS256-fails": rs256,
        "signature-algorithm-is-none-fails": unsigned,
        "signed-by-other-client-fails": lambda claims: jws(new_signer(), {}, claims),
        "signature-algorithm-is-bad-fails": lambda claims: jws(new_signer(), {"alg": "ES256X"}, claims),
    },
)
def test_a_request_that_the_client_did_not_sign_asks_nobody(party: Party, phone: Phone, sub: str, forge: Any) -> None:
    says(sent(party, forge(claims_of(party, sub))), "invalid_request")
    assert phone.call("GET", "/v1/me/logins").json() == []


@module(f"{ID1}ensure-authorization-request-with-multiple-hints-fails")
def test_a_request_with_two_hints_asks_nobody(party: Party, phone: Phone, sub: str) -> None:
    says(sent(party, request(party, sub, id_token_hint=party.login(phone)["id_token"])), "invalid_request")
    says(sent(party, request(party, sub, login_hint=None)), "invalid_request")
    says(sent(party, request(party, sub, login_hint=None), login_hint=sub), "invalid_request")


@module(f"{ID1}ensure-authorization-request-with-binding-message-succeeds")
def test_the_phone_shows_the_binding_message(party: Party, asked: tuple[Phone, str]) -> None:
    phone, sub = asked
    answer = begun(party, sub, binding_message="1234")
    assert confirmed(phone)["binding_message"] == "1234"
    assert tokens(poll(party, answer["auth_req_id"]))["id_token"]


@module(f"{ID1}ensure-authorization-request-with-potentially-bad-binding-message")
def test_a_message_that_a_phone_cannot_show_is_refused(party: Party, sub: str) -> None:
    for message in ("1234 \U0001f44d\U0001f3ff 品川 " + "x" * 100, "line\nfeed", "\u202e4321", "a\x00b"):
        says(sent(party, request(party, sub, binding_message=message)), "invalid_binding_message")


@of_each(
    ID1,
    "added",
    {
        "ensure-requested-expiry-as-string-succeeds": {"requested_expiry": "30"},
        "ensure-other-scope-order-succeeds": {"scope": "ecard_item:A1-94 openid", "requested_expiry": 30},
    },
)
def test_a_request_may_be_written_in_other_ways(party: Party, asked: tuple[Phone, str], added: dict[str, Any]) -> None:
    phone, sub = asked
    answer = begun(party, sub, **added)
    assert answer["expires_in"] == 30
    confirmed(phone)
    assert set(tokens(poll(party, answer["auth_req_id"]))["scope"].split()) >= {"openid"}


@module(f"{ID1}auth-req-id-expired")
def test_a_poll_after_the_time_that_was_asked_for_is_told_so(
    party: Party, asked: tuple[Phone, str], settings: Settings
) -> None:
    phone, sub = asked
    answer = begun(party, sub, requested_expiry=10)
    sql = "UPDATE login SET ends_at = ends_at - interval '10 seconds' WHERE poll = $1"
    rows(settings, sql, hashed(answer["auth_req_id"]))
    says(poll(party, answer["auth_req_id"]), "expired_token")
    assert phone.call("GET", "/v1/me/logins").json() == []


@module(f"{ID1}user-rejects-authentication")
def test_a_holder_who_declines_is_told_to_the_client(party: Party, asked: tuple[Phone, str]) -> None:
    phone, sub = asked
    answer = begun(party, sub)
    login = phone.call("GET", "/v1/me/logins").json()[0]["id"]
    phone.call("POST", f"/v1/logins/{login}/decline")
    says(poll(party, answer["auth_req_id"]), "access_denied")


@module(f"{ID1}multiple-call-to-token-endpoint")
def test_a_client_that_polls_too_fast_is_told_to_slow_down(party: Party, asked: tuple[Phone, str]) -> None:
    answer = begun(party, asked[1])
    says(poll(party, answer["auth_req_id"]), "authorization_pending")
    assert says(poll(party, answer["auth_req_id"]), "slow_down")["interval"] == answer["interval"] + 5


@module(f"{ID1}refresh-token")
def test_a_refresh_token_of_a_backchannel_login_is_its_clients_alone(
    bureau: Bureau, party: Party, asked: tuple[Phone, str]
) -> None:
    phone, sub = asked
    answer = begun(party, sub)
    confirmed(phone)
    first = tokens(poll(party, answer["auth_req_id"]))
    says(fapi(bureau).refresh(first["refresh_token"]), "invalid_grant")
    second = tokens(party.refresh(first["refresh_token"]))
    assert identity(party, second["id_token"])["sub"] == sub
