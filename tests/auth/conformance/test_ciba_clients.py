"""FAPI-CIBA: who asks, and who polls, is the client that it proves to be, with its key."""

import time

import pytest

from ecard.client import Phone
from tests.auth.conformance.acts import identity, rs256, says, tokens
from tests.auth.conformance.modules import module
from tests.auth.conformance.test_ciba import begun, confirmed, poll, request, sent
from tests.auth.party import ASSERTION, CIBA, Party, fapi
from tests.bureau import Bureau

ID1 = "fapi-ciba-id1-"


@pytest.fixture(scope="module")
def sub(party: Party, phone: Phone) -> str:
    """The holder's pseudonym, known from an earlier login."""
    return str(identity(party, party.login(phone)["id_token"])["sub"])


@pytest.fixture(scope="module")
def other(bureau: Bureau) -> Party:
    """Another client of the same agency."""
    return fapi(bureau)


def by_rs256(party: Party) -> dict[str, str]:
    """Return a client's proof, signed with an algorithm that nobody is registered with."""
    name, now = party.client.client_id, int(time.time())
    claims = {"iss": name, "sub": name, "aud": party.issuer, "iat": now, "exp": now + 60, "jti": f"rs256 {now}"}
    return {"client_assertion_type": ASSERTION, "client_assertion": rs256(claims)}


@module(f"{ID1}ensure-without-client-assertion-in-backchannel-authorization-request")
def test_a_client_that_proves_nothing_asks_nobody(party: Party, sub: str) -> None:
    form = {"request": request(party, sub), "client_id": party.client.client_id}
    says(party.http.post("/oauth/ciba", data=form), "invalid_client", 401)


@module(f"{ID1}ensure-client-assertion-signature-algorithm-in-backchannel-authorization-request-is-RS256-fails")
def test_an_assertion_with_rs256_asks_nobody(party: Party, sub: str) -> None:
    says(sent(party, request(party, sub), **by_rs256(party)), "invalid_client", 401)


@module(f"{ID1}ensure-wrong-client-id-in-backchannel-authorization-request")
def test_a_client_asks_under_its_own_name_alone(party: Party, other: Party, sub: str) -> None:
    name = other.client.client_id
    forged = {"client_id": name, "client_assertion": party.assertion(iss=name, sub=name)}
    says(sent(party, request(party, sub, iss=name), **forged), "invalid_client", 401)


@module(f"{ID1}ensure-different-client-id-and-issuer-in-backchannel-authorization-request")
def test_a_request_signed_by_one_client_is_not_sent_by_another(party: Party, other: Party, sub: str) -> None:
    signed = request(party, sub)
    says(sent(other, signed), "invalid_request")
    form = {"request": signed, "client_id": other.client.client_id}
    says(party.http.post("/oauth/ciba", data=form), "invalid_client", 401)


@module(f"{ID1}ensure-client-assertion-with-iss-aud-to-token-endpoint-succeeds")
def test_a_poll_names_the_issuer_as_its_audience(party: Party, phone: Phone, sub: str) -> None:
    answer = begun(party, sub)
    confirmed(phone)
    assert tokens(poll(party, answer["auth_req_id"], client_assertion=party.assertion(aud=party.issuer)))["id_token"]


@module(f"{ID1}ensure-without-client-assertion-in-token-endpoint-request")
def test_a_poll_that_proves_no_client_is_refused(party: Party, phone: Phone, sub: str) -> None:
    answer = begun(party, sub)
    confirmed(phone)
    form = {"grant_type": CIBA, "auth_req_id": answer["auth_req_id"], "client_id": party.client.client_id}
    refused = party.http.post("/oauth/token", data=form, headers={"DPoP": party.proof("/oauth/token")})
    says(refused, "invalid_client", 401)
    says(poll(party, answer["auth_req_id"], **by_rs256(party)), "invalid_client", 401)
    assert tokens(poll(party, answer["auth_req_id"]))["id_token"]


@module(f"{ID1}ensure-client-assertion-signature-algorithm-in-token-endpoint-request-is-RS256-fails")
def test_a_poll_with_an_assertion_of_rs256_is_refused(party: Party) -> None:
    says(poll(party, "whatever", **by_rs256(party)), "invalid_client", 401)


@module(f"{ID1}ensure-wrong-client-id-in-token-endpoint-request")
def test_a_poll_under_another_clients_name_is_refused(party: Party, other: Party) -> None:
    says(poll(party, "whatever", client_id=other.client.client_id), "invalid_client", 401)


@module(f"{ID1}ensure-wrong-auth-req-id-in-token-endpoint-request")
def test_another_clients_request_is_not_polled_for(bureau: Bureau, party: Party, other: Party) -> None:
    phone = bureau.phone()
    answer = begun(party, str(identity(party, party.login(phone)["id_token"])["sub"]))
    confirmed(phone)
    says(poll(other, answer["auth_req_id"]), "invalid_grant")
    assert tokens(poll(party, answer["auth_req_id"]))["id_token"]


@module(f"{ID1}ensure-mtls-holder-of-key-required")
def test_a_poll_without_a_key_gets_no_token(bureau: Bureau, party: Party) -> None:
    phone = bureau.phone()
    answer = begun(party, str(identity(party, party.login(phone)["id_token"])["sub"]))
    confirmed(phone)
    form = {"grant_type": CIBA, "auth_req_id": answer["auth_req_id"], **party.authenticated()}
    assert says(party.http.post("/oauth/token", data=form), "invalid_request")["parameter"] == "DPoP"
