"""`ecard demo`: a real server on embedded stores, and the main job driven over HTTP by its four actors."""

import asyncio
import contextlib
import itertools
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import click
import httpx
import msgspec
from rich.console import Console

from ecard.cli.classroom import BOOKS, teach
from ecard.cli.context import remembered, stores
from ecard.cli.ledger import CHECKS
from ecard.cli.sandbox import ISSUER, first_operators, free, served
from ecard.cli.story import Cast, Step, expect, tell
from ecard.client import Operator
from ecard.db import connect
from ecard.keys import load_signer
from ecard.numbers import uscc
from pay.ledger.checks import Broken, first_break

_PORT = 8600
_ROLES = {
    "registrar": "registrar",
    "cards": "cards",
    "finance": "finance",
    "training": "training",
    "auditor": "training",
}
"""The operators, and the role of each."""


@click.command()
@click.option("--port", default=_PORT, show_default=True, help="优先使用的端口, 被占用时另选 · preferred port")
@click.option("--once", is_flag=True, help="演示后即退出 · exit when it is over")
def demo(port: int, once: bool) -> None:  # noqa: FBT001 - click's flag
    """一条命令看全流程: 发卡、展码、核验、挂失。See the main job run, on real stores, over HTTP.

    \b
    数据在 var (ECARD_DATA_DIR)。有终端时演示后继续服务, 否则退出码 0。
    The data stays in var. With a terminal it goes on serving afterwards; without one it exits with 0.
    """
    console = Console(highlight=False, soft_wrap=True)
    started = time.monotonic()
    with served(free(port), console) as base_url, httpx.Client(base_url=base_url, timeout=30) as http:
        cast = _cast(http)
        console.print(f"[dim]服务就绪 ready in {time.monotonic() - started:.1f} s: {base_url}[/]\n")
        for number, step in enumerate(itertools.chain(tell(cast), teach(cast), _books()), 1):
            console.print(f"[green]✓[/] [bold]{number:>2}[/] [cyan]{step.actor}[/]  {step.zh}")
            console.print(f"        [dim]{step.en}[/]")
            if step.drawing:
                click.echo(step.drawing)
        console.print(f"\n[bold green]全部成立。Everything holds.[/] ({time.monotonic() - started:.1f} s)")
        if once or not sys.stdout.isatty():
            return
        console.print(f"接口文档 API page: {base_url}/docs/api\n应用目录 catalogue: {base_url}/v1/catalogue")
        console.print("另一终端 in another terminal: .venv/bin/ecard keys list · .venv/bin/ecard audit verify")
        console.print("Ctrl-C 停止 stops")
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


def _books() -> Iterator[Step]:
    """Prove the books after all that, as `ecard ledger check` does."""

    async def work(database_url: str) -> Broken | None:
        pool = await connect(database_url, size=1)
        try:
            return await first_break(pool, CHECKS, lambda _: None)
        finally:
            await pool.close()

    with stores(remembered(), own=False) as settings:
        expect(asyncio.run(work(settings.database_url or "")) is None, "the books hold")
    yield BOOKS


def _cast(http: httpx.Client) -> Cast:
    """Return the actors; the first run registers them, later ones find them beside the data."""
    path = Path(os.environ.get("ECARD_DATA_DIR", "var")) / "demo.json"
    known = msgspec.json.decode(path.read_bytes()) if path.exists() else first_operators(_ROLES)
    registrar, cards, finance, training, auditor = (
        Operator(http, known[role]["actor"], load_signer(bytes.fromhex(known[role]["key"]))) for role in _ROLES
    )
    if "agency" not in known:
        seventeen = "12640000MB0000001"
        known["agency"] = str(registrar.register_agency("沙箱市人社局", seventeen + uscc.check_digit(seventeen)))
    counter = registrar.register_terminal(UUID(known["agency"]), "counter")
    channel = registrar.register_channel("沙箱掌上社保", "hrss")
    path.touch(mode=0o600)
    path.write_bytes(msgspec.json.encode(known))
    people = (registrar, cards, finance, training, auditor)
    return Cast(*people, channel=channel, counter=counter, agency=known["agency"], http=http, issuer=ISSUER)
