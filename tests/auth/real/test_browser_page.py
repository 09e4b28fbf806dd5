"""The login page in Chromium: each state of a login as a person sees it, and codes as a camera does."""

from pathlib import Path

from playwright.async_api import Route

from ecard.settings import Settings
from tests.auth.party import ITEM, Party
from tests.auth.real.browsing import WIDE, Opening, Screen, scan
from tests.bureau import Bureau, refused, rows
from tests.clients.browser import Browser


def test_the_page_shows_a_code_that_a_camera_reads_and_who_asks_for_what(login_page: Opening, callback: str) -> None:
    with login_page() as shown:
        assert shown.qr("pending") == shown.status()["qr"]
        body = shown.do(shown.page.inner_text("body"))
        for said in ("网上办事大厅", "测试人社局", callback.removesuffix("/callback"), "姓名"):
            assert said in body
        assert not shown.sees("number")


def test_a_scan_shows_the_number_and_a_confirmation_leads_back(real: Bureau, login_page: Opening) -> None:
    phone = real.phone()
    with login_page() as shown:
        seen = scan(phone, shown.qr())
        assert (seen["browser"], seen["address"]) == ("Chrome · Linux", "127.0.0.1")
        shown.see("number")
        shown.picture("scanned")
        assert not shown.sees("qr")
        assert shown.text("number").strip() == shown.status()["number"]
        with shown.staying():
            shown.confirm(phone, seen["id"])
            shown.see("title-confirmed")
            shown.picture("confirmed")
        shown.do(shown.page.click("section:not([hidden]) a"))
        answer = shown.back()
        assert (answer["state"], answer["iss"]) == ("s1", real.issuer)
        assert answer["code"]


def test_a_login_declined_on_the_phone_goes_back_with_access_denied(real: Bureau, login_page: Opening) -> None:
    phone = real.phone()
    with login_page() as shown:
        seen = scan(phone, shown.qr())
        with shown.staying():
            phone.call("POST", f"/v1/logins/{seen['id']}/decline")
            shown.see("title-declined")
            shown.picture("declined")
        shown.do(shown.page.click("section:not([hidden]) a"))
        assert shown.back()["error"] == "access_denied"


def test_a_wrong_number_ends_the_login_on_the_page(real: Bureau, login_page: Opening) -> None:
    phone = real.phone()
    with login_page() as shown:
        seen = scan(phone, shown.qr())
        shown.see("number")
        wrong = str(10 + (int(shown.text("number")) - 9) % 90)
        with refused("login_number_wrong", 403):
            phone.call("POST", f"/v1/logins/{seen['id']}/confirm", {"number": wrong})
        assert shown.back()["error"] == "access_denied"


def test_a_second_phone_is_refused_and_the_page_says_so(real: Bureau, login_page: Opening) -> None:
    first, second = real.phone(), real.phone()
    with login_page() as shown:
        text = shown.qr()
        seen = scan(first, text)
        shown.see("number")
        assert not shown.sees("refused")
        with refused("login_taken", 409):
            scan(second, text)
        shown.see("refused")
        shown.picture("second-phone")
        assert shown.text("status") == shown.text("refused")
        shown.confirm(first, seen["id"])
        assert shown.back()["code"]


def test_an_expired_login_begins_anew_with_the_same_request(
    real: Bureau, real_settings: Settings, login_page: Opening
) -> None:
    phone = real.phone()
    with login_page() as shown:
        first, old = shown.login, shown.qr()
        rows(real_settings, "UPDATE login SET ends_at = clock_timestamp() WHERE id = $1", first)
        shown.see("title-expired")
        shown.picture("expired")
        assert (shown.focused(), shown.sees("qr"), shown.sees("cancel")) == ("title-expired", False, False)
        with refused("login_decided", 409):
            scan(phone, old)
        shown.do(shown.page.click("#again"))
        shown.see("title-pending")
        shown.steady()
        assert shown.login != first
        shown.confirm(phone, scan(phone, shown.qr())["id"])
        assert shown.back()["state"] == "s1"


def test_from_an_expired_login_one_can_go_back_to_the_client(real_settings: Settings, login_page: Opening) -> None:
    with login_page() as shown:
        rows(real_settings, "UPDATE login SET ends_at = clock_timestamp() WHERE id = $1", shown.login)
        shown.see("title-expired")
        shown.do(shown.page.click("#back"))
        assert shown.back()["error"] == "access_denied"


def test_the_code_is_renewed_silently_and_the_old_one_works_for_its_last_seconds(
    real: Bureau, real_settings: Settings, login_page: Opening
) -> None:
    phone = real.phone()
    with login_page() as shown:
        old, loads = shown.qr(), len([url for url in shown.requests if url.endswith(shown.login)])
        shown.tab_to("cancel")
        age = "interval '101 seconds' WHERE"
        rows(real_settings, f"UPDATE login SET qr_at = qr_at - {age} id = $1", shown.login)
        rows(real_settings, f"UPDATE login_qr SET expires_at = expires_at - {age} login = $1", shown.login)
        before = shown.js("document.getElementById('qr').src")
        shown.until(f"document.getElementById('qr').src !== '{before}'")
        new = shown.qr("renewed")
        assert new != old
        assert new == shown.status()["qr"]
        # Nothing is said, nothing moves, nothing is loaded anew but the picture.
        assert (shown.focused(), shown.text("status")) == ("cancel", "")
        assert len([url for url in shown.requests if url.endswith(shown.login)]) == loads
        assert scan(phone, old)["id"] == scan(phone, new)["id"] == shown.login


def test_a_code_older_than_its_time_is_refused(real: Bureau, real_settings: Settings, login_page: Opening) -> None:
    with login_page() as shown:
        old = shown.qr()
        rows(real_settings, "UPDATE login_qr SET expires_at = clock_timestamp() WHERE login = $1", shown.login)
        with refused("login_unknown", 404):
            scan(real.phone(), old)


def test_a_login_goes_on_when_the_page_is_loaded_anew(real: Bureau, login_page: Opening) -> None:
    phone = real.phone()
    with login_page() as shown:
        seen = scan(phone, shown.qr())
        shown.see("number")
        shown.do(shown.page.reload())
        shown.confirm(phone, seen["id"])
        assert shown.back()["code"]


def test_another_browser_cannot_follow_a_login(browser: Browser, login_page: Opening) -> None:
    with login_page() as shown, browser.page() as other:
        answer = browser.do(other.goto(shown.page.url))
        assert answer is not None
        assert answer.status == 404
        assert shown.status()["qr"] not in browser.do(other.content())


def test_the_network_may_fail_for_a_while(
    real: Bureau, browser: Browser, party: Party, callback: str, pictures: Path
) -> None:
    async def fail(route: Route) -> None:
        await route.abort()

    phone = real.phone()
    with browser.page(viewport=WIDE) as page:
        shown = Screen(browser, page, callback, pictures)
        browser.do(page.route("**/events", fail))
        shown.open(party)
        seen = scan(phone, shown.qr())
        shown.see("number")
        browser.do(page.route("**/status", fail))
        shown.see("title-unavailable")
        shown.picture("unavailable")
        browser.do(page.unroute("**/status"))
        shown.confirm(phone, seen["id"])
        assert shown.back()["code"]


def test_the_phone_shows_what_the_page_shows(real: Bureau, login_page: Opening) -> None:
    with login_page() as shown:
        seen = scan(real.phone(), shown.qr())
        body = shown.do(shown.page.text_content("body"))
        assert seen["item"]["code"] == ITEM
        assert seen["item"]["title"] in body
        assert seen["client"]["name"] in body
        assert seen["client"]["origin"] in body
