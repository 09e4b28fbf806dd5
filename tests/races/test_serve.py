"""`ecard serve` when its processes die: what was acknowledged stays, nothing is accepted twice, nobody is left."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from ecard.client import Phone, Refused
from ecard.problems import declared
from tests.auth.party import new_pkce, standard
from tests.bureau import Bureau
from tests.races.lines import new_terminals
from tests.races.load import Load, assert_each_once, uses
from tests.races.server import COMMAND, ROOT, Server, environment, eventually, gone, open_bureau, open_directory

CLIENTS = 8


class Site:
    """A place where a server is killed and started again, on the same data and the same port."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.server = Server(place)
        self.bureau = open_bureau(self.server)
        self.terminals = new_terminals(self.bureau, CLIENTS)

    def load(self, phone: Phone) -> Load:
        """Return terminals that go on using the phone's codes."""
        return Load(self.server.port, phone, self.terminals)

    def again(self) -> Server:
        """Start the next server."""
        self.server = Server(self.place, port=self.server.port)
        return self.server


@pytest.fixture(scope="module")
def restarted() -> Iterator[Site]:
    with open_directory() as place:
        site = Site(place)
        try:
            yield site
        finally:
            site.server.stop()
            site.bureau.http.close()


@pytest.fixture
def site(restarted: Site) -> Iterator[Site]:
    """The place with its server running, whatever the last test did to it; nothing may log a traceback."""
    if restarted.server.process.poll() is not None or not restarted.server.healthy():
        restarted.server.stop()
        restarted.again()
    first = restarted.server
    yield restarted
    said = first.said() + restarted.server.said()
    assert "Traceback" not in said, said


@pytest.fixture
def phone(site: Site) -> Phone:
    return site.bureau.phone()


def serve(place: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `ecard serve` where it is expected to end by itself."""
    command = [*COMMAND, "serve", "--sandbox", *options]
    return subprocess.run(
        command, cwd=ROOT, env=environment(place, {}), capture_output=True, text=True, timeout=20, check=False
    )


def is_two_language_error(text: str, *parts: str) -> bool:
    """Say whether a person is told, in Chinese and in English and without a traceback, all of `parts`."""
    has_both = any("一" <= c <= "鿿" for c in text) and all(part in text for part in parts)
    return has_both and "Traceback" not in text


def test_a_worker_killed_under_load_is_replaced_and_no_code_is_used_twice(site: Site, phone: Phone) -> None:
    server = site.server
    with site.load(phone) as load:
        before = {worker.pid for worker in server.workers()}
        victim = max(server.workers(), key=lambda worker: len(server.clients(worker)))
        assert server.clients(victim)
        victim.kill()
        started = time.monotonic()
        assert eventually(server.healthy, 5)
        assert eventually(lambda: len(server.workers()) == 2 and victim not in server.workers(), 5)
        assert time.monotonic() - started < 5
        load.await_codes(10)
    assert {worker.pid for worker in server.workers()} & before == before - {victim.pid}
    assert load.broken > 0
    assert load.problems() == {"", "code_replayed"}
    assert_each_once(load, phone, site.bureau.terminal())


def test_every_worker_killed_at_once_and_again_while_starting_is_replaced(site: Site) -> None:
    server = site.server
    for _ in range(2):
        victims = set(server.workers())
        for victim in victims:
            victim.kill()
        assert eventually(lambda v=victims: len(set(server.workers()) - v) == 2, 5)  # type: ignore[misc] # mypy does not infer a default's type
    assert eventually(server.healthy, 10)
    assert server.process.poll() is None


def test_a_second_server_on_the_data_directory_is_refused_in_two_languages(site: Site) -> None:
    answer = serve(site.server.place, "--port", "0")
    assert answer.returncode == 1
    assert is_two_language_error(answer.stderr, str(site.server.process.pid), "正被进程", "is in use by process")
    assert site.server.healthy()


def test_a_port_that_is_taken_is_refused_in_two_languages(site: Site) -> None:
    with open_directory() as place:
        answer = serve(place, "--port", str(site.server.port))
    assert answer.returncode == 1
    assert is_two_language_error(answer.stderr, str(site.server.port), "无法监听", "Cannot listen")


def test_sigterm_under_load_ends_everything_within_ten_seconds(site: Site, phone: Phone) -> None:
    family = site.server.family()
    assert len(family) > 4
    with site.load(phone) as load:
        started = time.monotonic()
        assert site.server.stop() == 0
        assert time.monotonic() - started < 10
        assert [process for process in family if not gone(process)] == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{site.server.url}/health")
    site.again()
    assert_each_once(load, phone, site.bureau.terminal())


def test_kill_9_of_the_supervisor_leaves_nobody_and_the_next_start_has_everything(site: Site, phone: Phone) -> None:
    family = site.server.family()
    with site.load(phone) as load:
        site.server.process.kill()
        site.server.process.wait()
        assert eventually(lambda: all(map(gone, family)), 8), [process.name() for process in family]
    again = site.again()
    assert again.ready()[0] == 200
    assert_each_once(load, phone, site.bureau.terminal())


def test_without_its_database_the_server_refuses_and_a_restart_has_all_that_was_acknowledged(
    site: Site, phone: Phone
) -> None:
    server = site.server
    with site.load(phone) as load:
        load.await_codes(10)
        server.stores()[0].kill()
        load.await_problem("unavailable")
        load.await_codes(5)
        catalogue = httpx.get(f"{server.url}/v1/catalogue", timeout=2)
        ready, body = server.ready()
        with pytest.raises(Refused) as refused:
            phone.uses()
    assert catalogue.status_code == 200
    assert (ready, body["status"], body["database"]) == (503, "down", "down")
    assert (refused.value.status, refused.value.code) == (503, "unavailable")
    assert refused.value.headers["content-type"] == "application/problem+json"
    assert load.problems() == {"", "code_replayed", "unavailable"}
    assert load.slowest < 3
    assert any(load.acknowledged().values())
    assert server.stop() == 0
    again = site.again()
    assert again.ready()[0] == 200
    assert_each_once(load, phone, site.bureau.terminal())
    assert uses(phone)


@pytest.mark.parametrize(
    "lost",
    [
        asyncpg.ConnectionDoesNotExistError(),
        asyncpg.CannotConnectNowError(),
        asyncpg.InternalClientError("cannot switch to state"),
        ConnectionRefusedError(),
        OSError("Multiple exceptions: of the addresses of a host name"),
        TimeoutError(),
    ],
)
def test_each_way_of_losing_a_store_is_told_as_unavailable_and_not_as_a_fault(lost: Exception) -> None:
    told = declared(lost)
    assert (told.status, told.code) == (503, "unavailable")
    assert int(told.headers["Retry-After"]) > 0


def address_shown(bureau: Bureau, forwarded: str) -> str:
    """Return whose address a phone shows for a browser's login when the proxy in front says `forwarded`."""
    party = standard(bureau)
    with httpx.Client(base_url=bureau.base_url, headers={"X-Forwarded-For": forwarded}) as browser:
        begun = browser.get("/oauth/authorize", params=party.asked(new_pkce()))
        qr = browser.get(f"{begun.headers['location']}/status").json()["qr"]
    shown: str = bureau.phone().call("POST", "/v1/logins/scan", {"qr": qr}).json()["address"]
    return shown


def test_behind_a_proxy_that_is_named_a_holder_sees_the_browsers_address() -> None:
    with open_directory() as place:
        server = Server(place, workers=1, given={"ECARD_PROXIES": "127.0.0.1"})
        try:
            bureau = open_bureau(server)
            with contextlib.closing(bureau.http):
                assert address_shown(bureau, "198.51.100.9, 203.0.113.7") == "203.0.113.7"
        finally:
            server.stop()


def test_an_address_that_a_browser_makes_up_is_not_shown(site: Site) -> None:
    assert address_shown(site.bureau, "203.0.113.7") == "127.0.0.1"
