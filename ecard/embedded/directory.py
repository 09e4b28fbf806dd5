"""The directory that one process at a time owns, and what is recorded in it.

    owner.lock      held with flock by the owner (and its forks), so that even kill -9 frees it; holds its pid
    stores.json     the URLs, while the stores run (mode 0600)
    secret          the password of both stores, made once (mode 0600)
    postgres/       the data        valkey/  configuration        *.log  what the servers say
    elsewhere ->    where all of this is instead, when the servers' account cannot enter the directory

The last happens when root uses a directory under, say, /root: PostgreSQL must run as another user
(`ecard.embedded.account`), so all of this lives in a folder below /var/lib/ecard. Lock included: of
two copies of one directory, only one can run. Removing the directory means starting afresh; the
folder that its link named is then of no more use and may be removed, too.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from ecard.embedded import account as accounts
from ecard.embedded.account import Account
from ecard.embedded.errors import DirectoryBusy, StoresError
from ecard.errors import Text

LOCK = "owner.lock"
STORES = "stores.json"
SECRET = "secret"  # noqa: S105 - a file name
ELSEWHERE = "elsewhere"
DATA = "postgres"

LOCK_WITHIN = 0.5
"""Seconds to try for the lock: `attached` holds it for an instant to see whether it is free."""


class Stores(NamedTuple):
    """The URLs of the running stores, passwords included; empty for one that was not asked for."""

    database_url: str
    redis_url: str


class Home(NamedTuple):
    """An owned directory: where the servers' files are, who runs them, and their password."""

    path: Path
    account: Account | None
    password: str

    def folder(self, name: str) -> Path:
        """Make an empty folder that only the servers' account may enter; what was there is removed."""
        folder = self.path / name
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(mode=0o700)
        self.give(folder)
        return folder

    def give(self, path: Path) -> None:
        """Make the servers' account the owner of `path`."""
        if self.account:
            os.chown(path, *self.account)


@contextlib.contextmanager
def owned(directory: Path, say: Callable[[Text], None]) -> Iterator[Home]:
    """Own the directory, made if missing, while the context lasts.

    Raises DirectoryBusy where another process owns it, StoresError where it belongs to another user.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory = directory.resolve()
        account = accounts.account_for(directory / DATA)
        path = _place(directory, account)
        lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except PermissionError as error:
        text = Text(
            f"无权使用数据目录 {directory}。", "The data directory belongs to another user: choose another one."
        )
        raise StoresError(text) from error
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, lock)
        _take(lock, directory)
        recorded = path / STORES
        recorded.unlink(missing_ok=True)  # of an owner that was killed
        stack.callback(recorded.unlink, missing_ok=True)
        if account:
            _explain(directory, path, account, say)
            if not accounts.can_reach(path, account):
                path.chmod(0o711)
        yield Home(path, account, _password(path, account))


def record(home: Home, stores: Stores) -> None:
    """Write down the URLs for `attached`."""
    draft = home.path / f"{STORES}.new"
    draft.touch(mode=0o600)
    draft.write_bytes(msgspec.json.encode(stores._asdict()))
    draft.replace(home.path / STORES)


def attached(directory: Path) -> Stores | None:
    """Return the URLs of the stores that a live process runs in this directory, None if there is none."""
    link = directory / ELSEWHERE
    path = link.readlink() if link.is_symlink() else directory
    try:
        lock = os.open(path / LOCK, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        with contextlib.suppress(FileNotFoundError):
            return Stores(**msgspec.json.decode((path / STORES).read_bytes(), type=dict[str, str]))
    finally:
        os.close(lock)
    return None


def _take(lock: int, directory: Path) -> None:
    deadline = time.monotonic() + LOCK_WITHIN
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                pid = os.pread(lock, 20, 0)
                raise DirectoryBusy(directory, int(pid) if pid.isdigit() else 0) from None
            time.sleep(0.02)
        else:
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
            return


def _place(directory: Path, account: Account | None) -> Path:
    link = directory / ELSEWHERE
    if not link.is_symlink():
        if accounts.can_reach(directory.parent, account):
            return directory
        place = accounts.new_folder()
        try:
            link.symlink_to(place)
        except FileExistsError:  # another process was faster
            place.rmdir()
    return link.readlink()


def _explain(directory: Path, path: Path, account: Account, say: Callable[[Text], None]) -> None:
    uid = account.uid
    say(Text(f"以 root 运行：存储改由用户 {uid} 运行。", f"Running as root: the stores run as user {uid} instead."))
    if path != directory:
        say(
            Text(
                f"该用户无法进入 {directory}, 数据存于 {path}。",
                "It cannot enter that directory: the data is kept in the second.",
            )
        )


def _password(path: Path, account: Account | None) -> str:
    secret = path / SECRET
    if not secret.exists():
        if (path / DATA).exists():
            text = Text(
                f"数据目录缺少 {secret}；请恢复该文件, 或删除整个数据目录。",
                "Restore that file or remove the data directory.",
            )
            raise StoresError(text)
        draft = path / f"{SECRET}.new"
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(24), "utf-8")
        if account:
            os.chown(draft, *account)  # initdb reads it
        draft.replace(secret)
    return secret.read_text("utf-8")
