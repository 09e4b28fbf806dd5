"""FAPI 2.0 Message Signing: a pushed request that its client signed (RFC 9101) says who, for whom and until when."""

import time
from typing import Any

import httpx

from auth.requests.model import URN
from ecard.client import Phone
from ecard.client.actors import new_signer
from ecard.keys import Signer
from tests.auth.conformance.acts import approved, identity, link, page_of, rs256, says, tokens, unsigned
from tests.auth.conformance.modules import module, of_each
from tests.auth.party import Party, Pkce, Tab, jws, new_pkce

FINAL = "fapi2-security-profile-final-"


def claims_of(party: Party, pkce: Pkce, **changed: Any) -> dict[str, Any]:
    """Return the claims of a request object; `changed` replaces some, None leaves one out."""
    now = int(time.time())
    about = {"iss": party.client.client_id, "aud": party.issuer, "nbf": now, "exp": now + 300}
    claims: dict[str, Any] = {**party.asked(pkce), **about, **changed}
    return {name: value for name, value in claims.items() if value is not None}


def signed(party: Party, pkce: Pkce, *, signer: Signer | None = None, **changed: Any) -> str:
    """Return a request object, by the client's key unless another signs it."""
    signer = signer or party.client.signer
    assert signer is not None
    return jws(signer, {"typ": "oauth-authz-req+jwt"}, claims_of(party, pkce, **changed))


def pushed(party: Party, request: str, **beside: str) -> httpx.Response:
    """Return the answer to a pushed request object."""
    return party.post("/oauth/par", {"client_id": party.client.client_id, "request": request, **beside})


def finished(party: Party, phone: Phone, pkce: Pkce, made: httpx.Response, **beside: str) -> tuple[Any, Any]:
    """Go through with a pushed request; return what the client is told and the ID token's claims."""
    assert made.status_code == 201, made.text
    tab = Tab(party.bureau.base_url)
    answer = link(party, tab, made.json()["request_uri"], **beside)
    said = approved(party, phone, tab, page_of(answer))
    return said, identity(party, tokens(party.redeem(said["code"], pkce))["id_token"])


def now(away: int) -> int:
    """Return the Unix time so many seconds from now."""
    return int(time.time()) + away


@of_each(
    FINAL,
    "case",
    {
        "ensure-request-object-without-exp-fails": ("exp or nbf", lambda: {"exp": None}),
        "ensure-request-object-without-nbf-fails": ("exp or nbf", lambda: {"nbf": None}),
        "ensure-request-object-with-exp-over-60-fails": ("exp or nbf", lambda: {"exp": now(70 * 60)}),
        "ensure-request-object-with-nbf-over-60-fails": ("exp or nbf", lambda: {"nbf": now(-70 * 60)}),
        "ensure-expired-request-object-fails": ("exp or nbf", lambda: {"nbf": now(-600), "exp": now(-300)}),
        "ensure-request-object-with-bad-aud-fails": ("aud", lambda: {"aud": "https://other.example"}),
        "par-authorization-request-containing-request_uri": ("form", lambda: {"request_uri": URN + "random"}),
    },
)
def test_a_request_object_whose_claims_do_not_fit_is_refused(party: Party, case: tuple[str, Any]) -> None:
    reason, changed = case
    answer = pushed(party, signed(party, new_pkce(), **changed()))
    assert says(answer, "invalid_request_object")["reason"] == reason


@module(f"{FINAL}ensure-request-object-without-redirect-uri-fails")
def test_a_redirect_uri_beside_the_request_object_does_not_count(party: Party) -> None:
    pkce = new_pkce()
    beside = {"redirect_uri": party.asked(pkce)["redirect_uri"]}
    says(pushed(party, signed(party, pkce, redirect_uri=None), **beside), "invalid_request")


@module(f"{FINAL}ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted")
def test_a_request_object_may_begin_a_little_ahead_and_not_a_minute(party: Party, phone: Phone) -> None:
    pkce = new_pkce()
    said, _ = finished(party, phone, pkce, pushed(party, signed(party, pkce, nbf=now(8))))
    assert said["state"] == "s1"
    says(pushed(party, signed(party, pkce, nbf=now(65))), "invalid_request_object")


@module(f"{FINAL}ensure-request-object-with-multiple-aud-succeeds")
def test_the_issuer_may_be_one_of_several_audiences(party: Party, phone: Phone) -> None:
    pkce = new_pkce()
    made = pushed(party, signed(party, pkce, aud=["https://other.example", party.issuer]))
    assert finished(party, phone, pkce, made)[0]["code"]


@module(f"{FINAL}ensure-signed-request-object-with-RS256-fails")
def test_a_request_object_signed_with_rs256_is_refused(party: Party) -> None:
    claims = claims_of(party, new_pkce())
    says(pushed(party, rs256(claims, typ="oauth-authz-req+jwt")), "invalid_request_object")


@module(f"{FINAL}ensure-request-object-signature-algorithm-is-not-none")
def test_a_request_object_without_signature_is_refused(party: Party) -> None:
    says(pushed(party, unsigned(claims_of(party, new_pkce()))), "invalid_request_object")


@module(f"{FINAL}ensure-request-object-with-invalid-signature-fails")
def test_a_request_object_with_a_wrong_signature_is_refused(party: Party) -> None:
    one, two = (signed(party, new_pkce()) for _ in range(2))
    mixed = f"{one.rpartition('.')[0]}.{two.rpartition('.')[2]}"
    assert says(pushed(party, mixed), "invalid_request_object")["reason"] == "signature"


@module(f"{FINAL}ensure-matching-key-in-authorization-request")
def test_a_request_object_signed_by_another_key_is_refused(party: Party) -> None:
    answer = pushed(party, signed(party, new_pkce(), signer=new_signer()))
    assert says(answer, "invalid_request_object")["reason"] == "signature"


@of_each(
    FINAL,
    "name",
    {
        "ensure-different-state-inside-and-outside-request-object": "state",
        "ensure-different-nonce-inside-and-outside-request-object": "nonce",
    },
)
def test_what_the_client_signed_counts_wherever_something_else_stands(party: Party, phone: Phone, name: str) -> None:
    pkce = new_pkce()
    made = pushed(party, signed(party, pkce), **{name: "another"})
    said, claims = finished(party, phone, pkce, made, **{name: "a third"})
    assert (said["state"], claims["nonce"]) == ("s1", "n1")


@module(f"{FINAL}state-only-outside-request-object-not-used")
def test_a_state_that_was_not_signed_is_not_sent_back(party: Party, phone: Phone) -> None:
    pkce = new_pkce()
    made = pushed(party, signed(party, pkce, state=None))
    assert "state" not in finished(party, phone, pkce, made, state="outside")[0]
