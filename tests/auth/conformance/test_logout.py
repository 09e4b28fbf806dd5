"""Logging out: begun by the client (RP-Initiated Logout), told to clients (Back-Channel Logout)."""

import http.server
import threading
import time
from collections.abc import Iterator
from queue import Queue
from typing import Any
from urllib.parse import parse_qs

import httpx
import jwt
import pytest

from ecard.client import Phone
from ecard.client.actors import new_signer
from tests.auth.conformance.acts import dies, front, identity, log_in, stays_here, told, unsigned
from tests.auth.conformance.modules import module, of_each
from tests.auth.party import Party, Tab, jws, new_pkce, standard
from tests.bureau import Bureau

OUT = "https://client.example/out"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


@pytest.fixture(scope="module")
def site(bureau: Bureau) -> Party:
    """A website that says where a browser goes after it."""
    return standard(bureau, post_logout_redirect_uris=[OUT])


@pytest.fixture
def heard() -> Iterator[tuple[str, Queue[str]]]:
    """A client's address for logouts, and the tokens that it hears."""
    tokens: Queue[str] = Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            tokens.put(parse_qs(body)["logout_token"][0])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/logout", tokens
    server.shutdown()
    server.server_close()
    thread.join(5)


def stays(party: Party, phone: Phone) -> tuple[Tab, dict[str, Any]]:
    """Return a browser that stays logged in, and its tokens."""
    tab = Tab(party.bureau.base_url)
    return tab, log_in(party, phone, tab, remember=True)


def is_logged_in(party: Party, tab: Tab) -> bool:
    """Return whether the browser logs in without a page."""
    return "code" in told(front(party, tab, new_pkce(), prompt="none"))


def leaves(tab: Tab, **asked: str) -> httpx.Response:
    """Return the answer to a browser that comes to log out."""
    return tab.get("/oauth/logout", **asked)


@module("oidcc-rp-initiated-logout-discovery-endpoint-verification")
def test_discovery_says_where_to_log_out(site: Party) -> None:
    found = site.http.get("/.well-known/openid-configuration").json()
    assert found["end_session_endpoint"] == f"{site.issuer}/oauth/logout"


@module("oidcc-backchannel-logout-discovery-endpoint-verification")
def test_discovery_says_that_logouts_are_told_with_their_session(site: Party) -> None:
    found = site.http.get("/.well-known/openid-configuration").json()
    assert found["backchannel_logout_supported"] is True
    assert found["backchannel_logout_session_supported"] is True


@of_each("oidcc-rp-initiated-logout", "state", {"": {"state": "bye"}, "-no-state": {}})
def test_a_browser_goes_where_its_client_registered_and_is_logged_out(
    site: Party, phone: Phone, state: dict[str, str]
) -> None:
    tab, got = stays(site, phone)
    assert is_logged_in(site, tab)
    answer = leaves(tab, id_token_hint=got["id_token"], post_logout_redirect_uri=OUT, **state)
    assert answer.headers["location"] == OUT + ("?state=bye" if state else "")
    assert not is_logged_in(site, tab)
    dies(site, got["access_token"])


@of_each(
    "oidcc-rp-initiated-logout-",
    "asked",
    {"no-params": {}, "only-state": {"state": "bye"}, "no-post-logout-redirect-uri": {"hint": "own"}},
)
def test_a_browser_without_an_address_to_go_to_is_logged_out_and_told_so(
    site: Party, phone: Phone, asked: dict[str, str]
) -> None:
    tab, got = stays(site, phone)
    sent = {"id_token_hint": got["id_token"]} if "hint" in asked else asked
    assert leaves(tab, **sent).headers["location"] == "/login/out"
    page = tab.get("/login/out")
    assert page.status_code == 200
    # Without a token of the holder's a link could come from anywhere: the holder is asked (§2).
    assert ('<form method="post"' in page.text) == ("hint" not in asked)
    if "hint" not in asked:
        assert is_logged_in(site, tab)
        assert tab.send("POST", "/login/out").status_code == 303
    assert not is_logged_in(site, tab)


@of_each(
    "oidcc-rp-initiated-logout-",
    "wrong",
    {
        "bad-post-logout-redirect-uri": "https://elsewhere.example/",
        "query-added-to-post-logout-redirect-uri": f"{OUT}?foo=bar",
    },
)
def test_nobody_is_sent_to_an_address_that_is_not_registered_for_it(site: Party, phone: Phone, wrong: str) -> None:
    tab, got = stays(site, phone)
    stays_here(leaves(tab, id_token_hint=got["id_token"], post_logout_redirect_uri=wrong, state="bye"))


@module("oidcc-rp-initiated-logout-no-id-token-hint")
def test_nobody_is_sent_anywhere_by_a_client_that_does_not_say_who_it_is(site: Party, phone: Phone) -> None:
    tab, _ = stays(site, phone)
    stays_here(leaves(tab, post_logout_redirect_uri=OUT, state="bye"))


@of_each(
    "oidcc-rp-initiated-logout-",
    "forge",
    {"bad-id-token-hint": lambda claims: jws(new_signer(), {"typ": "JWT"}, claims), "modified-id-token-hint": unsigned},
)
def test_a_token_that_is_not_ours_logs_nobody_out(site: Party, phone: Phone, forge: Any) -> None:
    tab, got = stays(site, phone)
    hint = forge(jwt.decode(got["id_token"], options={"verify_signature": False}))
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": OUT, "state": "bye"}
    stays_here(leaves(tab, **asked))
    stays_here(leaves(tab, **asked, client_id=site.client.client_id))
    assert is_logged_in(site, tab)
    assert site.active(got["access_token"])


@module("oidcc-backchannel-rp-initiated-logout")
def test_a_logout_is_told_to_the_client_by_a_signed_token(
    bureau: Bureau, phone: Phone, heard: tuple[str, Queue[str]]
) -> None:
    uri, tokens = heard
    party = standard(bureau, post_logout_redirect_uris=[OUT], backchannel_logout_uri=uri)
    tab, got = stays(party, phone)
    logged_in = identity(party, got["id_token"])
    other = standard(bureau).client.client_id
    stays_here(leaves(tab, id_token_hint=got["id_token"], client_id=other, post_logout_redirect_uri=OUT))
    answer = leaves(tab, id_token_hint=got["id_token"], post_logout_redirect_uri=OUT, state="bye")
    assert answer.headers["location"] == f"{OUT}?state=bye"
    token = tokens.get(timeout=10)
    claims = identity(party, token)
    assert jwt.get_unverified_header(token)["typ"] == "logout+jwt"
    assert (claims["sub"], claims["sid"]) == (logged_in["sub"], logged_in["sid"])
    assert (claims["events"], "nonce" in claims) == ({EVENT: {}}, False)
    assert claims["jti"]
    assert claims["exp"] - time.time() <= 121
    assert not is_logged_in(party, tab)
