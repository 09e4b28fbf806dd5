"""Pages of other origins: who may call the provider from a browser, and who may not."""

import time
from typing import Any

import httpx
import msgspec
import pytest

from ecard.settings import Settings
from tests.auth.party import fapi
from tests.bureau import Bureau, RegisteredClient
from tests.conftest import serving

PAGE = "https://page.example"
OPEN = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/oauth/jwks"]
CLIENTS = {"/oauth/par": "POST", "/oauth/token": "POST", "/oauth/revoke": "POST", "/oauth/userinfo": "GET, POST"}
NAMED = "Access-Control-Allow-Origin"


def page_client(bureau: Bureau, *redirect_uris: str, **more: Any) -> RegisteredClient:
    """Return a client without a server."""
    return bureau.client(profile="standard", auth_method="none", items=[], redirect_uris=redirect_uris, **more)


@pytest.fixture(scope="module", autouse=True)
def client(bureau: Bureau, base_url: str) -> RegisteredClient:
    """The client of PAGE; its origin is known to the server when this returns."""
    made = page_client(bureau, f"{PAGE}/callback", "cn.example.page:/back")
    with httpx.Client(base_url=base_url) as http:
        assert becomes(http, PAGE, PAGE)
    return made


def preflight(http: httpx.Client, path: str, origin: str, method: str = "POST") -> httpx.Response:
    """Return what a browser is told before a page of `origin` may call `path`."""
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization,dpop"}
    return http.options(path, headers={"Origin": origin, **asked})


def becomes(http: httpx.Client, origin: str, wanted: str | None, seconds: float = 3) -> bool:
    """Return whether within `seconds` pages of `origin` are told `wanted`."""
    deadline = time.monotonic() + seconds
    while preflight(http, "/oauth/token", origin).headers.get(NAMED) != wanted:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("path", CLIENTS)
def test_a_registered_clients_page_may_send_what_a_client_sends(http: httpx.Client, path: str) -> None:
    told = preflight(http, path, PAGE)
    assert (told.status_code, told.headers[NAMED]) == (204, PAGE)
    assert told.headers["Access-Control-Allow-Methods"] == CLIENTS[path]
    assert told.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type, DPoP"
    assert told.headers["Vary"] == "Origin"


@pytest.mark.parametrize("path", CLIENTS)
def test_a_refusal_is_as_readable_as_an_answer_with_nonce_and_challenge(http: httpx.Client, path: str) -> None:
    refused = http.post(path, data={"client_id": "nobody"}, headers={"Origin": PAGE})
    assert (refused.status_code, refused.headers[NAMED]) == (401, PAGE)
    assert {"DPoP-Nonce", "WWW-Authenticate"} <= set(refused.headers["Access-Control-Expose-Headers"].split(", "))
    assert refused.headers["WWW-Authenticate"]


def test_a_page_reads_the_nonce_that_it_is_asked_to_use(bureau: Bureau) -> None:
    party = fapi(bureau)
    sent = {"DPoP": party.proof("/oauth/token"), "Origin": PAGE}
    form = {**party.authenticated(), "grant_type": "client_credentials"}
    asked = party.http.post("/oauth/token", data=form, headers=sent)
    assert (asked.json()["error"], asked.headers[NAMED]) == ("use_dpop_nonce", PAGE)
    assert asked.headers["DPoP-Nonce"]


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "*",
        "https://nobody.example",
        "http://page.example",
        "https://page.example:8443",
        "https://page.example/",
        "https://page.example.nobody.example",
        "https://sub.page.example",
        "https://PAGE.example",
        "https://page.example https://nobody.example",
        "cn.example.page:",
        "cn.example.page://",
        "",
    ],
)
@pytest.mark.parametrize("path", CLIENTS)
def test_an_origin_that_is_no_clients_is_told_nothing(http: httpx.Client, path: str, origin: str) -> None:
    for told in (preflight(http, path, origin), http.post(path, headers={"Origin": origin})):
        assert not [name for name in told.headers if name.startswith("access-control-")]
        assert told.headers["Vary"] == "Origin"


def test_two_origins_at_once_are_none(http: httpx.Client) -> None:
    told = http.post("/oauth/token", headers=[("Origin", PAGE), ("Origin", PAGE)])
    assert NAMED not in told.headers


@pytest.mark.parametrize("path", OPEN)
def test_anybody_may_read_discovery_and_keys(http: httpx.Client, path: str) -> None:
    for told in (http.get(path), http.get(path, headers={"Origin": "https://nobody.example"})):
        assert (told.status_code, told.headers.get_list(NAMED)) == (200, ["*"])
    asked = preflight(http, path, "https://nobody.example", "GET")
    assert (asked.headers[NAMED], asked.headers["Access-Control-Allow-Methods"]) == ("*", "GET")


@pytest.mark.parametrize(
    "path",
    [
        "/oauth/introspect",
        "/oauth/device",
        "/oauth/ciba",
        "/oauth/authorize",
        "/oauth/logout",
        "/login/out",
        "/login/00000000-0000-7000-8000-000000000000/status",
        "/v1/sessions",
        "/v1/me/grants",
        "/v1/clients",
    ],
)
def test_no_page_of_another_origin_may_call_anything_else(http: httpx.Client, path: str) -> None:
    calls = [http.request(method, path, headers={"Origin": PAGE}) for method in ("GET", "POST")]
    for told in (preflight(http, path, PAGE), *calls):
        assert not [name for name in told.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("path", [*OPEN, *CLIENTS])
def test_credentials_are_never_allowed(http: httpx.Client, path: str) -> None:
    for told in (preflight(http, path, PAGE), http.get(path, headers={"Origin": PAGE, "Cookie": "a=b"})):
        assert "Access-Control-Allow-Credentials" not in told.headers


def test_an_address_is_compared_as_browsers_write_origins(bureau: Bureau, http: httpx.Client) -> None:
    page_client(bureau, "https://Upper.example:443/callback?a=1", "http://127.0.0.1:8123/callback")
    assert becomes(http, "https://upper.example", "https://upper.example")
    assert becomes(http, "http://127.0.0.1:8123", "http://127.0.0.1:8123")


def test_the_page_of_a_disabled_client_may_not_any_more(bureau: Bureau, http: httpx.Client) -> None:
    made = page_client(bureau, "https://ended.example/callback")
    assert becomes(http, "https://ended.example", "https://ended.example")
    bureau.registrar.call("DELETE", f"/v1/clients/{made.client_id}")
    assert becomes(http, "https://ended.example", None, 2)


def test_outside_the_sandbox_a_sandbox_clients_page_may_not(settings: Settings) -> None:
    with serving(msgspec.structs.replace(settings, sandbox=False)) as url, httpx.Client(base_url=url) as http:
        assert NAMED not in preflight(http, "/oauth/token", PAGE).headers
        assert http.get("/oauth/jwks").headers[NAMED] == "*"
