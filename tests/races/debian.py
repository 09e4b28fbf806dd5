"""PostgreSQL and Redis as Debian packages them, as child processes of the test."""

import asyncio
import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import asyncpg
import psutil
import redis

from tests.races.server import eventually, gone

PASSWORD = secrets.token_hex(16)


def programs() -> dict[str, str]:
    """Return where initdb, postgres and redis-server are; what is not installed is missing."""
    newest = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/nowhere"), key=lambda path: path.parts[-2])
    found = {name: shutil.which(name, path=newest) for name in ("initdb", "postgres")}
    found["redis-server"] = shutil.which("redis-server", path="/usr/bin:/usr/local/bin")
    return {name: path for name, path in found.items() if path}


def user() -> str | None:
    """Return whom to run as: PostgreSQL does not run as root."""
    if os.geteuid():
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Store:
    """A store that can be killed and started again."""

    def __init__(self, command: Sequence[str], place: Path, url: str) -> None:
        self.url = url
        self._command = command
        self._place = place
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with (self._place / "said").open("ab") as said:
            return subprocess.Popen(
                self._command,
                cwd=self._place,
                user=user(),
                extra_groups=[] if user() else None,
                stdout=said,
                stderr=said,
            )

    def kill(self) -> None:
        """Kill -9, and return when the processes that it had made have noticed."""
        family = [psutil.Process(self._process.pid), *psutil.Process(self._process.pid).children()]
        self._process.kill()
        self._process.wait()
        assert eventually(lambda: all(map(gone, family)), 10)

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        """Let it and all that it made stand still, connections open, while the context lasts."""
        family = [psutil.Process(self._process.pid), *psutil.Process(self._process.pid).children()]
        for process in family:
            process.suspend()
        try:
            yield
        finally:
            for process in family:
                process.resume()

    def start(self) -> None:
        """Start it once more."""
        self._process = self._start()

    def stop(self) -> None:
        """End it for good."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(20)

    def said(self) -> str:
        """Return its log."""
        return (self._place / "said").read_text("utf-8", "replace")


def folder(place: Path, name: str) -> Path:
    """Return a new folder of the stores' user."""
    made = place / name
    made.mkdir(mode=0o700)
    if (owner := user()) is not None:
        shutil.chown(made, owner)
    return made


@contextlib.contextmanager
def postgresql(place: Path) -> Iterator[Store]:
    """Yield a PostgreSQL of the system with an empty database, on 127.0.0.1 only and with a password."""
    home, port = folder(place, "pg"), free_port()
    secret = place / "pg.secret"
    secret.write_text(PASSWORD, "utf-8")
    found = programs()
    made = [found["initdb"], "-D", str(home / "data"), "-U", "ecard", "--pwfile", str(secret), "-A", "scram-sha-256"]
    subprocess.run([*made, "-N"], cwd=home, user=user(), check=True, capture_output=True)
    options = [f"--{name}={value}" for name, value in _SETTINGS.items()]
    command = [found["postgres"], "-D", str(home / "data"), f"--port={port}", *options]
    store = Store(command, home, f"postgresql://ecard:{PASSWORD}@127.0.0.1:{port}/postgres")
    try:
        assert eventually(lambda: asyncio.run(answers(store.url)), 30), store.said()
        yield store
    finally:
        store.stop()


_SETTINGS = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "lc_messages": "C"}


async def answers(url: str) -> bool:
    """Say whether a PostgreSQL of at least version 15 answers."""
    try:
        connection = await asyncpg.connect(url, timeout=2)
    except (OSError, asyncpg.PostgresError):
        return False
    version = connection.get_server_version()
    await connection.close()
    return bool(version.major >= 15)


@contextlib.contextmanager
def redis_server(place: Path) -> Iterator[Store]:
    """Yield a Redis of the system, on 127.0.0.1 only and with a password."""
    home, port = folder(place, "redis"), free_port()
    command = [programs()["redis-server"], "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
    store = Store([*command, "--requirepass", PASSWORD], home, f"redis://:{PASSWORD}@127.0.0.1:{port}/0")
    try:
        assert eventually(lambda: _pong(store.url), 10), store.said()
        yield store
    finally:
        store.stop()


def _pong(url: str) -> bool:
    with redis.Redis.from_url(url) as client:
        try:
            return int(client.info("server")["redis_version"].split(".")[0]) >= 7
        except redis.ConnectionError:
            return False
