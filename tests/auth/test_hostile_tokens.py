"""Tokens that no library makes: what is in them is refused or harmless, and never a fault."""

import json
from typing import Any

import pytest

from ecard.encoding import b64url
from ecard.keys import Signer
from tests.auth.acts import introspect, parts, request_object, signed_with, told
from tests.auth.party import fapi
from tests.bureau import Bureau


@pytest.mark.parametrize("where", ["header", "claims"])
@pytest.mark.parametrize("text", ["[" * 9_000, '{"a":' * 5_000, "7", '"x"', "null", '{"alg":NaN}', "\xff", ""])
def test_what_is_no_json_object_is_no_token_of_any_kind(bureau: Bureau, where: str, text: str) -> None:
    party = fapi(bureau)
    good = party.assertion().split(".")
    bad = b64url(text.encode("latin-1"))
    token = ".".join([bad, *good[1:]] if where == "header" else [good[0], bad, good[2]])
    assert told(introspect(party, token)) == (401, "invalid_client")
    assert told(introspect(party, token, client_id=party.client.client_id)) == (401, "invalid_client")
    assert told(party.post("/oauth/par", {}, headers={"DPoP": token})) == (400, "invalid_dpop_proof")
    assert told(party.post("/oauth/par", {"request": token})) == (400, "invalid_request_object")
    assert told(party.http.get("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"}))[0] == 401
    assert not party.active(token)
    logout = bureau.http.get("/oauth/logout", params={"id_token_hint": token})
    assert (logout.status_code, logout.headers["location"]) == (303, "/login/out")


@pytest.mark.parametrize("claims", ["[" * 9_000, '{"a":' * 5_000, '{"jti":"\\ud800"', '{"nonce":"\\ud800"'])
def test_whatever_a_right_signature_covers_is_never_a_fault(bureau: Bureau, claims: str) -> None:
    party = fapi(bureau)
    assert party.client.signer is not None
    assert party.dpop is not None

    def signed(signer: Signer, honest: str) -> str:
        header = parts(honest)[0]
        rest = b64url(json.dumps(header).encode())
        body = claims
        if claims.startswith(('{"jti', '{"nonce')):
            kept = {name: value for name, value in parts(honest)[1].items() if f'"{name}"' not in claims}
            body = claims + "," + json.dumps(kept)[1:]
        text = f"{rest}.{b64url(body.encode())}"
        return f"{text}.{b64url(signer.sign(text.encode()))}"

    named = {"client_id": party.client.client_id}
    party.post("/oauth/par", {})
    answer = introspect(party, signed(party.client.signer, party.assertion()), **named)
    assert answer.status_code in {200, 401}
    answer = party.post("/oauth/par", {}, headers={"DPoP": signed(party.dpop, party.proof("/oauth/par"))})
    assert answer.status_code == 400
    honest = signed_with(party.client.signer.sign, *request_object(party))
    assert party.post("/oauth/par", {"request": signed(party.client.signer, honest)}).status_code in {201, 400}


@pytest.mark.parametrize("name", ["state", "nonce", "dpop_jkt", "ui_locales"])
@pytest.mark.parametrize("value", ["a\u0000b", "a\nb", '"\\ud800"'])
def test_characters_that_no_parameter_has_are_refused_in_a_request_object_too(
    bureau: Bureau, name: str, value: str
) -> None:
    party = fapi(bureau)
    assert party.client.signer is not None
    header, claims = request_object(party)
    body = json.dumps({**claims, name: "MARK"}).replace('"MARK"', value if value[0] == '"' else json.dumps(value))
    text = f"{b64url(json.dumps(header).encode())}.{b64url(body.encode())}"
    signed = f"{text}.{b64url(party.client.signer.sign(text.encode()))}"
    assert told(party.post("/oauth/par", {"request": signed})) == (400, "invalid_request_object")


@pytest.mark.parametrize("changed", [{"nbf": -(10**400)}, {"exp": 10**400}, {"exp": 10**400, "nbf": 0.5}])
def test_times_beyond_all_clocks_are_refused_in_a_request_object(bureau: Bureau, changed: dict[str, Any]) -> None:
    party = fapi(bureau)
    assert party.client.signer is not None
    signed = signed_with(party.client.signer.sign, *request_object(party, **changed))
    assert told(party.post("/oauth/par", {"request": signed})) == (400, "invalid_request_object")
