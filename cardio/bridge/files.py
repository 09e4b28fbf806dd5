"""Files that only the bridge's own account may read, and locks on them; on Linux and on Windows."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from cardio.bridge.errors import AlreadyRunning, FileExposed

_OTHERS = 0o077
_POLL = 0.05


def private_directory(place: Path) -> Path:
    """Make a directory that nobody else enters, if it is not there; return it."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def write_private(path: Path, content: bytes, *, replace: bool) -> None:
    """Write a file of mode 0600, on the disk when this returns; FileExistsError unless it may `replace` one."""
    written = path.with_suffix(".new") if replace else path
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if replace else os.O_EXCL) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(written, flags, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if replace:
        written.replace(path)
    sync_directory(path.parent)


def read_private(path: Path) -> bytes:
    """Return a private file's content; raises FileExposed where others may read it, and FileNotFoundError."""
    if os.name == "posix" and path.stat().st_mode & _OTHERS:
        raise FileExposed
    return path.read_bytes()


def sync_directory(place: Path) -> None:
    """Have the names in a directory on the disk (POSIX; elsewhere the file's own sync does it)."""
    if os.name == "posix":
        opened = os.open(place, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _try_lock(opened: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - exists there alone

            msvcrt.locking(opened, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - exists there alone

            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def locked(path: Path, *, wait: float = 10) -> Iterator[None]:
    """Hold the lock of a file, waiting up to `wait` seconds; raises AlreadyRunning. It ends with the process."""
    opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + wait
    try:
        while not _try_lock(opened):
            if time.monotonic() >= deadline:
                raise AlreadyRunning
            time.sleep(_POLL)
        yield
    finally:
        os.close(opened)
