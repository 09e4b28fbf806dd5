"""A real pcscd with virtual readers, in a network and a mount namespace of its own.

vpcd listens on every address, so it lives where nobody else is: a network namespace with nothing but a loopback.
The daemon's socket is a file: the directory where it expects to make it is a directory of the test's, so clients
reach it from outside by PCSCLITE_CSOCK_NAME, and no test runs inside. Cards are served by this process: a thread
enters the network for as long as it takes to connect. All processes die with the one that waits on our pipe.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from cardio.transport.virtual import Powered
from cardio.virtual.vpcd import Inserted, connected

DRIVER = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"
FIRST, SECOND = 45011, 45021
"""Ports of the two readers; a reader of vpcd takes two."""
READERS = {"Counter A": FIRST, "Counter B": SECOND}
NAMES = tuple(f"{name} 00 00" for name in READERS)
CLONE_NEWNET = 0x40000000
_HOLDER = """
set -e
ip link set lo up
mount -t tmpfs tmpfs /run
mkdir /run/pcscd
mount --bind "$1" /run/pcscd
echo ready
exec cat
"""
_LIBC = ctypes.CDLL(None, use_errno=True)


def missing() -> str | None:
    """Return what cannot be tested here and why, or None."""
    if os.geteuid():
        return "未测试真实读卡服务 · the real pcscd is not tested: only as root (unshare)"
    needed = {"pcscd": shutil.which("pcscd"), "vsmartcard-vpcd": Path(DRIVER).exists(), "iproute2": shutil.which("ip")}
    lacking = [name for name, there in needed.items() if not there]
    try:
        import smartcard.scard  # noqa: F401, PLC0415 - whether it is there is the question
    except ImportError:
        lacking.append("pyscard (make card)")
    return f"未测试真实读卡服务 · the real pcscd is not tested: {', '.join(lacking)}" if lacking else None


class Pcscd:
    """The daemon: started, killed, started again; cards put into its readers."""

    def __init__(self, place: Path, readers: Mapping[str, int] = READERS) -> None:
        self.place, self._port = place, next(iter(readers.values()))
        self.configs = place / "conf"
        self.configs.mkdir()
        for name, port in readers.items():
            self.plug(name, port)
        self.sockets = place / "run"
        self.sockets.mkdir()
        command = ["unshare", "-n", "-m", "-p", "-f", "--kill-child", "sh", "-c", _HOLDER, "sh", str(self.sockets)]
        self._holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"ready\n"
        self._inside = psutil.Process(self._holder.pid).children()[0].pid
        self._daemon: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def address(self) -> Path:
        """The daemon's socket, as seen from outside."""
        return self.sockets / "pcscd.comm"

    def process(self) -> psutil.Process:
        """Return the daemon."""
        # nsenter forks into the namespace of processes: its child is the daemon.
        assert self._daemon is not None
        return psutil.Process(self._daemon.pid).children()[0]

    def plug(self, name: str, port: int) -> None:
        """Declare a reader, from the daemon's next start on."""
        # The driver keeps its readers in variables of its own: one copy of it for each, or they share a card.
        driver = self.place / f"{port}.so"
        if not driver.exists():
            shutil.copy(DRIVER, driver)
        (self.configs / name.replace(" ", "-")).write_text(
            f'FRIENDLYNAME "{name}"\nDEVICENAME /dev/null:{port}\nLIBPATH {driver}\nCHANNELID {port}\n'
        )

    def unplug(self, name: str) -> None:
        """Take a reader out of the configuration, likewise."""
        (self.configs / name.replace(" ", "-")).unlink()

    def inside(self, *command: str) -> list[str]:
        """Return a command line that runs in the daemon's network."""
        return ["nsenter", "-t", str(self._inside), "-n", "-m", "-p", *command]

    def beside(self, *command: str) -> list[str]:
        """Return a command line that runs in the daemon's network and sees its socket, as one of our processes."""
        return ["nsenter", "-t", str(self._inside), "-n", "-m", *command]

    def start(self) -> None:
        """Start the daemon and wait for its readers' ports."""
        log = (self.place / "log").open("ab")
        self._daemon = subprocess.Popen(
            self.inside("pcscd", "-f", "-c", str(self.configs)), stdout=log, stderr=subprocess.STDOUT
        )
        log.close()
        for _ in range(500):
            if self.address.exists():
                break
            time.sleep(0.01)
        with self.network():
            connected(port=self._port, patience=10).close()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the daemon."""
        assert self._daemon is not None
        self.process().send_signal(how)
        self._daemon.wait(10)
        for left in self.sockets.iterdir():
            left.unlink()

    @contextlib.contextmanager
    def network(self) -> Iterator[None]:
        """Have this thread in the daemon's network; what it connects there stays connected."""
        with Path("/proc/self/ns/net").open("rb") as ours, Path(f"/proc/{self._inside}/ns/net").open("rb") as theirs:
            _enter(theirs.fileno())
            try:
                yield
            finally:
                _enter(ours.fileno())

    def insert(self, card: Powered, port: int = FIRST) -> Inserted:
        """Put a card into a reader."""
        return Inserted(card, lambda: self.connect(port))

    def connect(self, port: int = FIRST) -> socket.socket:
        """Return a link to a reader."""
        found: list[socket.socket] = []

        def there() -> None:
            with self.network():
                found.append(connected(port=port))

        # A thread of its own: whatever goes wrong, no other thread is left in a foreign network.
        thread = threading.Thread(target=there)
        thread.start()
        thread.join(10)
        return found[0]

    def close(self) -> None:
        """End everything."""
        assert self._holder.stdin is not None
        assert self._holder.stdout is not None
        self._holder.stdin.close()
        self._holder.stdout.close()
        self._holder.wait(10)
        if self._daemon is not None:
            self._daemon.wait(10)


def _enter(namespace: int) -> None:
    if _LIBC.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
