"""The clients work with another provider, so that what they refuse in ours is ours."""

import html
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from tests.bench.provider import LOADS
from tests.clients.keys import ClientKey, client_key, proof
from tests.clients.node import HERE, Failed, Script, run
from tests.clients.web import website

ROOT = HERE.parents[1]
CALLBACK = "https://client.example/callback"
SECRET = "a-secret-of-the-site"
RESOURCE = "https://resource.example"
CIBA = "urn:openid:params:grant-type:ciba"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
GRANTS = ["authorization_code", "refresh_token", "client_credentials", CIBA, DEVICE]


class Peer(NamedTuple):
    """The other provider, and the client registered there."""

    issuer: str
    key: ClientKey

    def config(self, flow: str, **more: Any) -> dict[str, Any]:
        """Return a configuration of `openid_client.mjs`."""
        return {
            "issuer": self.issuer,
            "client_id": "client",
            "private_jwk": self.key.private_jwk,
            "redirect_uri": CALLBACK,
            "flow": flow,
            **more,
        }


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    key = client_key()
    client = {
        "client_id": "client",
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks": key.jwks,
        "redirect_uris": [CALLBACK],
        "grant_types": GRANTS,
        "backchannel_token_delivery_mode": "poll",
    }
    site = {"client_id": "site", "client_secret": SECRET, "redirect_uris": [CALLBACK]}
    with Script("peer.mjs", {"clients": [client, site], "nonces": True}) as script:
        yield Peer(f"http://127.0.0.1:{script.hear()['port']}", key)


def follow(url: str) -> str:
    """Go on from `url` as a browser does until the client's callback; return that."""
    with httpx.Client(follow_redirects=False) as browser:
        while not url.startswith(CALLBACK):
            answer = browser.get(url)
            assert answer.is_redirect, answer.text
            url = str(answer.url.join(answer.headers["location"]))
    return url


def log_in(peer: Peer, **more: Any) -> Any:
    """Log in by authorization code; return what the client has then."""
    with Script("openid_client.mjs", peer.config("code", **more)) as script:
        script.say(follow(script.hear()["authorize"]))
        return script.last()


def shown(got: Any, **changed: Any) -> dict[str, Any]:
    """Return what a resource server sees of a request with the access token."""
    token, url = got["tokens"]["access_token"], f"{RESOURCE}/records"
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof(got["dpop_jwk"], "GET", url, token, **changed)}
    return {"method": "GET", "url": url, "headers": headers}


def test_a_login_by_code_gives_claims_and_bound_tokens(peer: Peer) -> None:
    got = log_in(peer, scope="openid profile")
    assert got["claims"]["sub"] == "alice"
    assert got["userinfo"] == {"sub": "alice", "name": "测试"}
    assert got["tokens"]["token_type"] == "dpop"


def test_a_login_without_par_and_dpop_gives_bearer_tokens(peer: Peer) -> None:
    got = log_in(peer, par=False, dpop=False)
    assert got["tokens"]["token_type"] == "bearer"


def test_a_callback_with_another_state_is_refused_by_the_client(peer: Peer) -> None:
    with Script("openid_client.mjs", peer.config("code")) as script:
        script.say(follow(script.hear()["authorize"]).replace("state=", "state=x"))
        with pytest.raises(Failed, match="state"):
            script.hear()


def test_a_refused_client_is_told_with_the_error_of_oauth(peer: Peer) -> None:
    with pytest.raises(Failed) as failed:
        run("openid_client.mjs", peer.config("client_credentials", private_jwk=client_key().private_jwk))
    assert (failed.value.error, failed.value.status) == ("invalid_client", 401)


def test_a_refresh_goes_on_with_the_same_key(peer: Peer) -> None:
    got = log_in(peer)
    again = run(
        "openid_client.mjs",
        peer.config("refresh", token=got["tokens"]["refresh_token"], dpop_jwk=got["dpop_jwk"]),
    )
    assert again["tokens"]["access_token"] != got["tokens"]["access_token"]


def test_a_revoked_token_is_not_active(peer: Peer) -> None:
    token = log_in(peer)["tokens"]["access_token"]
    before = run("openid_client.mjs", peer.config("introspect", token=token))
    assert run("openid_client.mjs", peer.config("revoke", token=token)) == {"revoked": True}
    after = run("openid_client.mjs", peer.config("introspect", token=token))
    assert [before["active"], after["active"]] == [True, False]


def test_a_login_on_another_device_is_polled_for(peer: Peer) -> None:
    with Script("openid_client.mjs", peer.config("device", interval=0.1)) as script:
        started = script.hear()
        with httpx.Client(follow_redirects=True) as browser:
            page = browser.get(started["ecl"])
            while form := re.search(r'<form[^>]*action="([^"]*)"', page.text):
                fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page.text)
                values = {name: html.unescape(value) for name, value in fields}
                page = browser.post(html.unescape(form[1]), data=values | {"user_code": started["user_code"]})
        assert script.last()["claims"]["sub"] == "alice"


def test_a_backchannel_login_is_polled_for(peer: Peer) -> None:
    with Script("openid_client.mjs", peer.config("ciba", login_hint="bob", interval=0.1)) as script:
        assert script.hear()["auth_req_id"]
        assert script.last()["claims"]["sub"] == "bob"


def test_an_ordinary_website_logs_in_with_its_secret(peer: Peer) -> None:
    with website(peer.issuer, "site", SECRET, method="client_secret_basic", redirect_uri=CALLBACK) as site:
        assert site.finish(follow(site.begin()))["userinfo"]["sub"] == "alice"


def test_an_ordinary_website_logs_in_with_its_key(peer: Peer) -> None:
    private = peer.key.private_jwk
    with website(peer.issuer, "client", private, method="private_key_jwt", redirect_uri=CALLBACK) as site:
        assert site.finish(follow(site.begin(scope="openid profile")))["userinfo"]["name"] == "测试"


def test_a_resource_server_admits_a_bound_token_with_its_proof_only(peer: Peer) -> None:
    got = run("openid_client.mjs", peer.config("client_credentials", resource=RESOURCE, scope="read"))
    config = {"issuer": peer.issuer, "audience": RESOURCE}
    claims = run("resource_server.mjs", {**config, "request": shown(got)})
    assert (claims["client_id"], claims["scope"]) == ("client", "read")
    with pytest.raises(Failed, match="htm"):
        run("resource_server.mjs", {**config, "request": shown(got, htm="POST")})
    with pytest.raises(Failed, match="aud"):
        run("resource_server.mjs", {**config, "audience": "https://another.example", "request": shown(got)})


def test_a_script_that_dies_is_heard_with_what_it_wrote() -> None:
    with pytest.raises(RuntimeError, match="Cannot find module"):
        run("nowhere.mjs", {})


def test_a_script_that_says_nothing_is_not_waited_for_forever() -> None:
    with Script("peer.mjs", {"clients": []}) as script:
        script.hear()
        with pytest.raises(RuntimeError, match="nothing for 1 s"):
            script.hear(within=1)


def test_the_measure_of_a_provider_has_a_figure_for_each_load() -> None:
    told = subprocess.run([sys.executable, "-m", "tests.bench.peer", "64"], cwd=ROOT, capture_output=True, check=True)
    assert [told.stdout.decode().count(name) for name in LOADS] == [1, 1, 1, 1]
