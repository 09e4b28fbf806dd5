"""What a conformance test does by hand besides what a Party does: the front channel, and reading its answers."""

import time
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from auth.secrets import hashed
from ecard.client import Phone
from ecard.settings import Settings
from tests.auth.party import CALLBACK, Party, Pkce, Tab, new_pkce, query
from tests.bureau import rows

SECONDS = 2.0
"""In which what has ended is refused by every process."""
_RSA = rsa.generate_private_key(65537, 2048)


def front(
    party: Party, tab: Tab, pkce: Pkce, *, method: str = "GET", without: str | None = None, **changed: str
) -> httpx.Response:
    """Return the authorization endpoint's answer to a request in full, `without` one of its parameters."""
    asked = {name: value for name, value in party.asked(pkce, **changed).items() if name != without}
    return tab.send(method, "/oauth/authorize", **asked)


def link(party: Party, tab: Tab, request_uri: str, **changed: str) -> httpx.Response:
    """Return the authorization endpoint's answer to a pushed request."""
    return tab.get("/oauth/authorize", **{"client_id": party.client.client_id, "request_uri": request_uri, **changed})


def page_of(answer: httpx.Response) -> str:
    """Return the path of the login page that a browser is sent to."""
    assert answer.status_code == 303, answer.text
    path = urlsplit(answer.headers["location"]).path
    assert path.startswith("/login/"), answer.headers["location"]
    return path


def told(answer: httpx.Response, at: str = CALLBACK) -> dict[str, str]:
    """Return what a client is told by the browser that comes back to it."""
    assert answer.status_code == 303, answer.text
    location: str = answer.headers["location"]
    assert location.startswith(at), location
    return query(location)


def stays_here(answer: httpx.Response) -> None:
    """Expect a page that says what is wrong, and no redirect: the address is not to be trusted."""
    assert answer.status_code in {400, 401}, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert "location" not in answer.headers


def says(answer: httpx.Response, error: str, status: int = 400) -> dict[str, Any]:
    """Expect this OAuth error; return the body."""
    assert (answer.status_code, answer.json().get("error")) == (status, error), answer.text
    body: dict[str, Any] = answer.json()
    return body


def approved(party: Party, phone: Phone, tab: Tab, page: str, **more: Any) -> dict[str, str]:
    """Let the holder confirm on the page; return what the client is told."""
    party.approve(phone, tab, page, **more)
    return told(tab.get(f"{page}/done"))


def log_in(
    party: Party, phone: Phone, tab: Tab | None = None, *, remember: bool = False, **changed: str
) -> dict[str, Any]:
    """Return the tokens of a login that came by the front channel; `remember` keeps the browser logged in."""
    pkce, tab = new_pkce(), tab or Tab(party.bureau.base_url)
    answer = approved(party, phone, tab, page_of(front(party, tab, pkce, **changed)), remember=remember)
    return tokens(party.redeem(answer["code"], pkce))


def silently(party: Party, tab: Tab, **changed: str) -> dict[str, Any]:
    """Return the tokens that a browser that is logged in gets without a page."""
    pkce = new_pkce()
    return tokens(party.redeem(told(front(party, tab, pkce, **changed))["code"], pkce))


def tokens(answer: httpx.Response) -> dict[str, Any]:
    """Return a successful token answer."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found


def identity(party: Party, token: str) -> dict[str, Any]:
    """Return the claims of an ID token, its signature, issuer, audience and times checked as a client would."""
    published = jwt.PyJWKSet.from_dict(party.http.get("/oauth/jwks").json())
    header = jwt.get_unverified_header(token)
    advertised = party.http.get("/.well-known/openid-configuration").json()["id_token_signing_alg_values_supported"]
    assert header["alg"] in advertised
    key = next(one for one in published.keys if one.key_id == header["kid"])
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=[header["alg"]],
        audience=party.client.client_id,
        issuer=party.issuer,
        options={"require": ["iss", "sub", "aud", "exp", "iat"]},
    )
    return claims


def dies(party: Party, token: str) -> None:
    """Expect that an access token is refused everywhere within SECONDS."""
    deadline = time.monotonic() + SECONDS
    while party.active(token):
        assert time.monotonic() < deadline, "still active"
        time.sleep(0.05)
    assert party.userinfo(token).status_code == 401


def rs256(claims: dict[str, Any], **header: Any) -> str:
    """Return a JWT signed by RSA, which nobody here is registered with."""
    return jwt.encode(claims, _RSA, algorithm="RS256", headers=header or None)


def unsigned(claims: dict[str, Any]) -> str:
    """Return a JWT of the algorithm "none"."""
    return jwt.encode(claims, "", algorithm="none")


def age_code(settings: Settings, code: str, column: str, seconds: int) -> None:
    """Move a time of an authorization code, `used_at` or `expires_at`, into the past."""
    sql = f"UPDATE authorization_code SET {column} = {column} - make_interval(secs => $2) WHERE handle = $1"
    rows(settings, sql, hashed(code), seconds)
