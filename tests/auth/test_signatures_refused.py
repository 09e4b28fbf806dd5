"""Algorithm confusion, made-up keys and tokens of one kind taken for another: refused wherever a signature is read."""

import hmac
import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ecard.client.actors import new_signer
from ecard.encoding import b64url
from ecard.keys import Suite, to_jwk
from tests.auth.acts import hearing, introspect, parts, request_object, signed_with, told
from tests.auth.party import ITEM, Party, fapi
from tests.bureau import Bureau, refused

Forge = Callable[[bytes, dict[str, Any], dict[str, Any]], str]
"""How to make a token of a public key (its point), a header and claims."""
STRANGER = new_signer()


def hs256(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda text: hmac.digest(secret, text, "sha256")


def _loaded(point: bytes) -> EllipticCurvePublicKey:
    return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)


def _pem(point: bytes) -> bytes:
    return _loaded(point).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _der(point: bytes) -> bytes:
    return _loaded(point).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _jwk(point: bytes) -> bytes:
    return json.dumps(to_jwk(Suite.ES256, point)).encode()


def _confused(secret: Callable[[bytes], bytes]) -> Forge:
    return lambda point, header, claims: signed_with(hs256(secret(point)), {**header, "alg": "HS256"}, claims)


def _unsigned(alg: str) -> Forge:
    return lambda _, header, claims: signed_with(lambda _: b"", {**header, "alg": alg}, claims)


def _strangers(**changed: Any) -> Forge:
    """Return a forge with a key of its own, which the header says in one way or another."""
    return lambda _, header, claims: signed_with(STRANGER.sign, {**header, **changed}, claims)


OWN = to_jwk(STRANGER.suite, STRANGER.public)
FORGES: dict[str, Forge] = {
    "none": _unsigned("none"),
    "None": _unsigned("None"),
    "no alg": lambda _, header, claims: signed_with(lambda _: b"", {"kid": header.get("kid", "")}, claims),
    "alg of a list": lambda _, header, claims: signed_with(lambda _: b"", {**header, "alg": ["ES256"]}, claims),
    "ES256 without a signature": _unsigned("ES256"),
    "ES256 of zeros": lambda _, header, claims: signed_with(lambda _: bytes(64), header, claims),
    "HS256 with the PEM": _confused(_pem),
    "HS256 with the DER": _confused(_der),
    "HS256 with the JWK": _confused(_jwk),
    "HS256 with the point": _confused(lambda point: point),
    "HS256 with nothing": _confused(lambda _: b""),
    "a stranger's key": _strangers(),
    "a stranger's key in jwk": _strangers(jwk=OWN),
    "a stranger's algorithm": _strangers(alg="EdDSA"),
    "kid of a path": _strangers(kid="../../../../dev/null"),
    "kid of SQL": _strangers(kid="' UNION SELECT 'x' --"),
    "kid of a list": _strangers(kid=["a"]),
    "kid empty": _strangers(kid=""),
    "kid null": _strangers(kid=None),
    "x5c": _strangers(x5c=["MIIB"]),
    "crit": _strangers(crit=["exp"]),
    "b64 false": _strangers(b64=False, crit=["b64"]),
    "zip": _strangers(zip="DEF"),
}


def server_key(bureau: Bureau, kid: str) -> bytes:
    """Return the point of one of the server's keys."""
    jwk = next(key for key in bureau.http.get("/oauth/jwks").json()["keys"] if key["kid"] == kid)
    raw = b"".join(urlsafe_b64decode(jwk[name] + "==") for name in ("x", "y"))
    return b"\x04" + raw


def inactive(party: Party, token: str) -> bool:
    """Say whether a token is taken neither at introspection nor at userinfo, and its code is the specification's."""
    return not party.active(token) and told(party.userinfo(token)) == (401, "invalid_token")


@pytest.mark.parametrize("forge", FORGES.values(), ids=FORGES)
def test_no_forged_access_token_is_taken(bureau: Bureau, forge: Forge) -> None:
    party = fapi(bureau)
    header, claims = parts(party.login(bureau.phone())["access_token"])
    assert inactive(party, forge(server_key(bureau, header["kid"]), header, {**claims, "acr": "l2-biometric"}))


@pytest.mark.parametrize("forge", FORGES.values(), ids=FORGES)
def test_no_forged_assertion_proves_a_client(bureau: Bureau, forge: Forge) -> None:
    party = fapi(bureau)
    assert party.client.signer is not None
    header, claims = parts(party.assertion())
    answer = introspect(party, forge(party.client.signer.public, header, claims))
    assert told(answer) == (401, "invalid_client")


@pytest.mark.parametrize("forge", FORGES.values(), ids=FORGES)
def test_no_forged_proof_is_taken_for_the_key_that_it_shows(bureau: Bureau, forge: Forge) -> None:
    party = fapi(bureau)
    assert party.dpop is not None
    header, claims = parts(party.proof("/oauth/par"))
    if forge is FORGES["a stranger's key in jwk"]:
        return  # that is an honest proof of the stranger's own key
    answer = party.post("/oauth/par", {}, headers={"DPoP": forge(party.dpop.public, header, claims)})
    assert told(answer) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize(
    "jwk",
    [
        None,
        "a key",
        [],
        {},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {**OWN, "d": "AAAA"},
        {**OWN, "crv": "P-384"},
        {**OWN, "x": "AAAA"},
        {**OWN, "x": b64url(bytes(32)), "y": b64url(bytes(32))},
        {**OWN, "x": 7},
        {**OWN, "x": "\ud800"},
    ],
)
def test_a_proof_whose_key_is_none_or_private_is_refused(bureau: Bureau, jwk: object) -> None:
    party = fapi(bureau)
    header, claims = parts(party.proof("/oauth/par"))
    text = ".".join(b64url(json.dumps(part).encode()) for part in ({**header, "jwk": jwk}, claims))
    proof = f"{text}.{b64url(STRANGER.sign(text.encode()))}"
    answer = party.post("/oauth/par", {}, headers={"DPoP": proof})
    assert told(answer) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize("forge", FORGES.values(), ids=FORGES)
def test_no_forged_request_object_is_read(bureau: Bureau, forge: Forge) -> None:
    party = fapi(bureau)
    assert party.client.signer is not None
    answer = party.post("/oauth/par", {"request": forge(party.client.signer.public, *request_object(party))})
    assert told(answer) == (400, "invalid_request_object")


def test_an_honest_request_object_is_read_and_what_stands_beside_it_does_not_count(bureau: Bureau) -> None:
    party = fapi(bureau)
    assert party.client.signer is not None
    signed = signed_with(party.client.signer.sign, *request_object(party))
    assert party.post("/oauth/par", {"request": signed, "scope": "nonsense", "state": "other"}).status_code == 201


def test_nobody_is_called_for_a_key_that_a_header_names(bureau: Bureau) -> None:
    party = fapi(bureau)
    assert party.client.signer is not None
    with hearing() as heard:
        named = {"jku": f"{heard.url}/jku", "x5u": f"{heard.url}/x5u", "jwk": OWN}
        header, claims = parts(party.assertion())
        assert introspect(party, signed_with(party.client.signer.sign, {**header, **named}, claims)).status_code == 200
        header, claims = parts(party.assertion())
        assert introspect(party, signed_with(STRANGER.sign, {**header, **named}, claims)).status_code == 401
        header, claims = parts(party.login(bureau.phone())["access_token"])
        assert inactive(party, signed_with(STRANGER.sign, {**header, **named}, claims))
        assert heard.requests == []


def test_no_token_is_taken_for_one_of_another_kind(bureau: Bureau) -> None:
    party, phone = fapi(bureau), bureau.phone()
    tokens = party.login(phone)
    visit = bureau.terminal().visit("A1-01", phone.code())["assertion"]
    others = [tokens["id_token"], tokens["refresh_token"], party.assertion(), party.proof("/oauth/par"), visit]
    assert all(inactive(party, token) for token in others)
    for token in (tokens["access_token"], tokens["id_token"], visit):
        assert told(introspect(party, token)) == (401, "invalid_client")
        assert told(introspect(party, token, client_id=party.client.client_id)) == (401, "invalid_client")
        assert told(party.post("/oauth/par", {}, headers={"DPoP": token})) == (400, "invalid_dpop_proof")
        assert told(party.post("/oauth/par", {"request": token})) == (400, "invalid_request_object")
        assert told(party.refresh(token)) == (400, "invalid_grant")
    with refused("assertion_refused"):
        bureau.terminal().introspect(tokens["access_token"])


def test_one_clients_proof_is_not_anothers(bureau: Bureau) -> None:
    party, other = fapi(bureau), fapi(bureau)
    assert told(introspect(party, party.assertion(), client_id=other.client.client_id)) == (401, "invalid_client")
    mixed = party.assertion(iss=other.client.client_id, sub=other.client.client_id)
    assert told(introspect(party, mixed)) == (401, "invalid_client")
    assert told(introspect(party, party.assertion(iss=other.client.client_id))) == (401, "invalid_client")


@pytest.mark.parametrize(
    "aud", [[], ["https://elsewhere.example"], "https://ecard.example/", None, {}, "TOKEN", "LIST"]
)
def test_an_assertion_of_a_fapi_client_is_for_the_issuer_as_a_string_alone(bureau: Bureau, aud: object) -> None:
    party = fapi(bureau)
    said = {"TOKEN": f"{party.issuer}/oauth/token", "LIST": [party.issuer]}.get(str(aud), aud)
    assert told(introspect(party, party.assertion(aud=said))) == (401, "invalid_client")


def test_a_token_speaks_of_the_item_that_its_holder_allowed_and_not_of_another(bureau: Bureau) -> None:
    party = fapi(bureau)
    token = party.login(bureau.phone())["access_token"]
    header, claims = parts(token)
    claims["authorization_details"][0]["item"] = "A2-01"
    middle = b64url(json.dumps(claims).encode())
    first, _, last = token.split(".")
    assert inactive(party, f"{first}.{middle}.{last}")
    assert header["typ"] == "at+jwt"
    assert party.userinfo(token).json()["authorization_details"][0]["item"] == ITEM
