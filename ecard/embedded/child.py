"""Starting and ending a server process, so that none outlives its owner.

On Linux the kernel signals the server when the *thread* that started it ends, even by kill -9; what
is left all the same (other systems have no such signal) is found by its pid file at the next
start and stopped, once its command line has proved that it is ours.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from ecard.embedded.account import Account
from ecard.embedded.errors import StoreFailed

ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
"""All that a server inherits: a PGDATA or PGOPTIONS of the user's shell is not meant for it."""

POLL = 0.01
READY_WITHIN = 60.0
PR_SET_PDEATHSIG = 1

Ending = Sequence[tuple[signal.Signals, float]]
"""The signals that end a server, each with the seconds it is given before the next."""

_libc = ctypes.CDLL(None)


class Server:
    """A server process of ours; `url` is what its clients connect to, password included."""

    def __init__(self, name: str, url: str, log: Path, process: subprocess.Popen[bytes], ending: Ending) -> None:
        self.name = name
        self.url = url
        self.log = log
        self.process = process
        self.ending = ending

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Return when `ready()` says so; raises StoreFailed when the process ends first, or after a minute."""
        deadline = time.monotonic() + READY_WITHIN
        while not ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise StoreFailed(self.name, self.log)
            time.sleep(POLL)

    def stop(self) -> None:
        """End the process and wait for it; nothing to do when it has ended by itself."""
        if self.process.poll() is None:
            _end(psutil.Process(self.process.pid), self.ending)
            self.process.wait()


def spawn(
    command: Sequence[str], *, cwd: Path, log: Path, account: Account | None, farewell: signal.Signals
) -> subprocess.Popen[bytes]:
    """Start a server as `account` (None: as ourselves) with its output in `log`; its death is tied to this thread.

    The log of the run before is kept beside it as ``.1``. `farewell` is the signal that it gets when
    this thread or process ends without stopping it.
    """
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A Ctrl-C at the terminal is for the owner, which stops its servers last.
            start_new_session=True,
            preexec_fn=tied_to_us(farewell),  # noqa: PLW1509 - makes system calls only
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=() if account else None,
        )


def run(command: Sequence[str], *, cwd: Path, log: Path, account: Account | None, told: str = "") -> None:
    """Run a program to its end with `told` on its input and its output in `log`; raises StoreFailed if it fails."""
    with log.open("ab") as output:
        answer = subprocess.run(
            command,
            check=False,
            cwd=cwd,
            env=ENVIRONMENT,
            input=told.encode(),
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=tied_to_us(signal.SIGKILL),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=() if account else None,
        )
    if answer.returncode:
        raise StoreFailed(Path(command[0]).name, log)


def tied_to_us(farewell: signal.Signals) -> Callable[[], None]:
    """Return what a child calls between fork and exec, after the change of user, which would undo it."""
    parent = os.getpid()

    def tie() -> None:
        if sys.platform == "linux":
            _libc.prctl(PR_SET_PDEATHSIG, farewell)
            if os.getppid() != parent:  # it died before we asked
                os._exit(1)

    return tie


def stop_orphan(pid_file: Path, *, argument: str, ending: Ending) -> int | None:
    """Stop the server that a killed owner left behind; return its process number, None if there was none.

    Only a process whose command line holds `argument` (our own data path) is signalled. A pid file
    whose number now belongs to another process is removed: the server would take that one for its twin.
    """
    try:
        process = psutil.Process(int(pid_file.read_text("utf-8").split("\n", 1)[0]))
        ours = argument in process.cmdline()
    except (FileNotFoundError, ValueError):
        return None
    except (psutil.ZombieProcess, psutil.AccessDenied):
        ours = False
    except psutil.NoSuchProcess:
        return None
    if not ours:
        pid_file.unlink()
        return None
    _end(process, ending)
    return process.pid


def _end(process: psutil.Process, ending: Ending) -> None:
    for number, patience in ending:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            return
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if _gone(process):
                return
            time.sleep(POLL)


def _gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
