"""`ecard serve` as a process of its own, so that it can be killed, and a bureau on it."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx
import msgspec
import psutil

from ecard.client import Operator
from ecard.embedded import attached
from ecard.keys import Signer, load_signer
from tests.bureau import Bureau

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from ecard.cli import main; main()"]
Environment = Mapping[str, str]


def eventually(condition: Callable[[], bool], seconds: float) -> bool:
    """Say whether the condition comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def gone(process: psutil.Process) -> bool:
    """Say whether the process has ended, reaped or not."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@contextlib.contextmanager
def open_directory() -> Iterator[Path]:
    """Yield a new directory that any account may enter, gone at the end."""
    path = Path(tempfile.mkdtemp(prefix="ecard-races-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def environment(place: Path, given: Environment) -> dict[str, str]:
    """Return this process's environment with no setting of ours but those of the test."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ECARD_")}
    return {**inherited, "ECARD_DATA_DIR": str(place / "data"), **given}


class Server:
    """A running `ecard serve --sandbox`; `place` holds its data and what it says."""

    def __init__(self, place: Path, *, workers: int = 2, port: int = 0, given: Environment | None = None) -> None:
        self.place = place
        self.data = place / "data"
        self.given = given or {}
        self._stderr = place / f"serve-{time.monotonic_ns()}.log"
        options = ["serve", "--sandbox", "--quiet", "--workers", str(workers), "--port", str(port)]
        with self._stderr.open("wb") as stderr:
            self.process = subprocess.Popen(
                [*COMMAND, *options], cwd=ROOT, env=environment(place, self.given), stderr=stderr
            )
        try:
            self.url = self._announced()
            assert eventually(self.healthy, 30), self.said()
            assert eventually(lambda: len(self.workers()) == workers, 5), self.said()
        except BaseException:
            self.stop()
            raise

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.url.rpartition(":")[2])

    def said(self) -> str:
        """Return what the server has said so far."""
        return self._stderr.read_text("utf-8", "replace")

    def _announced(self) -> str:
        def line() -> str:
            return next((line for line in self.said().splitlines() if "Serving on" in line), "")

        assert eventually(lambda: bool(line()) or self.process.poll() is not None, 30), self.said()
        assert line(), self.said()
        return line().partition("Serving on ")[2].split()[0]

    def healthy(self) -> bool:
        """Say whether it answers on a new connection."""
        try:
            return httpx.get(f"{self.url}/health", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def workers(self) -> list[psutil.Process]:
        """Return the worker processes."""
        found = []
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.Error):
                if "ecard.cli.worker" in child.cmdline():
                    found.append(child)
        return found

    def clients(self, worker: psutil.Process) -> set[int]:
        """Return the ports of the clients that a worker serves."""
        found = worker.net_connections("tcp")
        mine = [one for one in found if one.laddr.port == self.port and one.status == psutil.CONN_ESTABLISHED]
        return {one.raddr.port for one in mine}

    def stores(self) -> list[psutil.Process]:
        """Return the embedded PostgreSQL and Valkey, by their own pid files."""
        files = (self.data / "postgres" / "postmaster.pid", self.data / "valkey" / "valkey.pid")
        return [psutil.Process(int(file.read_text().split("\n")[0])) for file in files]

    def family(self) -> list[psutil.Process]:
        """Return every process that the server has started, all the way down."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def redis_url(self) -> str:
        """Return the URL of its embedded Valkey."""
        stores = attached(self.data)
        assert stores is not None
        return stores.redis_url

    def ready(self) -> tuple[int, dict[str, str]]:
        """Return status and body of /ready."""
        answer = httpx.get(f"{self.url}/ready", timeout=5)
        return answer.status_code, answer.json()

    def stop(self) -> int:
        """End it as a service manager does, by its own number; return its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def command(self, *arguments: str) -> None:
        """Run `ecard` beside the server, with the same settings."""
        answer = subprocess.run(
            [*COMMAND, *arguments], cwd=ROOT, env=environment(self.place, self.given), capture_output=True, check=False
        )
        assert answer.returncode == 0, answer.stderr.decode()


def open_bureau(server: Server) -> Bureau:
    """Return a bureau on the server, whose first operator is registered from the command line."""
    key_file = server.place / "security.json"
    server.command("operators", "add", "安全员", "security", "--key-out", str(key_file))
    stored = msgspec.json.decode(key_file.read_bytes(), type=dict[str, str])
    with httpx.Client(base_url=server.url, timeout=30) as http:
        operators: dict[str, tuple[str, Signer]] = {
            "security": (stored["actor"], load_signer(bytes.fromhex(stored["key"])))
        }
        security = Operator(http, *operators["security"])
        for role in ("registrar", "cards", "finance", "training", "reviewer"):
            registered = security.register_operator(role, role)
            operators[role] = (str(registered.actor), registered.signer)
    return Bureau(server.url, operators)
