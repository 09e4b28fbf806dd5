"""OpenID Connect: the code flow, its tokens and keys, and userinfo, as the basic and config plans ask for them."""

import time
from base64 import b64encode
from hashlib import sha256

import jwt
import pytest

from auth.clients import directory
from ecard.client import Phone
from ecard.client.actors import new_signer
from ecard.encoding import b64url
from ecard.keys import thumbprint
from ecard.settings import Settings
from tests.auth.clients.test_directory import KeyServer
from tests.auth.clients.test_directory import keys as key_server
from tests.auth.conformance.acts import age_code, approved, dies, identity, link, log_in, page_of, says, tokens
from tests.auth.conformance.modules import module
from tests.auth.party import ASSERTION, CALLBACK, ITEM, Party, Tab, jws, new_pkce, standard
from tests.bureau import Bureau, ecard

keys = key_server


@module("oidcc-discovery-endpoint-verification")
def test_discovery_names_endpoints_and_algorithms_that_there_are(site: Party) -> None:
    found = site.http.get("/.well-known/openid-configuration").json()
    assert found["issuer"] == site.issuer
    assert found == site.http.get("/.well-known/oauth-authorization-server").json()
    endpoints = [value for name, value in found.items() if name.endswith("_endpoint") or name == "jwks_uri"]
    assert len(endpoints) == 10
    for url in endpoints:
        path = url.removeprefix(site.issuer)
        assert path.startswith("/")
        assert site.http.get(path).status_code != 404, url
    assert (found["response_types_supported"], found["subject_types_supported"]) == (["code"], ["pairwise"])
    assert {"openid", "offline_access"} <= set(found["scopes_supported"])
    # Only what PAR gave out is taken for a `request_uri`, and that needs no metadata of its own (RFC 9126 §5).
    assert found["request_uri_parameter_supported"] is False
    assert "require_request_uri_registration" not in found
    assert "none" not in found["id_token_signing_alg_values_supported"]


@module("oidcc-server")
def test_a_website_with_basic_authentication_learns_who_logged_in(bureau: Bureau, phone: Phone) -> None:
    party, pkce = standard(bureau, auth_method="client_secret_basic"), new_pkce()
    basic = b64encode(f"{party.client.client_id}:{party.client.secret}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    pushed = party.http.post("/oauth/par", data=party.asked(pkce), headers=headers)
    tab = Tab(bureau.base_url)
    code = approved(party, phone, tab, page_of(link(party, tab, pushed.json()["request_uri"])))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": pkce.verifier}
    got = tokens(party.http.post("/oauth/token", data=form, headers=headers))
    assert got["token_type"] == "Bearer"
    _complete(party, got)


@module("oidcc-server-client-secret-post")
def test_a_website_with_its_secret_in_the_body_learns_who_logged_in(site: Party, phone: Phone) -> None:
    _complete(site, log_in(site, phone))


@module("oidcc-ensure-client-assertion-with-iss-aud-succeeds")
def test_a_website_with_a_key_names_the_issuer_as_its_audience(bureau: Bureau, phone: Phone) -> None:
    party = standard(bureau, auth_method="private_key_jwt")
    _complete(party, log_in(party, phone))


@module("oidcc-idtoken-signature")
def test_an_id_token_is_signed_by_a_published_key_and_altered_is_not(site: Party, phone: Phone) -> None:
    token = log_in(site, phone)["id_token"]
    assert identity(site, token)["nonce"] == "n1"
    signature = log_in(site, phone)["id_token"].rpartition(".")[2]
    with pytest.raises(jwt.InvalidSignatureError):
        identity(site, f"{token.rpartition('.')[0]}.{signature}")


@module("oidcc-userinfo-get")
def test_userinfo_answers_a_get_with_the_same_sub(site: Party, phone: Phone) -> None:
    got = log_in(site, phone)
    answer = site.userinfo(got["access_token"])
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["sub"] == identity(site, got["id_token"])["sub"]


@module("oidcc-userinfo-post-header")
def test_userinfo_answers_a_post_with_the_token_in_its_header(site: Party, phone: Phone) -> None:
    token = log_in(site, phone)["access_token"]
    posted = site.http.post("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"})
    assert (posted.status_code, posted.json()) == (200, site.userinfo(token).json())


@module("oidcc-userinfo-post-body")
def test_userinfo_refuses_a_token_in_a_body_as_it_does_one_that_is_missing(site: Party, phone: Phone) -> None:
    token = log_in(site, phone)["access_token"]
    posted = site.http.post("/oauth/userinfo", data={"access_token": token})
    assert says(posted, "invalid_token", 401)["code"] == "oauth_invalid_token"
    assert "www-authenticate" in posted.headers
    assert site.userinfo(token).status_code == 200


@module("oidcc-codereuse")
def test_a_code_used_twice_at_once_is_refused_and_the_first_tokens_stay(site: Party, phone: Phone) -> None:
    pkce = new_pkce()
    code = site.code(phone, pkce)
    first = tokens(site.redeem(code, pkce))
    says(site.redeem(code, pkce), "invalid_grant")
    assert site.active(first["access_token"])


@module("oidcc-codereuse-30seconds")
def test_a_code_used_again_later_ends_what_the_first_use_gave(site: Party, phone: Phone, settings: Settings) -> None:
    pkce = new_pkce()
    code = site.code(phone, pkce)
    first = tokens(site.redeem(code, pkce))
    age_code(settings, code, "used_at", 30)
    says(site.redeem(code, pkce), "invalid_grant")
    dies(site, first["access_token"])
    says(site.refresh(first["refresh_token"]), "invalid_grant")


@module("oidcc-refresh-token")
def test_a_refresh_token_serves_its_own_client_and_no_other(bureau: Bureau, site: Party, phone: Phone) -> None:
    first = log_in(site, phone, scope="openid offline_access")
    says(standard(bureau).refresh(first["refresh_token"]), "invalid_grant")
    second = tokens(site.refresh(first["refresh_token"]))
    assert second["refresh_token"] != first["refresh_token"]
    before, after = (identity(site, one["id_token"]) for one in (first, second))
    assert [before[name] for name in ("sub", "aud", "auth_time")] == [
        after[name] for name in ("sub", "aud", "auth_time")
    ]
    assert site.userinfo(second["access_token"]).status_code == 200


@module("oidcc-refresh-token-rp-key-rotation")
def test_a_client_refreshes_with_the_key_that_it_published_since(
    bureau: Bureau, phone: Phone, keys: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "COOL_DOWN", 0.0)
    old, new = new_signer(), new_signer()
    keys.show(old)
    party = standard(bureau, auth_method="private_key_jwt", jwks_uri=keys.uri)
    party.client = party.client._replace(signer=old)
    first = log_in(party, phone)
    keys.show(old, new)
    now = int(time.time())
    name = party.client.client_id
    claims = {"iss": name, "sub": name, "aud": party.issuer, "iat": now, "exp": now + 60, "jti": f"rotated {now}"}
    signed = jws(new, {"kid": thumbprint(new.suite, new.public)}, claims)
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    proof = {"client_assertion_type": ASSERTION, "client_assertion": signed}
    assert tokens(party.http.post("/oauth/token", data={**form, **proof}))["access_token"]


@module("oidcc-server-rotate-keys")
def test_a_rotation_publishes_the_next_key_and_keeps_the_old_one(site: Party, phone: Phone, settings: Settings) -> None:
    token = log_in(site, phone)["id_token"]
    before = _kids(site)
    assert ecard(settings, "keys", "rotate", "token", "--lead-hours", "0").exit_code == 0
    deadline = time.monotonic() + 5
    while not _kids(site) > before:
        assert time.monotonic() < deadline, "no key was added"
        time.sleep(0.05)
    assert identity(site, token)
    assert identity(site, log_in(site, phone)["id_token"])


def _kids(party: Party) -> set[str]:
    return {key["kid"] for key in party.http.get("/oauth/jwks").json()["keys"]}


def _complete(party: Party, got: dict[str, object]) -> None:
    """Check a whole login: ID token with nonce and hash of the access token, and userinfo about the same holder."""
    claims = identity(party, str(got["id_token"]))
    access = str(got["access_token"])
    assert claims["nonce"] == "n1"
    assert claims["at_hash"] == b64url(sha256(access.encode()).digest()[:16])
    said = party.userinfo(access).json()
    assert said["sub"] == claims["sub"]
    assert said["authorization_details"][0]["item"] == ITEM
