"""Who floods us stops himself: other browsers log in at the same client, and a login's streams have an end."""

import contextlib
import logging
import time
from collections.abc import Iterator
from itertools import islice
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import httpx
import pytest

from auth.logins import feed, opening
from auth.logins.model import State
from ecard.client import Phone, Refused
from ecard.limits import Limit
from tests.auth.party import Party, Tab, new_pkce, query, standard
from tests.bureau import Bureau

STRANGER, HONEST = "127.0.0.9", "127.0.0.2"
LOWERED = {"BY_CLIENT": 5, "BY_ADDRESS": 10}


@pytest.fixture
def lowered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a short flood reaches, counted apart from all other tests'."""
    for name, times in LOWERED.items():
        limit: Limit = getattr(opening, name)
        monkeypatch.setattr(opening, name, limit._replace(operation=f"test_{uuid4().hex}", times=times))


@contextlib.contextmanager
def browser(bureau: Bureau, address: str) -> Iterator[httpx.Client]:
    """Yield a browser at an address of this machine."""
    transport = httpx.HTTPTransport(local_address=address)
    with httpx.Client(base_url=bureau.base_url, transport=transport, timeout=30) as http:
        yield http


def comes(http: httpx.Client, party: Party) -> str:
    """Return "page", or the error with which a browser is sent back."""
    went = http.get("/oauth/authorize", params=party.asked(new_pkce())).headers["location"]
    return "page" if went.startswith("/login/") else query(went)["error"]


def sits(bureau: Bureau, party: Party, phone: Phone) -> None:
    """Check that a browser elsewhere opens a page, and that its holder logs in."""
    pkce, tab = new_pkce(), Tab(bureau.base_url)
    with browser(bureau, HONEST) as http:
        answer = http.get("/oauth/authorize", params=party.asked(pkce))
    page = urlsplit(answer.headers["location"]).path
    assert page.startswith("/login/"), answer.headers["location"]
    name, _, value = answer.headers["set-cookie"].partition(";")[0].partition("=")
    tab._jar[name, "/"] = value
    party.approve(phone, tab, page)
    code = query(tab.get(f"{page}/done").headers["location"])["code"]
    assert party.redeem(code, pkce).status_code == 200


@pytest.mark.usefixtures("lowered")
def test_an_address_that_floods_a_client_stops_itself_and_no_other_browser(bureau: Bureau) -> None:
    party, phone = standard(bureau), bureau.phone()
    with browser(bureau, STRANGER) as stranger:
        found = [comes(stranger, party) for _ in range(3 * LOWERED["BY_ADDRESS"])]
    assert found.count("page") == LOWERED["BY_ADDRESS"]
    assert found[0] == "page"
    assert found[-1] != "page"
    sits(bureau, party, phone)


@pytest.mark.usefixtures("lowered")
def test_a_phone_that_floods_a_client_stops_no_browser(bureau: Bureau) -> None:
    party, rogue, phone = standard(bureau), bureau.phone(), bureau.phone()
    link = urlencode(party.asked(new_pkce()))
    for _ in range(3 * LOWERED["BY_CLIENT"]):
        with contextlib.suppress(Refused):
            rogue.call("POST", "/v1/logins/open", {"query": link})
    sits(bureau, party, phone)


def cookies(tab: Tab) -> dict[str, str]:
    """Return the header by which a tab's own stream is asked for."""
    return {"Cookie": "; ".join(f"{name}={value}" for (name, _), value in tab._jar.items())}


@contextlib.contextmanager
def streaming(bureau: Bureau, tab: Tab, page: str) -> Iterator[Iterator[str]]:
    """Yield the lines of a login's events."""
    with (
        httpx.Client(base_url=bureau.base_url, timeout=10) as http,
        http.stream("GET", f"{page}/events", headers=cookies(tab)) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield answer.iter_lines()


def test_a_login_has_four_streams_and_a_fifth_ends_at_once_while_its_page_polls(bureau: Bureau) -> None:
    party = standard(bureau)
    tab, page = party.begin(new_pkce())
    other, elsewhere = party.begin(new_pkce())
    with contextlib.ExitStack() as open_ones:
        # Kept: an iterator that is dropped closes its connection.
        kept = [open_ones.enter_context(streaming(bureau, tab, page)) for _ in range(feed.LOGINS.each)]
        assert all(next(lines).startswith("data: {") for lines in kept)
        asked = time.monotonic()
        for _ in range(3):
            with streaming(bureau, tab, page) as lines:
                assert list(islice(lines, 1)) == []
        assert time.monotonic() - asked < feed.PULSE / 2
        assert tab.status(page)["state"] == State.PENDING
        with streaming(bureau, other, elsewhere) as lines:
            assert next(lines).startswith("data: {")
    assert feed.LOGINS.each == 4
    deadline = time.monotonic() + 2 * feed.PULSE
    while True:
        with streaming(bureau, tab, page) as lines:
            if next(lines, ""):
                break
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_process_streams_so_many_logins_and_further_pages_poll(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    party = standard(bureau)
    monkeypatch.setattr(feed, "LOGINS", feed.LOGINS._replace(keys=1))
    tab, page = party.begin(new_pkce())
    other, elsewhere = party.begin(new_pkce())
    deadline = time.monotonic() + 2 * feed.PULSE
    with contextlib.ExitStack() as open_ones:
        # Streams of tests before this one are noticed to be gone, by and by.
        mine: Iterator[str] = iter(())
        while not next(mine, ""):
            assert time.monotonic() < deadline
            time.sleep(0.1)
            mine = open_ones.enter_context(streaming(bureau, tab, page))
        with streaming(bureau, other, elsewhere) as lines:
            assert list(islice(lines, 1)) == []
        assert other.status(elsewhere)["state"] == State.PENDING


def test_a_stream_whose_status_fails_ends_quietly_and_its_page_polls(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    party, phone = standard(bureau), bureau.phone()
    tab, page = party.begin(new_pkce())
    monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)

    async def fails(*_: object) -> None:
        raise ConnectionRefusedError

    with streaming(bureau, tab, page) as lines:
        assert next(lines).startswith("data: {")
        monkeypatch.setattr(feed, "status", fails)
        phone.call("POST", "/v1/logins/scan", {"qr": tab.status(page)["qr"]})
        assert list(islice(lines, 2)) in ([], [""])
    assert tab.status(page)["state"] == State.SCANNED
    time.sleep(0.3)
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR] == []
    said = [one.getMessage() for one in caplog.records if one.name == "auth.logins"]
    assert said == ["login stream ended: ConnectionRefusedError"]
