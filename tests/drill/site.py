"""The system under drill: stores of our own that can be killed, two workers, the simulated bank, and lines between."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import httpx
import msgspec
import psutil

from ecard.embedded import StoresError, postgres, valkey
from ecard.embedded.child import Server
from ecard.embedded.directory import Home, owned
from ecard.migrations.script import upgrade
from ecard.runtime import open_runtime
from ecard.settings import Settings
from pay.banks import sandbox
from pay.banks.model import Ladder
from pay.banks.sandbox import Simulator
from tests.bank import Bank
from tests.bureau import Bureau
from tests.conftest import MASTER_KEY, first_operators
from tests.drill.proxy import Proxy

ROOM = 700
"""Megabytes of the small disk that everything stands on."""
LADDER = Ladder(suspend_after=600).scaled(0.2)
"""The ladder of practice, five times as fast: query after 1 s, then every 2 s, reversal from 3 s."""
WORKERS = 2


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Site:
    """Everything, running; the drills kill parts of it."""

    def __init__(self, place: Path, home: Home) -> None:
        self.place = place
        self.home = home
        self.ports = _free_port(), _free_port()
        self.database = self._started(self.start_database)
        self.cache = self._started(self.start_cache)
        upgrade(self.database.url)
        self.to_database = Proxy(self.ports[0])
        url = re.sub(r":\d+/", f":{self.to_database.port}/", self.database.url)
        common = {"data_dir": place, "redis_url": self.cache.url, "master_key": MASTER_KEY, "sandbox": True}
        self.settings = Settings(**common, database_url=self.database.url)  # type: ignore[arg-type] # of several types
        self.serving = self._serve(url)
        self.base_url = self._announced()
        self.bank = Bank(msgspec.json.decode((place / "bank.json").read_bytes(), type=Simulator))
        self.to_bank = Proxy(int(self.bank.simulator.url.rpartition(":")[2]))
        self._connect_bank()
        self.bureau = Bureau(self.base_url, first_operators(self.settings))

    def start_database(self) -> Server:
        """Start PostgreSQL on its data; raises StoresError."""
        postgres.initialise(self.home, lambda _: None)
        self.database = postgres.start(self.home, self.ports[0], lambda _: None)
        postgres.wait(self.database, self.home)
        return self.database

    def start_cache(self) -> Server:
        """Start Valkey, empty."""
        self.cache = valkey.start(self.home, self.ports[1], lambda _: None)
        valkey.wait(self.cache, self.home, self.ports[1])
        return self.cache

    def restart_database(self) -> None:
        """Start PostgreSQL again after it died; a just-killed one may still hold its pid file, so it is tried again."""
        self.database.process.wait(30)
        self._started(self.start_database)

    def kill_database(self) -> None:
        """Kill the postmaster and all its children, as kill -9 does."""
        family = [psutil.Process(self.database.process.pid)]
        with contextlib.suppress(psutil.NoSuchProcess):
            family += family[0].children(recursive=True)
        for one in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()

    def kill_cache(self) -> None:
        """Kill Valkey; all that it held is gone."""
        self.cache.process.kill()
        self.cache.process.wait(10)

    def hang_cache(self, *, hang: bool) -> None:
        """Stop Valkey where it stands, or let it go on."""
        self.cache.process.send_signal(signal.SIGSTOP if hang else signal.SIGCONT)

    def workers(self) -> list[psutil.Process]:
        """Return the workers."""
        found = []
        for child in psutil.Process(self.serving.pid).children():
            with contextlib.suppress(psutil.Error):
                if "ecard.cli.worker" in child.cmdline():
                    found.append(child)
        return found

    def ready(self) -> bool:
        """Say whether a new connection is answered, and work can be done."""
        try:
            return httpx.get(f"{self.base_url}/ready", timeout=3).is_success
        except httpx.HTTPError:
            return False

    def sql(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Return what a statement finds, past every proxy."""

        async def fetch() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.settings.database_url, timeout=10)
            try:
                return list(await connection.fetch(statement, *arguments))
            finally:
                await connection.close()

        return asyncio.run(fetch())

    def heal(self) -> None:
        """Undo what is undone by a word, let the bank's next day come, and wait until work can be done."""
        self.bank.calm()
        self.bank.next_day()
        deadline = time.monotonic() + 120
        while not self.ready():
            if time.monotonic() > deadline:
                msg = "the system did not come back within 120 s"
                raise RuntimeError(msg)
            time.sleep(0.1)

    def ledger_check(self) -> str:
        """Return what `ecard ledger check` says is broken, "" where all holds."""
        command = [sys.executable, "-m", "ecard.cli", "ledger", "check"]
        done = subprocess.run(command, env=self._environment(self.database.url), capture_output=True, check=False)
        return "" if done.returncode == 0 else (done.stdout + done.stderr).decode().strip()

    def stop(self) -> None:
        """End everything."""
        self.serving.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.serving.wait(20)
        for server in (self.database, self.cache):
            server.stop()
        for proxy in (self.to_bank, self.to_database):
            proxy.close()

    @staticmethod
    def _started(start: Callable[[], Server]) -> Server:
        for _ in range(20):
            with contextlib.suppress(StoresError):
                return start()
            time.sleep(0.5)
        return start()

    def _environment(self, database_url: str) -> dict[str, str]:
        return {
            **os.environ,
            "ECARD_DATA_DIR": str(self.place),
            "ECARD_DATABASE_URL": database_url,
            "ECARD_REDIS_URL": self.cache.url,
            "ECARD_MASTER_KEY": MASTER_KEY.hex(),
            "ECARD_SANDBOX": "1",
        }

    def _serve(self, database_url: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "ecard.cli", "serve", "--quiet", "--port", "0", "--workers", str(WORKERS)]
        with (self.place / "serve.log").open("wb") as log:
            return subprocess.Popen(command, env=self._environment(database_url), stderr=log, stdout=log)

    def _announced(self) -> str:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            said = (self.place / "serve.log").read_text("utf-8", "replace")
            found = re.search(r"Serving on (\S+)", said)
            if found and self._answers(found[1]):
                return found[1]
            time.sleep(0.1)
        msg = (self.place / "serve.log").read_text("utf-8", "replace")
        raise RuntimeError(msg)

    @staticmethod
    def _answers(url: str) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{url}/ready", timeout=5).is_success
        return False

    def _connect_bank(self) -> None:
        """Let the workers reach the bank by the proxy alone, with the drill's ladder."""
        simulator = msgspec.structs.replace(self.bank.simulator, url=f"http://127.0.0.1:{self.to_bank.port}")

        async def connect() -> None:
            runtime = await open_runtime(self.settings, pool_size=1)
            try:
                await sandbox.connect(runtime.pool, runtime.vault, simulator, LADDER)
            finally:
                await runtime.close()

        asyncio.run(connect())
        time.sleep(1.5)


@contextlib.contextmanager
def small_disk() -> Iterator[Path]:
    """Yield a directory on a disk of its own that can be filled (tmpfs: root may mount it)."""
    place = Path(tempfile.mkdtemp(prefix="ecard-drill-"))
    mounted = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}m,mode=0755", "none", str(place)]
    subprocess.run(mounted, check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)
        place.rmdir()


@contextlib.contextmanager
def open_site() -> Iterator[Site]:
    """Yield the system, running on a small disk."""
    with small_disk() as place, owned(place, lambda _: None) as home:
        site = Site(place, home)
        try:
            yield site
        finally:
            site.stop()
