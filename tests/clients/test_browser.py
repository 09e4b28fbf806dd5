"""The browser's tools work with another provider, so that what fails with ours is ours."""

import json
from collections.abc import Iterator

import pytest
from playwright.async_api import Page

from tests.clients.browser import App, Browser, app, chromium
from tests.clients.node import Script


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def page_app() -> Iterator[App]:
    with app() as served:
        client = {
            "client_id": "page",
            "token_endpoint_auth_method": "none",
            "redirect_uris": [served.redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
        }
        with Script("peer.mjs", {"clients": [client], "nonces": True}) as script:
            served.configure(f"http://127.0.0.1:{script.hear()['port']}", "page", "openid profile")
            yield served


def logged_in(browser: Browser, page: Page) -> dict[str, str]:
    """Wait until the page shows who is logged in; return the profile."""
    browser.do(page.wait_for_selector("#profile:not(:empty), #error:not(:empty)"))
    assert browser.do(page.inner_text("#error")) == ""
    profile: dict[str, str] = json.loads(browser.do(page.inner_text("#profile")))
    return profile


def test_a_page_without_a_server_logs_in_and_shows_the_profile(browser: Browser, page_app: App) -> None:
    with browser.page() as page:
        browser.do(page.goto(page_app.origin))
        browser.do(page.click("#login"))
        profile = logged_in(browser, page)
        assert (profile["sub"], profile["token_type"].lower()) == ("alice", "dpop")
        assert json.loads(browser.do(page.inner_text("#userinfo"))) == {"sub": "alice", "name": "测试"}


def test_a_page_renews_its_tokens_with_the_key_that_the_browser_keeps(browser: Browser, page_app: App) -> None:
    with browser.page() as page:
        browser.do(page.goto(page_app.origin))
        browser.do(page.click("#login"))
        logged_in(browser, page)
        token = "Object.values({...sessionStorage}).map(JSON.parse).find(one => one.access_token).access_token"
        before = browser.do(page.evaluate(token))
        browser.do(page.reload())
        assert logged_in(browser, page)["sub"] == "alice"
        browser.do(page.click("#renew"))
        browser.do(page.wait_for_function(f"{token} !== {json.dumps(before)}"))
        assert logged_in(browser, page)["sub"] == "alice"


def test_a_page_shows_the_error_that_the_provider_answers(browser: Browser, page_app: App) -> None:
    with browser.page() as page:
        browser.do(page.goto(f"{page_app.redirect_uri}?error=access_denied&state=unknown"))
        browser.do(page.wait_for_selector("#error:not(:empty)"))
        assert json.loads(browser.do(page.inner_text("#error")))["message"]


def test_a_picture_of_a_page_can_be_taken(browser: Browser, page_app: App) -> None:
    with browser.page(viewport={"width": 390, "height": 844}) as page:
        browser.do(page.goto(page_app.origin))
        assert browser.do(page.screenshot()).startswith(b"\x89PNG")
