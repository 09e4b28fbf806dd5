"""The embedded stores through their front door: real servers, real processes, real signals."""

import asyncio
import os
import re
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
import redis

from ecard.embedded import DirectoryBusy, StoreFailed, Stores, StoresError, attached, running

Own = Callable[..., Any]
"""Starts an `Owner` of conftest."""


def quiet(_line: str) -> None:
    """Say nothing."""


def query(url: str, *statements: str) -> object:
    """Run the statements and return the last one's value."""

    async def ask() -> object:
        connection = await asyncpg.connect(url)
        try:
            return [await connection.fetchval(statement) for statement in statements][-1]
        finally:
            await connection.close()

    return asyncio.run(ask())


def pong(url: str) -> bool:
    """Say whether the cache answers."""
    with redis.Redis.from_url(url) as client:
        return bool(client.ping())


def servers(directory: Path) -> list[psutil.Process]:
    """Find the two servers that run on this directory, by their own pid files."""
    files = (directory / "postgres" / "postmaster.pid", directory / "valkey" / "valkey.pid")
    return [psutil.Process(int(file.read_text().split("\n")[0])) for file in files]


def gone(process: psutil.Process) -> bool:
    """Say whether the process has ended, reaped or not."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def eventually(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Say whether the condition comes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_data_survives_a_restart(directory: Path) -> None:
    with running(directory, say=quiet) as stores:
        query(stores.database_url, "CREATE TABLE t (v int)", "INSERT INTO t VALUES (7)")
        assert pong(stores.redis_url)
    with running(directory, say=quiet) as stores:
        assert query(stores.database_url, "SELECT v FROM t") == 7


def test_a_commit_is_on_disk_before_it_is_answered(directory: Path) -> None:
    with running(directory, need_redis=False, say=quiet) as stores:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert query(stores.database_url, f"SHOW {setting}") == "on"


def test_only_what_is_needed_is_started(directory: Path) -> None:
    with running(directory, need_postgres=False, say=quiet) as stores:
        assert stores.database_url == ""
        assert pong(stores.redis_url)
        assert not (directory / "postgres").exists()


def test_the_servers_end_with_the_context_even_when_it_fails(directory: Path) -> None:
    left: list[psutil.Process] = []

    def fail_at_work() -> None:
        with running(directory, say=quiet):
            left.extend(servers(directory))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_at_work()
    assert len(left) == 2
    assert all(gone(process) for process in left)


def test_each_line_said_is_chinese_then_english(directory: Path) -> None:
    lines: list[str] = []
    with running(directory, say=lines.append):
        pass
    assert any("首次启动" in line for line in lines)
    for line in lines:
        parts = re.fullmatch(r"(.+[。…]) (.+[.…])", line)
        assert parts
        assert not parts[1].isascii()
        assert parts[2].rstrip("…").isascii()


def test_without_a_listener_the_lines_go_to_standard_error(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with running(directory, need_postgres=False):
        pass
    assert "存储已就绪" in capsys.readouterr().err


def test_a_second_owner_is_refused_and_told_the_first_ones_pid(directory: Path, own: Own) -> None:
    owner = own()
    with pytest.raises(DirectoryBusy) as caught, running(directory, say=quiet):
        pass
    assert caught.value.pid == owner.process.pid
    assert str(owner.process.pid) in caught.value.text.zh
    assert str(owner.process.pid) in caught.value.text.en
    assert attached(directory) == owner.stores
    assert query(owner.stores.database_url, "SELECT 1") == 1


def test_another_process_finds_the_urls_while_the_owner_lives(directory: Path, own: Own) -> None:
    assert attached(directory) is None
    owner = own()
    assert attached(directory) == owner.stores
    owner.close()
    assert attached(directory) is None


def test_after_kill_9_the_servers_end_by_themselves_and_nobody_owns_the_directory(directory: Path, own: Own) -> None:
    owner = own()
    left = servers(directory)
    owner.kill()
    assert attached(directory) is None
    assert eventually(lambda: all(gone(process) for process in left))
    assert "received fast shutdown request" in (directory / "postgres.log").read_text()


@pytest.mark.parametrize("options", [(), ("no-farewell",)])
def test_after_kill_9_the_next_owner_starts_with_all_data(directory: Path, own: Own, options: tuple[str, ...]) -> None:
    owner = own(*options)
    query(owner.stores.database_url, "CREATE TABLE t (v int)", "INSERT INTO t VALUES (7)")
    left = servers(directory)
    owner.kill()
    with running(directory, say=quiet) as stores:
        assert all(gone(process) for process in left)
        assert query(stores.database_url, "SELECT v FROM t") == 7
        assert pong(stores.redis_url)


def test_orphans_are_stopped_by_the_next_owner_which_says_so(directory: Path, own: Own) -> None:
    own("no-farewell").kill()
    left = servers(directory)
    assert not any(gone(process) for process in left)
    lines: list[str] = []
    with running(directory, say=lines.append):
        assert all(gone(process) for process in left)
    for process in left:
        assert any(str(process.pid) in line for line in lines)


def test_a_server_that_was_killed_too_is_recovered(directory: Path, own: Own) -> None:
    owner = own("no-farewell")
    query(owner.stores.database_url, "CREATE TABLE t (v int)", "INSERT INTO t VALUES (7)")
    left = servers(directory)
    owner.kill()
    for process in left:
        process.kill()
    with running(directory, say=quiet) as stores:
        assert query(stores.database_url, "SELECT v FROM t") == 7


def test_a_pid_file_that_names_somebody_else_harms_nobody(directory: Path) -> None:
    with running(directory, say=quiet):
        pass
    (directory / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n")
    (directory / "valkey" / "valkey.pid").write_text(f"{os.getpid()}\n")
    with running(directory, say=quiet) as stores:  # and this process is still here to see it
        assert query(stores.database_url, "SELECT 1") == 1


def test_a_broken_pid_file_is_no_obstacle(directory: Path) -> None:
    with running(directory, need_postgres=False, say=quiet):
        pass
    (directory / "valkey" / "valkey.pid").write_text("")
    with running(directory, need_postgres=False, say=quiet) as stores:
        assert pong(stores.redis_url)


def test_everything_listens_on_the_loopback_address_only(directory: Path) -> None:
    with running(directory, say=quiet):
        for process in servers(directory):
            listening = [c for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN]
            assert [c.laddr.ip for c in listening] == ["127.0.0.1"]
            assert process.net_connections("unix") == []


def test_nobody_gets_in_without_the_password(directory: Path) -> None:
    with running(directory, say=quiet) as stores:
        password = (directory / "secret").read_text()
        assert len(password) == 48
        for url in stores:
            assert password in url
        with pytest.raises(asyncpg.InvalidPasswordError):
            query(stores.database_url.replace(password, "wrong"), "SELECT 1")
        with pytest.raises(redis.AuthenticationError):
            pong(stores.redis_url.replace(password, "wrong"))
        with pytest.raises(redis.AuthenticationError):
            pong(stores.redis_url.replace(f":{password}@", ""))


def test_the_password_is_readable_by_nobody_else(directory: Path) -> None:
    with running(directory, say=quiet) as stores:
        password = (directory / "secret").read_text()
        for process in servers(directory):
            assert password not in " ".join(process.cmdline())
            assert password not in " ".join(process.environ().values())
        for path in directory.rglob("*"):
            if path.is_file() and password.encode() in path.read_bytes():
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stores == attached(directory)


def test_a_lost_password_is_an_error_that_says_what_to_do(directory: Path) -> None:
    with running(directory, say=quiet):
        pass
    (directory / "secret").unlink()
    with pytest.raises(StoresError, match="secret"), running(directory, say=quiet):
        pass


def test_a_server_that_does_not_start_is_an_error_with_its_own_words(directory: Path) -> None:
    with running(directory, say=quiet):
        pass
    (directory / "postgres" / "PG_VERSION").write_text("7\n")
    with pytest.raises(StoreFailed, match="incompatible with server"), running(directory, say=quiet):
        pass
    assert not (directory / "valkey" / "valkey.pid").exists()


def test_an_initialisation_that_fails_leaves_no_half_made_database(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("ecard.embedded.postgres.DATABASE", "not a name")
        with pytest.raises(StoreFailed, match="syntax error"), running(directory, say=quiet):
            pass
    assert not (directory / "postgres").exists()
    with running(directory, say=quiet) as stores:  # although a first attempt lies there
        assert query(stores.database_url, "SELECT 1") == 1


def test_a_server_that_ignores_a_request_to_end_is_killed(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecard.embedded.valkey.ENDING", ((signal.SIGCONT, 0.1), (signal.SIGKILL, 5)))
    with running(directory, need_postgres=False, say=quiet):
        left = psutil.Process(int((directory / "valkey" / "valkey.pid").read_text()))
    assert gone(left)


def test_a_server_that_ended_by_itself_is_no_error_at_the_end(directory: Path) -> None:
    with running(directory, need_postgres=False, say=quiet):
        process = psutil.Process(int((directory / "valkey" / "valkey.pid").read_text()))
        process.kill()
        assert eventually(lambda: gone(process))
    assert attached(directory) is None


def test_stores_is_a_pair_of_urls() -> None:
    assert Stores._fields == ("database_url", "redis_url")
