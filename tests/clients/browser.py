"""A real browser: Debian's Chromium driven by Playwright, and a page without a server that logs in with it."""

import asyncio
import contextlib
import functools
import http.server
import threading
from collections.abc import Callable, Coroutine, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import BrowserContext, Page, async_playwright

from tests.clients.node import HERE

EXECUTABLE = "/usr/bin/chromium"
# Root has no sandbox; the rest asks nobody outside.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
WAIT = 15_000

FILES = {
    "/": (HERE / "spa" / "index.html", "text/html"),
    "/callback": (HERE / "spa" / "index.html", "text/html"),
    "/app.js": (HERE / "spa" / "app.js", "text/javascript"),
    "/oidc-client-ts.js": (HERE / "node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js", "text/javascript"),
}

T = TypeVar("T")


class Browser:
    """A running browser. Playwright's coroutines run on a loop of their own, so that a test may use its own loops.

    A test says `browser.do(page.click("#login"))` of everything that Playwright calls awaitable.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, chromium: Chromium) -> None:
        self._loop, self._chromium = loop, chromium

    def do(self, act: Coroutine[Any, Any, T]) -> T:
        """Return what a coroutine of Playwright returns."""
        return asyncio.run_coroutine_threadsafe(act, self._loop).result(60)

    @contextlib.contextmanager
    def page(self, **options: Any) -> Iterator[Page]:
        """Yield a page of a new profile: no cookies, no storage; options are those of Playwright's contexts."""
        context = self.do(self._context(options))
        try:
            yield self.do(context.new_page())
        finally:
            self.do(context.close())

    async def _context(self, options: dict[str, Any]) -> BrowserContext:
        context = await self._chromium.new_context(**({"locale": "zh-CN"} | options))
        context.set_default_timeout(WAIT)
        return context


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser without a screen; where there is none, the test is skipped, which CI does not admit."""
    if not Path(EXECUTABLE).exists():
        pytest.skip(f"未测试网页登录 web logins not tested: {EXECUTABLE}")  # not Debian; CI fails it
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def wait(act: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(act, loop).result(60)

    driver = async_playwright()
    try:
        playwright = wait(driver.__aenter__())
        try:
            running = wait(playwright.chromium.launch(executable_path=EXECUTABLE, args=ARGUMENTS))
            yield Browser(loop, running)
            wait(running.close())
        finally:
            wait(driver.__aexit__())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class _Site(http.server.BaseHTTPRequestHandler):
    """Answers the files of the page, and its configuration."""

    def __init__(self, config: Callable[[], bytes], *arguments: Any) -> None:
        self.config = config
        super().__init__(*arguments)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/config.json":
            self._answer(self.config(), "application/json")
        elif path in FILES:
            file, kind = FILES[path]
            self._answer(file.read_bytes(), kind)
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


class App:
    """A page on a free port. Its client is registered at a provider by `redirect_uri`, then told by `configure`."""

    def __init__(self, port: int) -> None:
        self.origin = f"http://127.0.0.1:{port}"
        self.redirect_uri = f"{self.origin}/callback"
        self.settings: dict[str, Any] = {}

    def configure(self, authority: str, client_id: str, scope: str = "openid", **more: Any) -> None:
        """Say where the page logs in; more are settings of oidc-client-ts."""
        self.settings = {"authority": authority, "client_id": client_id, "scope": scope, **more}


@contextlib.contextmanager
def app() -> Iterator[App]:
    """Serve the page."""
    made: list[App] = []
    handler = functools.partial(_Site, lambda: msgspec.json.encode(made[0].settings))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        made.append(App(server.server_port))
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield made[0]
        finally:
            server.shutdown()
            thread.join()
