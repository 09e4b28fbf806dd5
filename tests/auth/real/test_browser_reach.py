"""The login page for everybody: in two languages, on a narrow screen, by keyboard, by ear, and without scripts."""

import pytest

from tests.auth.real.browsing import NARROW, Opening, scan
from tests.bureau import Bureau


def test_the_page_speaks_english_to_an_english_browser(real: Bureau, login_page: Opening) -> None:
    with login_page(locale="en-GB") as shown:
        assert shown.js("document.documentElement.lang") == "en"
        assert shown.text("title-pending") == "Scan to sign in"
        phone = real.phone()
        seen = scan(phone, shown.qr("english"))
        shown.see("number")
        shown.picture("english-scanned")
        shown.confirm(phone, seen["id"])
        assert shown.back()["code"]


def test_the_client_may_choose_the_language(login_page: Opening) -> None:
    with login_page({"ui_locales": "en zh"}) as shown:
        assert shown.js("document.documentElement.lang") == "en"


@pytest.mark.parametrize("width", [NARROW["width"], 320])
def test_on_a_narrow_screen_nothing_is_cut_off(real: Bureau, login_page: Opening, width: int) -> None:
    phone = real.phone()
    with login_page(viewport={**NARROW, "width": width}, has_touch=True) as shown:
        assert shown.sees("app")
        text = shown.qr(f"narrow-{width}", whole=True)
        assert shown.js("document.documentElement.scrollWidth") <= width
        seen = scan(phone, text)
        shown.see("number")
        shown.picture(f"narrow-{width}-scanned", whole=True)
        assert shown.js("document.documentElement.scrollWidth") <= width
        shown.confirm(phone, seen["id"])
        assert shown.back()["code"]


def test_the_keyboard_alone_cancels(login_page: Opening) -> None:
    with login_page() as shown:
        shown.tab_to("cancel")
        shown.do(shown.page.keyboard.press("Enter"))
        answer = shown.back()
        assert (answer["error"], answer["state"]) == ("access_denied", "s1")


def test_the_keyboard_alone_changes_the_language_of_the_same_login(login_page: Opening) -> None:
    with login_page() as shown:
        login = shown.login
        shown.tab_to("English")
        shown.do(shown.page.keyboard.press("Enter"))
        shown.do(shown.page.wait_for_selector("html[lang=en]"))
        assert (shown.login, shown.qr()) == (login, shown.status()["qr"])
        shown.tab_to("中文")
        shown.do(shown.page.keyboard.press("Enter"))
        shown.do(shown.page.wait_for_selector("html[lang=zh]"))


def test_a_change_is_told_to_who_does_not_see_it(real: Bureau, login_page: Opening) -> None:
    """The heading of what is now takes the focus, and the live region says it."""
    phone = real.phone()
    with login_page() as shown:
        live = "(({role, ariaLive}) => [role, ariaLive])(document.getElementById('status'))"
        assert shown.js(live) == ["status", None]
        assert (shown.focused() != "title-pending", shown.text("status")) == (True, "")
        scan(phone, shown.qr())
        shown.see("title-scanned")
        assert shown.focused() == "title-scanned"
        assert shown.text("status") == shown.text("title-scanned")


def test_without_scripts_a_login_goes_its_whole_way(real: Bureau, login_page: Opening) -> None:
    phone = real.phone()
    with login_page(java_script_enabled=False) as shown:
        seen = scan(phone, shown.qr("without-scripts"))
        shown.see("number")
        shown.picture("without-scripts-scanned")
        shown.confirm(phone, seen["id"])
        assert shown.back()["code"]


def test_without_scripts_a_login_is_cancelled(login_page: Opening) -> None:
    with login_page(java_script_enabled=False) as shown:
        shown.do(shown.page.click("#cancel"))
        assert shown.back()["error"] == "access_denied"
