"""`ecard serve`: stores, schema, then N workers on one socket, watched over by this process."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from ecard import settings as settings_module
from ecard.cli.context import remember, remembered, say, stores
from ecard.embedded.child import tied_to_us
from ecard.migrations.script import upgrade
from ecard.runtime import open_runtime
from ecard.settings import Settings, SettingsError
from pay.banks import sandbox

_BACKLOG = 2048
_QUICK = 5.0
"""A worker that lives less than these seconds and fails is not started again at once."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="监听地址 · address to listen on")
@click.option("--port", default=8600, show_default=True, help="监听端口 · port to listen on")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="工作进程数 · processes")
@click.option("--sandbox", is_flag=True, help="沙箱: 虚构人员、模拟核验 · fictitious people, simulated checks")
@click.option("--quiet", is_flag=True, help="不记录访问日志 · no access log")
def serve(host: str, port: int, workers: int, sandbox: bool, quiet: bool) -> None:  # noqa: FBT001 - click's flags
    """启动服务。Start the server.

    \b
    没有设置 ECARD_DATABASE_URL / ECARD_REDIS_URL 时, 使用内置的 PostgreSQL 与 Valkey (数据在 ECARD_DATA_DIR)。
    Without these URLs the embedded stores are used; their data stays in ECARD_DATA_DIR (default var).
    """
    if sandbox:
        os.environ["ECARD_SANDBOX"] = "1"
    settings = settings_module.load()
    reserved = _reserve(host, port, workers)
    signal.signal(signal.SIGTERM, _interrupt)
    with stores(settings, own=True) as ready:
        remember(settings)
        upgrade(ready.database_url or "")
        with _bank(ready):
            say(f"服务地址 Serving on http://{host}:{reserved.getsockname()[1]} (Ctrl-C 停止 stops)")
            _supervise(ready, reserved, workers, quiet=quiet)


@contextlib.contextmanager
def _bank(settings: Settings) -> Iterator[None]:
    """Run the sandbox's bank beside the server; elsewhere banks are those that were registered."""
    if not settings.sandbox:
        yield
        return
    with sandbox.simulated(settings.data_dir) as simulator:

        async def connect() -> None:
            runtime = await open_runtime(settings, pool_size=1)
            try:
                await sandbox.connect(runtime.pool, runtime.vault, simulator)
            finally:
                await runtime.close()

        asyncio.run(connect())
        say(f"沙箱银行 The sandbox's bank: {simulator.url}, 控制 its control endpoint: {simulator.control}")
        yield


@click.command()
def migrate() -> None:
    """升级数据库结构。Bring the database's schema to the newest revision."""
    with stores(remembered(), own=False) as settings:
        upgrade(settings.database_url or "")
        say("数据库结构已是最新。The schema is up to date.")


def _reserve(host: str, port: int, workers: int) -> socket.socket:
    """Return a socket that holds the port while this process lives; port 0 becomes a free one.

    Each of several workers has a socket of its own there, and the kernel shares the connections out:
    one that dies takes its socket along, so that nobody waits at a counter that is not served. A
    single one is given this very socket: whoever calls while it is replaced waits for the next.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Alone first: with SO_REUSEPORT a second server would quietly take half of the calls.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            msg = f"无法监听 {host}:{port}: {error.strerror}。请换 --port。Cannot listen there: choose another --port."
            raise SettingsError(msg) from None
        address = probe.getsockname()
    reserved = _bound(family, address)
    if workers == 1:
        reserved.listen(_BACKLOG)
    return reserved


def _bound(family: int, address: Any) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(address)
    return bound


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _supervise(settings: Settings, reserved: socket.socket, workers: int, *, quiet: bool) -> None:
    """Run the workers; one that dies is replaced, so that a crash costs its requests and no more."""
    metrics = settings.data_dir / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir(parents=True)
    environment = _environment(settings, metrics)

    def start() -> tuple[subprocess.Popen[bytes], float]:
        # It listens once it can serve; this process keeps no copy of a socket that is not shared.
        own = reserved.dup() if workers == 1 else _bound(reserved.family, reserved.getsockname())
        started = subprocess.Popen(  # noqa: S603 - our own command, and no shell
            [sys.executable, "-m", "ecard.cli.worker", str(own.fileno()), *(["--quiet"] if quiet else [])],
            env=environment,
            pass_fds=[own.fileno()],
            # A supervisor killed with -9 must not leave workers behind that nobody watches.
            preexec_fn=tied_to_us(signal.SIGTERM),  # noqa: PLW1509 - makes system calls only
        )
        own.close()
        return started, time.monotonic()

    alive: list[tuple[subprocess.Popen[bytes], float]] = []
    try:
        alive.extend(start() for _ in range(workers))
        first = {worker for worker, _ in alive}
        while True:
            time.sleep(0.2)
            for n, (worker, since) in enumerate(alive):
                if _is_to_be_replaced(worker, since, first=worker in first):
                    say(f"工作进程 {worker.pid} 退出 ({worker.returncode}), 重新启动。A worker died; it is replaced.")
                    alive[n] = start()
    except KeyboardInterrupt:
        say("正在停止… Stopping…")
    finally:
        for worker, _ in alive:
            worker.terminate()
        for worker, _ in alive:
            try:
                worker.wait(10)
            except subprocess.TimeoutExpired:
                worker.kill()


def _is_to_be_replaced(worker: subprocess.Popen[bytes], since: float, *, first: bool) -> bool:
    """Return whether a worker has died; raises SettingsError when one of the `first` could not even start.

    One that ends by itself, not by a signal, at once could not: of the first, a setting is wrong; of the
    later ones, a store is away that was there, and the next try waits.
    """
    if worker.poll() is None:
        return False
    failed = worker.returncode > 0 and time.monotonic() - since < _QUICK
    if failed and first:
        msg = f"工作进程启动失败 ({worker.returncode})。A worker failed to start; its output says why."
        raise SettingsError(msg)
    return not failed


def _environment(settings: Settings, metrics: Path) -> dict[str, str]:
    """Return the environment of a worker: everything decided here, nothing decided twice."""
    fields = msgspec.structs.asdict(settings)
    return {
        **os.environ,
        "ECARD_DATABASE_URL": fields["database_url"],
        "ECARD_REDIS_URL": fields["redis_url"],
        "ECARD_SANDBOX": "1" if settings.sandbox else "0",
        "ECARD_ISSUER": settings.issuer,
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
    }
