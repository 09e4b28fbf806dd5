"""What the commands share: settings with stores to talk to, and an event loop for one piece of work."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from ecard import settings as settings_module
from ecard.embedded import attached, running
from ecard.migrations.script import upgrade
from ecard.runtime import Runtime, open_runtime
from ecard.settings import Settings

T = TypeVar("T")
_REMEMBERED = "server.json"


def say(line: str) -> None:
    """Tell the person at the terminal; standard output stays for answers."""
    click.echo(line, err=True)


@contextlib.contextmanager
def stores(settings: Settings, *, own: bool) -> Iterator[Settings]:
    """Yield settings with both URLs: those given, those of a server that runs, or embedded ones started here.

    `own` is for a server: it must own the data directory and does not attach to another's stores.
    """
    if settings.database_url and settings.redis_url:
        yield settings
        return
    found = None if own else attached(settings.data_dir)
    if found is not None:
        yield _with(settings, found.database_url, found.redis_url)
        return
    with running(
        settings.data_dir, need_postgres=not settings.database_url, need_redis=not settings.redis_url, say=say
    ) as started:
        yield _with(settings, started.database_url, started.redis_url)


def _with(settings: Settings, database_url: str, redis_url: str) -> Settings:
    return msgspec.structs.replace(
        settings,
        database_url=settings.database_url or database_url,
        redis_url=settings.redis_url or redis_url,
    )


def remember(settings: Settings) -> None:
    """Leave beside the data what a server runs with, so that `ecard keys list` needs no variables repeated."""
    chosen = {"ECARD_SANDBOX": "1" if settings.sandbox else "0", "ECARD_ISSUER": settings.issuer}
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    (settings.data_dir / _REMEMBERED).write_bytes(msgspec.json.encode(chosen))


def remembered() -> Settings:
    """Return the settings of the environment, completed by those of the server that last ran on the data."""
    path = Path(os.environ.get("ECARD_DATA_DIR", "var")) / _REMEMBERED
    chosen = msgspec.json.decode(path.read_bytes(), type=dict[str, str]) if path.exists() else {}
    return settings_module.load({**chosen, **os.environ})


def with_runtime(work: Callable[[Runtime], Awaitable[T]]) -> T:
    """Return what `work` returns, given the stores of the environment (or of the server that runs)."""
    with stores(remembered(), own=False) as settings:
        upgrade(settings.database_url or "")

        async def run() -> T:
            runtime = await open_runtime(settings, pool_size=2)
            try:
                return await work(runtime)
            finally:
                await runtime.close()

        return asyncio.run(run())
