"""FAPI 2.0 Security Profile: requests pushed ahead, how a client proves itself, and what comes back."""

import time
from typing import Any

from auth.requests.model import URN
from auth.secrets import hashed
from ecard.client import Phone
from ecard.settings import Settings
from tests.auth.conformance.acts import (
    approved,
    front,
    identity,
    link,
    page_of,
    rs256,
    says,
    stays_here,
    tokens,
    told,
)
from tests.auth.conformance.modules import module, of_each
from tests.auth.party import CALLBACK, ITEM, Party, Tab, fapi, new_pkce
from tests.bureau import Bureau, rows

FINAL = "fapi2-security-profile-final-"


def pushed(party: Party, *, without: str | None = None, **changed: str) -> Any:
    """Return the answer to a pushed request, `without` one of its parameters."""
    asked = {name: value for name, value in party.asked(new_pkce(), **changed).items() if name != without}
    return party.post("/oauth/par", asked)


@module(f"{FINAL}discovery-end-point-verification")
def test_discovery_says_what_a_fapi_client_needs(party: Party) -> None:
    found = party.http.get("/.well-known/openid-configuration").json()
    assert found["pushed_authorization_request_endpoint"] == f"{party.issuer}/oauth/par"
    assert (found["code_challenge_methods_supported"], found["response_types_supported"]) == (["S256"], ["code"])
    assert found["authorization_response_iss_parameter_supported"] is True
    assert "private_key_jwt" in found["token_endpoint_auth_methods_supported"]
    for name in ("dpop", "token_endpoint_auth", "request_object", "id_token"):
        assert "ES256" in found[f"{name}_signing_alg_values_supported"]
        assert not {"RS256", "none", "HS256"} & set(found[f"{name}_signing_alg_values_supported"])


@module(f"{FINAL}happy-flow")
def test_two_clients_log_a_holder_in_and_neither_key_serves_the_others_token(bureau: Bureau, phone: Phone) -> None:
    one, two = fapi(bureau), fapi(bureau)
    first, second = one.login(phone), two.login(phone)
    for party, got in ((one, first), (two, second)):
        assert got["token_type"] == "DPoP"
        assert identity(party, got["id_token"])["sub"] == party.userinfo(got["access_token"]).json()["sub"]
    says(two.userinfo(first["access_token"]), "invalid_dpop_proof", 401)


@module(f"{FINAL}par-without-duplicate-parameters")
def test_client_id_and_request_uri_are_all_that_the_browser_brings(party: Party, phone: Phone) -> None:
    pkce, tab = new_pkce(), Tab(party.bureau.base_url)
    said = approved(party, phone, tab, page_of(link(party, tab, party.push(pkce))))
    assert set(said) == {"code", "state", "iss"}
    assert tokens(party.redeem(said["code"], pkce))["id_token"]


@module(f"{FINAL}par-attempt-reuse-request_uri")
def test_a_request_uri_is_used_once(party: Party) -> None:
    uri, tab = party.push(new_pkce()), Tab(party.bureau.base_url)
    page_of(link(party, tab, uri))
    stays_here(link(party, Tab(party.bureau.base_url), uri))


@module(f"{FINAL}par-attempt-to-use-expired-request_uri")
def test_a_request_uri_is_refused_after_its_time(party: Party, settings: Settings) -> None:
    answer = pushed(party).json()
    sql = "UPDATE pushed_request SET expires_at = expires_at - make_interval(secs => $2) WHERE handle = $1"
    rows(settings, sql, hashed(answer["request_uri"].removeprefix(URN)), answer["expires_in"])
    stays_here(link(party, Tab(party.bureau.base_url), answer["request_uri"]))


@module(f"{FINAL}par-attempt-to-use-request_uri-for-different-client")
def test_a_request_uri_is_its_own_clients_alone(bureau: Bureau, party: Party) -> None:
    uri = party.push(new_pkce())
    stays_here(link(fapi(bureau), Tab(bureau.base_url), uri))
    page_of(link(party, Tab(bureau.base_url), uri))


@module(f"{FINAL}par-authorization-request-containing-request_uri-form-param")
def test_a_request_uri_is_not_pushed(party: Party) -> None:
    assert says(pushed(party, request_uri=URN + "random"), "invalid_request")["parameter"] == "request_uri"


@module(f"{FINAL}par-attempt-invalid-http-method")
def test_requests_are_posted_and_not_put(party: Party) -> None:
    answer = party.http.put("/oauth/par", data={**party.asked(new_pkce()), **party.authenticated()})
    assert answer.status_code == 405
    assert "POST" in answer.headers["allow"]


@module(f"{FINAL}ensure-unsigned-authorization-request-without-using-par-fails")
def test_a_request_that_was_not_pushed_is_told_back(party: Party) -> None:
    assert told(front(party, Tab(party.bureau.base_url), new_pkce()))["error"] == "invalid_request"


@of_each(
    FINAL,
    "wrong",
    {
        "par-ensure-pkce-required": ("code_challenge", None, "invalid_request"),
        "par-plain-pkce-rejected": ("code_challenge_method", "plain", "invalid_request"),
        "ensure-redirect-uri-in-authorization-request": ("redirect_uri", None, "invalid_request"),
        "ensure-registered-redirect-uri": ("redirect_uri", "https://client.example/other", "invalid_request"),
        "plain-fapi-tolerate-unregistered-redirect-uri": ("redirect_uri", f"{CALLBACK}/deeper", "invalid_request"),
        "ensure-response-type-code-idtoken-fails": ("response_type", "code id_token", "unsupported_response_type"),
        "ensure-response-type-token-fails": ("response_type", "token", "unsupported_response_type"),
    },
)
def test_what_the_profile_rules_out_is_refused_when_it_is_pushed(
    party: Party, wrong: tuple[str, str | None, str]
) -> None:
    name, value, error = wrong
    says(pushed(party, without=name) if value is None else pushed(party, **{name: value}), error)
    if name == "code_challenge":
        says(pushed(party, without="code_challenge_method"), error)


@of_each(
    FINAL,
    "claims",
    {
        "par-test-array-as-audience-fails": lambda party: {"aud": [party.issuer, "https://other.example"]},
        "par-test-token-endpoint-url-as-audience-fails": lambda party: {"aud": f"{party.issuer}/oauth/token"},
        "par-test-par-endpoint-url-as-audience-fails": lambda party: {"aud": f"{party.issuer}/oauth/par"},
        "ensure-client-assertion-with-wrong-aud-fails": lambda _: {"aud": "https://other.example"},
        "ensure-client-assertion-with-no-sub-fails": lambda _: {"sub": None},
        "ensure-client-assertion-with-exp-is-5-minutes-in-past-fails": lambda _: {"exp": int(time.time()) - 300},
        "par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails": lambda _: {
            "nbf": int(time.time()) + 65
        },
    },
)
def test_an_assertion_that_does_not_fit_proves_nobody(party: Party, claims: Any) -> None:
    says(pushed(party, client_assertion=party.assertion(**claims(party))), "invalid_client", 401)


@module(f"{FINAL}par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted")
def test_a_clients_clock_may_be_a_little_ahead(party: Party) -> None:
    ahead = int(time.time()) + 8
    assert pushed(party, client_assertion=party.assertion(nbf=ahead, iat=ahead)).status_code == 201


@module(f"{FINAL}ensure-signed-client-assertion-with-RS256-fails")
def test_an_assertion_signed_with_rs256_proves_nobody(party: Party) -> None:
    name, now = party.client.client_id, int(time.time())
    claims = {"iss": name, "sub": name, "aud": party.issuer, "iat": now, "exp": now + 60, "jti": "rs256"}
    says(pushed(party, client_assertion=rs256(claims)), "invalid_client", 401)


@module(f"{FINAL}ensure-other-scope-order-succeeds")
def test_scopes_come_in_any_order(party: Party, phone: Phone) -> None:
    assert set(party.login(phone, scope=f"ecard_item:{ITEM} openid")["scope"].split()) == {
        "openid",
        f"ecard_item:{ITEM}",
    }


@of_each(
    FINAL,
    "changed",
    {
        "ensure-authorization-request-with-64-char-nonce-success": {"nonce": "n" * 64},
        "ensure-authorization-request-with-long-nonce": {"nonce": "n" * 384},
        "ensure-authorization-request-with-long-state": {"state": "s" * 384},
    },
)
def test_a_long_nonce_or_state_comes_back_whole(party: Party, phone: Phone, changed: dict[str, str]) -> None:
    pkce, tab = new_pkce(), Tab(party.bureau.base_url)
    said = approved(party, phone, tab, page_of(link(party, tab, party.push(pkce, **changed))))
    claims = identity(party, tokens(party.redeem(said["code"], pkce))["id_token"])
    assert {"state": said["state"], "nonce": claims["nonce"]} == {"state": "s1", "nonce": "n1", **changed}


@of_each(
    FINAL,
    "left_out",
    {
        "ensure-authorization-request-without-nonce-success": "nonce",
        "ensure-authorization-request-without-state-success": "state",
    },
)
def test_a_nonce_or_state_that_was_not_sent_does_not_come_back(party: Party, phone: Phone, left_out: str) -> None:
    pkce, tab = new_pkce(), Tab(party.bureau.base_url)
    asked = {name: value for name, value in party.asked(pkce).items() if name != left_out}
    uri = party.post("/oauth/par", asked).json()["request_uri"]
    said = approved(party, phone, tab, page_of(link(party, tab, uri)))
    claims = identity(party, tokens(party.redeem(said["code"], pkce))["id_token"])
    assert (said.get("state"), claims.get("nonce")) == (("s1", None) if left_out == "nonce" else (None, "n1"))


@module(f"{FINAL}user-rejects-authentication")
def test_a_holder_who_declines_is_told_to_the_client(party: Party, phone: Phone) -> None:
    tab, page = party.begin(new_pkce())
    login = phone.call("POST", "/v1/logins/scan", {"qr": tab.status(page)["qr"]}).json()["id"]
    phone.call("POST", f"/v1/logins/{login}/decline")
    said = told(tab.get(f"{page}/done"))
    assert (said["error"], said["state"], said["iss"]) == ("access_denied", "s1", party.issuer)
    tab, page = party.begin(new_pkce())
    assert tab.send("POST", f"{page}/cancel").status_code == 303
    assert told(tab.get(f"{page}/done"))["error"] == "access_denied"
