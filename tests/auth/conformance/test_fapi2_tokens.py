"""FAPI 2.0 Security Profile: at the token endpoint a code is its client's, once, with its verifier."""

import time

from ecard.client import Phone
from ecard.settings import Settings
from tests.auth.conformance.acts import age_code, dies, identity, says, tokens
from tests.auth.conformance.modules import module
from tests.auth.party import CALLBACK, Party, Pkce, fapi, new_pkce
from tests.bureau import Bureau

FINAL = "fapi2-security-profile-final-"


def form(code: str, pkce: Pkce) -> dict[str, str]:
    """Return what a client sends to redeem a code, without proofs."""
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": pkce.verifier,
    }


@module(f"{FINAL}attempt-reuse-authorization-code-after-one-second")
def test_a_code_is_refused_a_second_later_and_kills_nothing_unless_another_key_brings_it(
    bureau: Bureau, party: Party, phone: Phone
) -> None:
    pkce = new_pkce()
    code = party.code(phone, pkce)
    first = tokens(party.redeem(code, pkce))
    time.sleep(1)
    says(party.redeem(code, pkce), "invalid_grant")
    # The same client with the same key: an answer was lost on the way, so what was won stays.
    assert party.userinfo(first["access_token"]).status_code == 200
    says(fapi(bureau).redeem(code, pkce), "invalid_grant")
    dies(party, first["access_token"])


@module(f"{FINAL}ensure-token-endpoint-fails-with-expired-auth-code")
def test_a_code_is_refused_after_its_minute(party: Party, phone: Phone, settings: Settings) -> None:
    pkce = new_pkce()
    code = party.code(phone, pkce)
    age_code(settings, code, "expires_at", 60)
    says(party.redeem(code, pkce), "invalid_grant")


@module(f"{FINAL}ensure-authorization-code-is-bound-to-client")
def test_another_clients_code_is_refused_and_not_used_up(bureau: Bureau, party: Party, phone: Phone) -> None:
    pkce, thief = new_pkce(), fapi(bureau)
    code = party.code(phone, pkce)
    thief.dpop = party.dpop
    says(thief.redeem(code, pkce), "invalid_grant")
    assert tokens(party.redeem(code, pkce))["access_token"]


@module(f"{FINAL}ensure-pkce-code-verifier-required")
def test_a_code_without_its_verifier_is_refused(party: Party, phone: Phone) -> None:
    pkce = new_pkce()
    code = party.code(phone, pkce)
    sent = {name: value for name, value in form(code, pkce).items() if name != "code_verifier"}
    says(party.post("/oauth/token", sent), "invalid_grant")
    assert tokens(party.redeem(code, pkce))["access_token"]


@module(f"{FINAL}incorrect-pkce-code-verifier-rejected")
def test_a_code_with_another_verifier_is_refused(party: Party, phone: Phone) -> None:
    pkce = new_pkce()
    code = party.code(phone, pkce)
    says(party.redeem(code, new_pkce()), "invalid_grant")
    assert tokens(party.redeem(code, pkce))["access_token"]


@module(f"{FINAL}ensure-client-assertion-in-token-endpoint")
def test_a_client_that_only_names_itself_is_refused(party: Party, phone: Phone) -> None:
    pkce = new_pkce()
    sent = {**form(party.code(phone, pkce), pkce), "client_id": party.client.client_id}
    answer = party.http.post("/oauth/token", data=sent, headers={"DPoP": party.proof("/oauth/token")})
    says(answer, "invalid_client", 401)


@module(f"{FINAL}ensure-client-id-in-token-endpoint")
def test_a_client_id_that_is_not_the_assertions_is_refused(bureau: Bureau, party: Party, phone: Phone) -> None:
    pkce, other = new_pkce(), fapi(bureau).client.client_id
    code = party.code(phone, pkce)
    says(party.post("/oauth/token", {**form(code, pkce), "client_id": other}), "invalid_client", 401)
    forged = {"client_id": other, "client_assertion": party.assertion(iss=other, sub=other)}
    says(party.post("/oauth/token", {**form(code, pkce), **forged}), "invalid_client", 401)
    assert tokens(party.redeem(code, pkce))["access_token"]


@module(f"{FINAL}refresh-token")
def test_a_refresh_token_needs_its_client_its_proof_and_a_key(bureau: Bureau, party: Party, phone: Phone) -> None:
    first = party.login(phone)
    says(fapi(bureau).refresh(first["refresh_token"]), "invalid_grant")
    bare = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    nobody = {**bare, "client_id": party.client.client_id}
    proof = {"DPoP": party.proof("/oauth/token")}
    says(party.http.post("/oauth/token", data=nobody, headers=proof), "invalid_client", 401)
    says(party.http.post("/oauth/token", data={**bare, **party.authenticated()}), "invalid_request")
    second = tokens(party.refresh(first["refresh_token"]))
    assert second["token_type"] == "DPoP"
    assert identity(party, second["id_token"])["sub"] == identity(party, first["id_token"])["sub"]
    assert party.userinfo(second["access_token"]).status_code == 200
