"""A page without a server, made with oidc-client-ts, logs people in through the real login page in Chromium."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ecard.client import Phone
from tests.auth.party import ITEM
from tests.auth.real.browsing import WIDE, Screen, scan
from tests.bureau import Bureau
from tests.clients.browser import App, Browser, app

TOKENS = "Object.values({...sessionStorage}).map(JSON.parse).find(one => one.access_token)"


@pytest.fixture(scope="module")
def page_app(real: Bureau) -> Iterator[App]:
    """The page, and the public client that is registered for it."""
    with app() as served:
        client = real.client(profile="standard", auth_method="none", items=[ITEM], redirect_uris=[served.redirect_uri])
        served.configure(real.issuer, client.client_id, f"openid ecard_item:{ITEM}")
        yield served


@pytest.fixture
def screen(browser: Browser, page_app: App, tmp_path: Path) -> Iterator[Screen]:
    """The page in a new profile."""
    with browser.page(viewport=WIDE) as page:
        shown = Screen(browser, page, page_app.redirect_uri, tmp_path)
        shown.do(page.goto(page_app.origin))
        yield shown


def log_in(shown: Screen, phone: Phone, **more: Any) -> None:
    """Log in from the page, by scanning what the screen shows."""
    shown.do(shown.page.click("#login"))
    shown.see("title-pending")
    shown.steady()
    text = shown.qr()
    assert text == shown.status()["qr"]
    shown.confirm(phone, scan(phone, text)["id"], **more)


def logged_in(shown: Screen) -> dict[str, Any]:
    """Wait until the page shows who is logged in; return the profile, and userinfo under "userinfo"."""
    shown.do(shown.page.wait_for_selector("#profile:not(:empty), #error:not(:empty)"))
    assert shown.text("error") == ""
    return {**json.loads(shown.text("profile")), "userinfo": json.loads(shown.text("userinfo"))}


def test_a_page_without_a_server_logs_in_by_scanning(real: Bureau, page_app: App, screen: Screen) -> None:
    log_in(screen, real.phone())
    profile = logged_in(screen)
    assert (profile["token_type"].lower(), profile["scope"]) == ("dpop", f"openid ecard_item:{ITEM}")
    assert profile["userinfo"]["sub"] == profile["sub"]
    assert set(profile["userinfo"]["holder"]) == {"name", "id_no"}
    servers = (f"{page_app.origin}/", f"{real.issuer}/")
    assert [url for url in screen.requests if not url.startswith((*servers, "data:"))] == []


def test_the_page_renews_its_tokens_with_the_key_that_the_browser_keeps(real: Bureau, screen: Screen) -> None:
    log_in(screen, real.phone())
    sub, before = logged_in(screen)["sub"], screen.js(TOKENS)
    screen.do(screen.page.click("#renew"))
    screen.until(f"{TOKENS}.access_token !== '{before['access_token']}'")
    assert screen.js(TOKENS)["refresh_token"] != before["refresh_token"]
    assert logged_in(screen)["sub"] == sub


def test_the_page_shows_that_the_holder_declined(real: Bureau, screen: Screen) -> None:
    phone = real.phone()
    screen.do(screen.page.click("#login"))
    screen.see("title-pending")
    screen.steady()
    phone.call("POST", f"/v1/logins/{scan(phone, screen.qr())['id']}/decline")
    screen.do(screen.page.wait_for_selector("#error:not(:empty)"))
    assert json.loads(screen.text("error"))["error"] == "access_denied"


def test_a_browser_that_the_holder_trusts_logs_in_again_without_the_phone(real: Bureau, screen: Screen) -> None:
    log_in(screen, real.phone(), remember=True)
    first = logged_in(screen)
    screen.js("sessionStorage.clear()")
    screen.do(screen.page.reload())
    pages = len([url for url in screen.requests if "/login/" in url])
    screen.do(screen.page.click("#login"))
    assert logged_in(screen)["sub"] == first["sub"]
    assert len([url for url in screen.requests if "/login/" in url]) == pages


def test_a_browser_that_is_not_trusted_shows_the_login_page_again(real: Bureau, screen: Screen) -> None:
    log_in(screen, real.phone())
    logged_in(screen)
    screen.js("sessionStorage.clear()")
    screen.do(screen.page.reload())
    screen.do(screen.page.click("#login"))
    screen.see("title-pending")


@pytest.mark.parametrize(
    ("path", "method"), [("/oauth/token", "POST"), ("/oauth/introspect", "POST"), ("/v1/bundle", "GET")]
)
def test_a_page_of_nobodys_origin_reads_nothing(
    browser: Browser, real: Bureau, page_app: App, path: str, method: str
) -> None:
    call = (
        f"fetch('{real.issuer}{path}', {{method: '{method}', headers: {{DPoP: 'x'}}}}).then(a => a.status, e => e.name)"
    )
    with browser.page() as page:
        browser.do(page.goto(page_app.origin.replace("127.0.0.1", "localhost")))
        assert browser.do(page.evaluate(call)) == "TypeError"
        known = f"fetch('{real.issuer}/oauth/jwks').then(a => a.status, e => e.name)"
        assert browser.do(page.evaluate(known)) == 200
