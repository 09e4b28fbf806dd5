"""The login page in a real browser, before a person with a phone: what stands there, and all that it does."""

import contextlib
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import zxingcpp
from PIL import Image, ImageFilter
from playwright.async_api import ConsoleMessage, Page, Route

from ecard.client import Phone
from tests.auth.party import Party, new_pkce, query
from tests.clients.browser import WAIT, Browser

WIDE = {"width": 1280, "height": 800}
NARROW = {"width": 360, "height": 740}


def photographed(picture: bytes) -> Image.Image:
    """Return a picture as a phone's camera sees it: held a little askew, smaller, not quite sharp."""
    seen = Image.open(BytesIO(picture)).convert("L").rotate(8, expand=True, fillcolor=255)
    return seen.resize((seen.width * 4 // 5, seen.height * 4 // 5)).filter(ImageFilter.GaussianBlur(1))


class _Site(http.server.BaseHTTPRequestHandler):
    """A client's site, to which the browser comes back: one line, and no more is asked for."""

    def do_GET(self) -> None:
        body = b"<!doctype html><title>back</title><link rel=icon href=data:,>"
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextlib.contextmanager
def site() -> Iterator[str]:
    """Serve a client's site; yield its redirect URI."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Site) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/callback"
        finally:
            server.shutdown()
            thread.join()


class Screen:
    """A tab of the browser; every request of it, and all that its console says, is kept."""

    def __init__(self, browser: Browser, page: Page, callback: str, pictures: Path) -> None:
        self._browser, self._callback, self._pictures = browser, callback, pictures
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        browser.do(self._listen())

    async def _listen(self) -> None:
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._said)

    def _said(self, line: ConsoleMessage) -> None:
        if line.type in {"error", "warning"}:
            self.complaints.append(f"{line.text} {line.location['url']}")

    def do(self, act: Any) -> Any:
        """Return what a coroutine of Playwright returns."""
        return self._browser.do(act)

    def open(self, party: Party, **changed: str) -> None:
        """Come to the login page by a client's link."""
        asked = party.asked(new_pkce(), redirect_uri=self._callback, **changed)
        self.do(self.page.goto(f"{party.issuer}/oauth/authorize?{urlencode(asked)}"))
        self.see("title-pending")
        self.steady()

    def steady(self) -> None:
        """Wait until the page has what it fetches at first: its script takes the code of the first status."""
        scripts = self.do(self.page.evaluate("document.querySelector('noscript').childElementCount")) == 0
        self.do(self.page.wait_for_selector(f"#qr[src$='v={int(scripts)}']"))
        self.until("(({complete, naturalWidth}) => complete && naturalWidth > 0)(document.getElementById('qr'))")

    @contextlib.contextmanager
    def staying(self) -> Iterator[None]:
        """Keep the page from going back to the client, so that one can look at it; the link on it still leads back."""

        async def nothing(route: Route) -> None:
            await route.fulfill(status=HTTPStatus.NO_CONTENT)

        self.do(self.page.route("**/done", nothing))
        yield
        self.do(self.page.unroute("**/done"))

    @property
    def login(self) -> str:
        """The id of the login on the page."""
        return urlsplit(self.page.url).path.split("/")[2]

    def see(self, name: str) -> None:
        """Wait until the element of this id is seen."""
        self.do(self.page.wait_for_selector(f"#{name}", state="visible"))

    def sees(self, name: str) -> bool:
        """Return whether the element of this id is seen now."""
        return bool(self.do(self.page.is_visible(f"#{name}")))

    def text(self, name: str) -> str:
        """Return what stands in the element of this id."""
        return str(self.do(self.page.inner_text(f"#{name}")))

    def js(self, expression: str) -> Any:
        """Return what an expression is in the page."""
        return self.do(self.page.evaluate(expression))

    def until(self, expression: str) -> None:
        """Wait until an expression is true in the page."""
        # By ourselves: the page's policy forbids what Playwright would do in it.
        deadline = time.monotonic() + WAIT / 1000
        while not self.js(expression):
            assert time.monotonic() < deadline, expression
            time.sleep(0.05)

    def focused(self) -> str:
        """Return the id of the element that has the focus, or its text."""
        return str(self.js("document.activeElement.id || document.activeElement.textContent"))

    def tab_to(self, wanted: str) -> None:
        """Press Tab until the element of this id, or text, has the focus."""
        for _ in range(12):
            self.do(self.page.keyboard.press("Tab"))
            if self.focused() == wanted:
                return
        msg = f"the Tab key does not reach {wanted}"
        raise AssertionError(msg)

    def status(self) -> dict[str, Any]:
        """Return what the server tells the page."""
        path = urlsplit(self.page.url).path
        told: dict[str, Any] = json.loads(self.js(f"fetch('{path}/status').then(answer => answer.text())"))
        return told

    def picture(self, name: str, *, whole: bool = False) -> bytes:
        """Return a picture of the screen (or of the whole page), and keep it under a name."""
        kept = self._pictures / f"{name}.png"
        taken: bytes = self.do(self.page.screenshot(path=kept, full_page=whole, animations="disabled"))
        return taken

    def qr(self, name: str = "qr", *, whole: bool = False) -> str:
        """Return the text that a camera reads off the screen."""
        found = zxingcpp.read_barcodes(photographed(self.picture(name, whole=whole)))
        assert [one.format for one in found] == [zxingcpp.BarcodeFormat.QRCode]
        return str(found[0].text)

    def confirm(self, phone: Phone, login: str, **more: Any) -> None:
        """Type the number on the screen into a phone, and confirm."""
        self.see("number")
        phone.call("POST", f"/v1/logins/{login}/confirm", {"number": self.text("number").strip(), **more})

    def back(self) -> dict[str, str]:
        """Wait until the browser is back at the client's site; return what it brings there."""
        self.do(self.page.wait_for_url(f"{self._callback}?*"))
        return query(self.page.url)

    def strangers(self, issuer: str) -> list[str]:
        """Return what was asked of anybody but the server; that the browser goes back to the client is no asking."""
        asked = [url for url in self.requests if not url.startswith(f"{self._callback}?")]
        return [url for url in asked if not url.startswith(f"{issuer}/")]


Opening = Callable[..., AbstractContextManager[Screen]]
"""Opens the login page in a new profile, given what else the client asks for, and options of the browser's context."""


def scan(phone: Phone, text: str) -> dict[str, Any]:
    """Scan a QR's text; return what the phone shows."""
    seen: dict[str, Any] = phone.call("POST", "/v1/logins/scan", {"qr": text}).json()
    return seen
