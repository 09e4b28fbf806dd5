"""The loopback, from pages in a real Chromium: only a configured origin with the backend's token gets in."""

import asyncio
import contextlib
import http.server
import secrets
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import psutil
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.async_api import Page
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from cardio.bridge.queue import Queue
from cardio.virtual.card import VirtualCard
from tests.bureau import Bureau
from tests.cardio.bridge.desk import READER, SELECT
from tests.cardio.bridge.office import Office
from tests.clients.browser import Browser, chromium

# What a page does: it opens the socket, says its first frame, and keeps what it hears until it is closed.
TALK = """([url, first]) => new Promise(done => {
  const heard = [], socket = new WebSocket(url);
  window.talk = {socket, heard};
  socket.onmessage = event => { heard.push(JSON.parse(event.data)); done(['open', heard[0]]); };
  socket.onclose = event => { window.talk.code = event.code; done(['closed', event.code]); };
  socket.onopen = () => first && socket.send(JSON.stringify(first));
})"""
HEARD = """type => new Promise((done, fail) => {
  const end = Date.now() + 5000, look = () => {
    const at = window.talk.heard.findIndex(frame => frame.type === type);
    if (at >= 0) done(window.talk.heard.splice(at, 1)[0]);
    else if (window.talk.code) done({closed: window.talk.code});
    else if (Date.now() > end) fail(JSON.stringify(window.talk.heard));
    else setTimeout(look, 10);
  }; look();
})"""
SAY = "frame => window.talk.socket.send(JSON.stringify(frame))"
REFUSED = ["closed", 1006]


class _Blank(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><link rel=icon href=data:,>")

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextlib.contextmanager
def site() -> Iterator[str]:
    """Serve an empty page; yield its origin."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Blank) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class Tab:
    """A page of a site in the browser."""

    def __init__(self, browser: Browser, page: Page, origin: str) -> None:
        self._browser, self._page = browser, page
        browser.do(page.goto(origin))

    def _run(self, script: str, argument: object) -> Any:
        return self._browser.do(self._page.evaluate(script, argument))

    def talk(self, port: int, first: object, host: str = "127.0.0.1") -> Any:
        """Open the socket and say the first frame; return what came first."""
        return self._run(TALK, [f"ws://{host}:{port}/", first])

    def say(self, kind: str, **members: object) -> None:
        """Say a frame."""
        self._run(SAY, {"type": kind, **members})

    def hear(self, kind: str) -> Any:
        """Return the next frame of a kind, or how the socket was closed."""
        return self._run(HEARD, kind)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def sites() -> Iterator[tuple[str, str]]:
    """The origins of the counter's page and of a foreign one."""
    with site() as own, site() as foreign:
        yield own, foreign


@pytest.fixture
def office(bureau: Bureau, tmp_path: Path) -> Office:
    return Office(bureau, tmp_path)


@contextlib.contextmanager
def tab(browser: Browser, origin: str) -> Iterator[Tab]:
    with browser.page() as page:
        yield Tab(browser, page, origin)


def hello(office: Office, item: str = "A1-36") -> dict[str, str]:
    return {"type": "hello", "token": office.token(item)}


def test_a_page_reads_a_card_with_the_backends_token(office: Office, browser: Browser, sites: tuple[str, str]) -> None:
    office.desk.tray.put(VirtualCard())
    with office.open(sites[0]) as port, tab(browser, sites[0]) as page:
        state, readers = page.talk(port, hello(office))
        assert (state, readers["readers"][0]["name"]) == ("open", READER)
        session = str(uuid4())
        page.say("open", session=session, policy="identify", item="A1-36")
        assert page.hear("opened")["reader"] == READER
        page.say("apdus", session=session, n=1, commands=[SELECT, "00A4020002EF05", "00B207040B"])
        answers = page.hear("answers")["answers"]
        assert [answer[-4:] for answer in answers] == ["9000"] * 3
        assert bytes.fromhex(answers[2])[2:-2] == b"A99000001"
        # The same list of what is allowed holds here.
        page.say("apdus", session=session, n=2, commands=["0020000003123456"])
        assert page.hear("failed")["code"] == "not_allowed"


def test_a_foreign_origin_is_refused(office: Office, browser: Browser, sites: tuple[str, str]) -> None:
    with office.open(sites[0]) as port, tab(browser, sites[1]) as page:
        assert page.talk(port, hello(office)) == REFUSED


def test_a_foreign_host_is_refused(office: Office, browser: Browser, sites: tuple[str, str]) -> None:
    """A name that was made to point here: browsers resolve every name under localhost to this PC."""
    with office.open(sites[0]) as port, tab(browser, sites[0]) as page:
        assert page.talk(port, hello(office), host="rebound.localhost") == REFUSED
        assert page.talk(port, hello(office), host="localhost")[0] == "open"


def status(port: int, **options: Any) -> int:
    """Return how a handshake is answered."""

    async def ask() -> int:
        try:
            async with connect(f"ws://127.0.0.1:{port}/", **options):
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code

    return asyncio.run(ask())


def test_the_handshake_says_which_check_failed_and_knows_no_wildcard(office: Office, sites: tuple[str, str]) -> None:
    own = sites[0]
    with office.open(own) as port:
        assert status(port) == 403
        assert status(port, origin="null") == 403
        assert status(port, origin=own.replace("127.0.0.1", "127.0.0.1.evil.example")) == 403
        assert status(port, origin=f"{own}/") == 403
        assert status(port, origin=own.upper()) == 403
        assert status(port, origin=own, additional_headers={"Origin": sites[1]}) == 403
        assert status(port, origin=own, additional_headers={"Host": "evil.example"}) in {400, 421}
        assert status(port, origin=own) == 101


def test_it_listens_on_this_pc_alone(office: Office, sites: tuple[str, str]) -> None:
    with office.open(sites[0]) as port:
        listening = [
            one.laddr.ip
            for one in psutil.Process().net_connections("inet")
            if one.status == psutil.CONN_LISTEN and one.laddr.port == port
        ]
        assert listening == ["127.0.0.1"]


def forged(office: Office) -> str:
    """Return a token like the backend's, signed with another key under its name."""
    right = jwt.decode(office.token(), options={"verify_signature": False})
    header = jwt.get_unverified_header(office.token())
    return jwt.encode(right, ec.generate_private_key(ec.SECP256R1()), "ES256", headers=header)


def test_an_unpaired_page_is_refused(
    office: Office, bureau: Bureau, tmp_path: Path, browser: Browser, sites: tuple[str, str]
) -> None:
    other = Office(bureau, tmp_path / "other")
    with other.open(sites[0]):
        of_another = other.token()
    with office.open(sites[0]) as port, tab(browser, sites[0]) as page:
        used = office.token()
        assert page.talk(port, {"type": "hello", "token": used})[0] == "open"
        page.say("bad")
        assert page.hear("none") == {"closed": 1008}
        for token in ("", "x.y.z", used, of_another, forged(office), secrets.token_urlsafe(40)):
            assert page.talk(port, {"type": "hello", "token": token}) == ["closed", 4401]
        assert page.talk(port, {"type": "open"}) == ["closed", 4401]


def test_a_page_that_says_nothing_is_shown_the_door(
    office: Office, browser: Browser, sites: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cardio.bridge.loopback._HELLO", 0.2)
    with office.open(sites[0]) as port, tab(browser, sites[0]) as page:
        assert page.talk(port, None) == ["closed", 4401]


def test_a_second_page_is_refused_and_the_first_goes_on(
    office: Office, browser: Browser, sites: tuple[str, str]
) -> None:
    office.desk.tray.put(VirtualCard())
    with office.open(sites[0]) as port, tab(browser, sites[0]) as first, tab(browser, sites[0]) as second:
        first.talk(port, hello(office))
        assert second.talk(port, hello(office)) == ["closed", 4409]
        session = str(uuid4())
        first.say("open", session=session, policy="identify", item="A1-36")
        assert first.hear("opened")["session"] == session


def test_a_page_cannot_take_another_policy_or_item_than_its_tokens(
    office: Office, browser: Browser, sites: tuple[str, str]
) -> None:
    office.desk.tray.put(VirtualCard())
    with office.open(sites[0]) as port, tab(browser, sites[0]) as page:
        page.talk(port, hello(office))
        for policy, item in (("settle_a2_52", "A1-36"), ("identify", "A1-01")):
            page.say("open", session=str(uuid4()), policy=policy, item=item)
            assert page.hear("failed")["code"] == "not_allowed"


def test_the_card_is_let_go_when_the_page_goes(office: Office, browser: Browser, sites: tuple[str, str]) -> None:
    office.desk.tray.put(VirtualCard())
    with office.open(sites[0]) as port:
        with tab(browser, sites[0]) as page:
            page.talk(port, hello(office))
            page.say("open", session=str(uuid4()), policy="identify", item="A1-36")
            page.hear("opened")
            assert office.desk.tray.held
        deadline = time.monotonic() + 5
        while office.desk.tray.held:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_an_oversized_frame_ends_the_page(office: Office, browser: Browser, sites: tuple[str, str]) -> None:
    with office.open(sites[0]) as port, tab(browser, sites[0]) as page:
        page.talk(port, hello(office))
        page.say("open", session="x" * 70_000)
        assert page.hear("none") == {"closed": 1009}


def test_a_page_hands_over_settlements_while_the_network_is_away(
    office: Office, browser: Browser, sites: tuple[str, str]
) -> None:
    queue = Queue(office.desk.home.queue, office.desk.home.device().queue_key())
    settlement = {
        "institution": "H11990000001",
        "serial": "20261125000001",
        "settled_at": "2026-11-25T09:30:00+08:00",
        "total": 12_850,
        "fund": 9_000,
        "account": 3_000,
        "cash": 850,
    }
    with office.open(sites[0]) as port, tab(browser, sites[0]) as page:
        page.talk(port, hello(office, "A2-52"))
        page.say("enqueue", settlement=settlement)
        assert page.hear("enqueued")["seq"] == 1
        office.desk.sees("第 1 条已上传")
        assert queue.pending() == []
        page.say("enqueue", settlement={**settlement, "total": 1})
        assert page.hear("enqueued") == {"closed": 1008}
        page.talk(port, hello(office))
        page.say("enqueue", settlement=settlement)
        assert page.hear("enqueued") == {"closed": 1008}
    assert queue.pending() == []


def test_a_connection_that_is_cut_off_leaves_room_for_the_next(office: Office, sites: tuple[str, str]) -> None:
    async def come_and_go(port: int) -> None:
        for _ in range(3):
            async with connect(f"ws://127.0.0.1:{port}/", origin=Origin(sites[0])) as page:
                token = await asyncio.to_thread(office.token)
                await page.send(f'{{"type":"hello","token":"{token}"}}')
                assert '"readers"' in str(await page.recv())
                page.transport.abort()
                with contextlib.suppress(ConnectionClosed):
                    await page.recv()

    with office.open(sites[0]) as port:
        asyncio.run(come_and_go(port))
