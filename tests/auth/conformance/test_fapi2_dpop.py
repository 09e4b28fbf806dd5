"""FAPI 2.0 Security Profile: tokens are bound to a key by DPoP (RFC 9449), from the pushed request to the resource."""

import time
from typing import Any

import httpx
import jwt
import msgspec

from ecard.client import Phone
from ecard.client.actors import new_signer
from ecard.encoding import b64url
from ecard.keys import thumbprint, to_jwk
from tests.auth.conformance.acts import approved, link, page_of, says, tokens
from tests.auth.conformance.modules import module, of_each
from tests.auth.party import CALLBACK, Party, Tab, fapi, new_pkce
from tests.bureau import Bureau

FINAL = "fapi2-security-profile-final-"
USERINFO = "/oauth/userinfo"
MISSING = {"jti": "jti", "htm": "htm", "htu": "htu", "iat": "clock", "ath": "ath"}


def called(party: Party, token: str, *proofs: str, scheme: str = "DPoP") -> httpx.Response:
    """Return what userinfo answers to a token with these DPoP headers."""
    headers = [("Authorization", f"{scheme} {token}"), *(("DPoP", one) for one in proofs)]
    return party.http.get(USERINFO, headers=headers)


def proof(party: Party, token: str, **changed: Any) -> str:
    """Return a proof for userinfo."""
    return party.proof(USERINFO, method="GET", token=token, **changed)


def jkt(party: Party) -> str:
    """Return the thumbprint of the party's key."""
    assert party.dpop is not None
    return thumbprint(party.dpop.suite, party.dpop.public)


def through(party: Party, phone: Phone, **claims: Any) -> httpx.Response:
    """Log in with these claims in every proof; return userinfo's answer."""
    pkce = new_pkce()

    def sent(path: str, form: dict[str, str]) -> httpx.Response:
        return party.post(path, form, headers={"DPoP": party.proof(path, **claims)})

    tab, made = Tab(party.bureau.base_url), sent("/oauth/par", party.asked(pkce))
    assert made.status_code == 201, made.text
    code = approved(party, phone, tab, page_of(link(party, tab, made.json()["request_uri"])))["code"]
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": pkce.verifier}
    got = tokens(sent("/oauth/token", {**form, "redirect_uri": CALLBACK}))
    return called(party, got["access_token"], proof(party, got["access_token"], **claims))


@of_each(
    FINAL,
    "away",
    {
        "ensure-dpopproof-with-iat-10seconds-before-succeeds": -10,
        "ensure-dpopproof-with-iat-10seconds-after-succeeds": 10,
    },
)
def test_a_proof_may_be_ten_seconds_off_and_not_more_than_sixty(party: Party, phone: Phone, away: int) -> None:
    party.userinfo(party.login(phone)["access_token"])
    assert through(party, phone, iat=int(time.time()) + away).status_code == 200
    far = int(time.time()) + away // 10 * 62
    answer = party.post("/oauth/par", party.asked(new_pkce()), headers={"DPoP": party.proof("/oauth/par", iat=far)})
    assert says(answer, "invalid_dpop_proof")["reason"] == "clock"


@module(f"{FINAL}check-dpop-proof-nbf-exp")
def test_a_proof_may_say_from_when_and_until_when_it_is_good(party: Party, phone: Phone) -> None:
    token, now = party.login(phone)["access_token"], int(time.time())
    party.userinfo(token)
    assert called(party, token, proof(party, token, nbf=now, exp=now + 300)).status_code == 200
    wrongs: list[dict[str, Any]] = [{"exp": now - 61}, {"nbf": now + 65}, {"exp": "soon"}]
    for wrong in wrongs:
        says(called(party, token, proof(party, token, **wrong)), "invalid_dpop_proof", 401)


@module(f"{FINAL}dpop-negative-tests")
def test_a_proof_with_anything_wrong_opens_nothing(party: Party, phone: Phone) -> None:
    token, now, other = party.login(phone)["access_token"], int(time.time()), new_signer()
    assert party.userinfo(token).status_code == 200
    assert party.dpop is not None
    jwk = to_jwk(party.dpop.suite, party.dpop.public)
    right = proof(party, token)
    head, body, _ = right.split(".")
    claims = jwt.decode(right, options={"verify_signature": False})
    wrong_claims: list[tuple[str, dict[str, Any]]] = [
        *((reason, {name: None}) for name, reason in MISSING.items()),
        ("htm", {"htm": "PUT"}),
        ("htu", {"htu": party.issuer + "/oauth/token"}),
        ("ath", {"ath": b64url(b"x" * 32)}),
        *(("clock", {"iat": iat}) for iat in (now - 62, now + 62, "now")),
    ]
    wrong_headers: list[tuple[str, dict[str, Any]]] = [
        *(("type", {"typ": typ}) for typ in (None, "JWT")),
        ("form", {"jwk": None}),
        ("key", {"jwk": {**jwk, "d": jwk["x"]}}),
        ("signature", {"jwk": to_jwk(other.suite, other.public)}),
        *(("key", {"alg": alg}) for alg in ("none", "HS256", "RS256", None)),
    ]
    unsigned = f"{b64url(msgspec.json.encode({'typ': 'dpop+jwt', 'alg': 'none', 'jwk': jwk}))}.{body}."
    named = {"typ": "dpop+jwt", "jwk": jwk}
    by_secret = jwt.encode(claims, "a secret of thirty-two letters..", algorithm="HS256", headers=named)
    bad = [
        ("form", "not a JWT"),
        ("signature", f"{head}.{body}."),
        ("signature", f"{head}.{body}.{proof(party, token).rpartition('.')[2]}"),
        ("key", unsigned),
        ("key", by_secret),
        ("key", proof(party, token, signer=other)),
        *((reason, proof(party, token, **one)) for reason, one in wrong_claims),
        *((reason, proof(party, token, header=one)) for reason, one in wrong_headers),
    ]
    found = [says(called(party, token, one), "invalid_dpop_proof", 401)["reason"] for _, one in bad]
    assert found == [reason for reason, _ in bad]
    says(called(party, token, proof(party, token), proof(party, token)), "invalid_request")
    assert called(party, token).status_code == 401
    assert called(party, token, proof(party, token), scheme="Bearer").status_code == 401
    assert called(party, token, scheme="Bearer").status_code == 401
    with_query = proof(party, token, htu=f"{party.issuer}{USERINFO}?a=b#c")
    assert called(party, token, with_query).status_code == 200
    says(called(party, token, with_query), "invalid_dpop_proof", 401)
    says(called(party, token, proof(party, token, nonce="made up")), "use_dpop_nonce", 401)


@module(f"{FINAL}access-token-type-header-case-sensitivity")
def test_the_name_of_the_scheme_is_read_in_any_case(party: Party, phone: Phone) -> None:
    token = party.login(phone)["access_token"]
    party.userinfo(token)
    for scheme in ("dpop", "dPOp", "DPOP"):
        assert called(party, token, proof(party, token), scheme=scheme).status_code == 200


@module(f"{FINAL}ensure-dpopproof-at-par-endpoint-binding-success")
def test_the_key_that_pushed_the_request_redeems_its_code(party: Party, phone: Phone) -> None:
    assert party.login(phone)["token_type"] == "DPoP"


@module(f"{FINAL}ensure-dpop-auth-code-binding-success")
def test_the_key_that_the_request_named_redeems_its_code(party: Party, phone: Phone) -> None:
    assert party.login(phone, dpop_jkt=jkt(party))["token_type"] == "DPoP"


@module(f"{FINAL}ensure-mismatched-dpop-jkt-fails")
def test_a_request_that_names_another_key_than_its_proof_is_refused(bureau: Bureau, party: Party) -> None:
    answer = party.post("/oauth/par", party.asked(new_pkce(), dpop_jkt=jkt(fapi(bureau))))
    assert says(answer, "invalid_dpop_proof")["reason"] == "key"


@module(f"{FINAL}ensure-token-endpoint-fails-with-mismatched-dpop-jkt")
def test_a_code_is_bound_to_the_key_that_its_request_named(bureau: Bureau, phone: Phone) -> None:
    party, named = fapi(bureau), fapi(bureau)
    key, party.dpop = party.dpop, None
    pkce = new_pkce()
    code = party.code(phone, pkce, dpop_jkt=jkt(named))
    party.dpop = key
    says(party.redeem(code, pkce), "invalid_grant")
    party.dpop = named.dpop
    assert tokens(party.redeem(code, pkce))["token_type"] == "DPoP"


@module(f"{FINAL}ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt")
def test_a_code_is_bound_to_the_key_that_pushed_its_request(bureau: Bureau, phone: Phone) -> None:
    party, pkce = fapi(bureau), new_pkce()
    code, key = party.code(phone, pkce), party.dpop
    party.dpop = new_signer()
    says(party.redeem(code, pkce), "invalid_grant")
    party.dpop = key
    assert tokens(party.redeem(code, pkce))["token_type"] == "DPoP"


@module(f"{FINAL}ensure-holder-of-key-required")
def test_no_token_is_issued_to_a_client_that_proves_no_key(bureau: Bureau, phone: Phone) -> None:
    party, pkce = fapi(bureau), new_pkce()
    party.dpop = None
    code = party.code(phone, pkce)
    assert says(party.redeem(code, pkce), "invalid_request")["parameter"] == "DPoP"
