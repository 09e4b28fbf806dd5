"""The main job on stores that we did not start: PostgreSQL and Redis of the system, by their URLs alone."""

import subprocess
import time
from collections.abc import Iterator
from typing import NamedTuple

import psutil
import pytest

from ecard.client import Refused
from ecard.ids import new_id
from tests.bureau import PASSWORD, Bureau
from tests.races.debian import Store, postgresql, programs, redis_server
from tests.races.server import COMMAND, ROOT, Server, environment, eventually, gone, open_bureau, open_directory

NEEDED = {"initdb", "postgres", "redis-server"}


class Site(NamedTuple):
    """A server on stores of the system."""

    server: Server
    bureau: Bureau
    database: Store
    redis: Store


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    missing = NEEDED - set(programs())
    if missing:
        names = ", ".join(sorted(missing))
        pytest.skip(f"未测试外部存储, 缺少 external stores not tested, missing: {names}")  # not Debian; CI fails it
    with open_directory() as place, postgresql(place) as database, redis_server(place) as redis:
        urls = {"ECARD_DATABASE_URL": database.url, "ECARD_REDIS_URL": redis.url}
        server = Server(place, given={**urls, "ECARD_MASTER_KEY": bytes(range(32)).hex()})
        try:
            bureau = open_bureau(server)
            yield Site(server, bureau, database, redis)
            bureau.http.close()
        finally:
            server.stop()
        assert "request_id=" not in server.said(), server.said()


def refusal(site: Site, shown: str) -> str:
    with pytest.raises(Refused) as refused:
        site.bureau.terminal().visit("A1-01", shown)
    return refused.value.code


def test_the_main_job_runs_on_the_stores_of_the_system(site: Site) -> None:
    phone, terminal = site.bureau.phone(level=2), site.bureau.terminal()
    code = phone.code()
    visit = terminal.visit("A1-01", code)
    assert visit["form"] == "electronic"
    assert terminal.introspect(visit["assertion"])["active"]
    assert refusal(site, code) == "code_replayed"
    late, number = phone.code(), str(phone.codes(count=2)[1]["number"])
    phone.report_lost()
    assert refusal(site, late) == refusal(site, number) == "card_suspended"
    assert not terminal.introspect(visit["assertion"])["active"]
    phone.report_found(PASSWORD)
    assert terminal.visit("A1-01", number)["acr"] == "l2-possession"
    assert refusal(site, number) == "code_replayed"
    assert len(phone.uses()) == 2


def test_with_urls_given_no_store_of_our_own_is_started(site: Site) -> None:
    assert {process.name() for process in site.server.family()} <= {"python", "python3", "python3.11"}
    assert not (site.server.data / "postgres").exists()
    assert not (site.server.data / "valkey").exists()


def test_stores_that_were_killed_and_came_back_are_used_again_and_nothing_is_lost(site: Site) -> None:
    server, phone = site.server, site.bureau.phone()
    code, late = phone.code(), phone.code()
    visit = site.bureau.terminal().visit("A1-01", code)["visit"]
    site.database.kill()
    site.redis.kill()
    assert refusal(site, late) == "unavailable"
    assert server.ready()[0] == 503
    # A worker that dies now cannot start; the other goes on, and so does the supervisor.
    server.workers()[0].kill()
    assert eventually(lambda: "Application startup failed" in server.said(), 10), server.said()
    assert all(server.healthy() for _ in range(30))
    site.database.start()
    site.redis.start()
    assert eventually(lambda: len(server.workers()) == 2 and server.ready()[1]["status"] == "ok", 15), server.said()
    assert refusal(site, code) == "code_replayed"
    again = site.bureau.terminal().visit("A1-01", late)["visit"]
    assert [use["id"] for use in phone.uses()] == [again, visit]


def test_a_database_that_hangs_is_told_as_unavailable_and_what_was_asked_is_done_once(site: Site) -> None:
    phone, terminal = site.bureau.phone(), site.bureau.terminal()
    code, key = phone.code(), new_id().hex
    started = time.monotonic()
    with site.database.hanging(), pytest.raises(Refused) as refused:
        terminal.visit("A1-01", code, key=key)
    assert (refused.value.status, refused.value.code) == (503, "unavailable")
    assert time.monotonic() - started < 12
    assert eventually(lambda: site.server.ready()[1]["status"] == "ok", 5)
    # It may have been asked for when the database stood still: the same request again tells.
    visit = terminal.visit("A1-01", code, key=key)["visit"]
    assert refusal(site, code) == "code_replayed"
    assert [use["id"] for use in phone.uses()] == [visit]


def test_kill_9_of_the_supervisor_while_its_workers_start_leaves_none_behind(site: Site) -> None:
    with open_directory() as place, (place / "said").open("wb") as said:
        command = [*COMMAND, "serve", "--sandbox", "--port", "0", "--workers", "2"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment(place, site.server.given), stderr=said)
        parent = psutil.Process(process.pid)
        assert eventually(lambda: "ecard.cli.worker" in str([child.cmdline() for child in parent.children()]), 30)
        family = parent.children(recursive=True)
        process.kill()
        process.wait()
        try:
            assert eventually(lambda: all(map(gone, family)), 8)
        finally:
            for left in family:
                if not gone(left):
                    left.kill()
