"""`ecard demo`: a real server on embedded stores, and the main job driven over HTTP by its four actors."""

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import httpx
import msgspec
from rich.console import Console

from ecard.access.schemas import OperatorRequest
from ecard.access.service import register_operator
from ecard.cli.classroom import BOOKS, teach
from ecard.cli.context import with_runtime
from ecard.cli.ledger import CHECKS
from ecard.cli.story import Cast, Step, expect, tell
from ecard.client import Operator
from ecard.db import begin
from ecard.keys import Suite, generate, load_signer, to_jwk
from ecard.numbers import uscc
from ecard.runtime import Runtime
from ecard.settings import SANDBOX_ISSUER
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
_START = 60.0
"""Seconds that a first start may take: the stores are initialised."""


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
    with _server(_free(port), console) as base_url, httpx.Client(base_url=base_url, timeout=30) as http:
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

    async def work(runtime: Runtime) -> Broken | None:
        return await first_break(runtime.pool, CHECKS, lambda _: None)

    expect(with_runtime(work) is None, "the books hold")
    yield BOOKS


def _free(port: int) -> int:
    """Return `port`, or another one when it is taken."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _server(port: int, console: Console) -> Iterator[str]:
    """Run `ecard serve` beside this process; its messages are shown if it fails to start."""
    command = [sys.executable, "-m", "ecard.cli", "serve", "--sandbox", "--port", str(port), "--quiet"]
    # Our own command, and no shell.
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # noqa: S603
    os.set_blocking(process.stdout.fileno(), False)  # type: ignore[union-attr] # it was asked for above
    base_url = f"http://127.0.0.1:{port}"
    try:
        with console.status("正在启动数据库与服务… Starting the stores and the server…"):
            _await(process, base_url)
        yield base_url
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _await(process: "subprocess.Popen[str]", base_url: str) -> None:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{base_url}/ready", timeout=1).is_success:
                return
        time.sleep(0.05)
    said = process.stdout.read() if process.stdout else ""
    msg = f"服务未能启动。The server did not start.\n{said or ''}"
    raise click.ClickException(msg)


def _cast(http: httpx.Client) -> Cast:
    """Return the actors; the first run registers them, later ones find them beside the data."""
    path = Path(os.environ.get("ECARD_DATA_DIR", "var")) / "demo.json"
    known = msgspec.json.decode(path.read_bytes()) if path.exists() else _first_operators()
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
    issuer = os.environ.get("ECARD_ISSUER", SANDBOX_ISSUER)
    people = (registrar, cards, finance, training, auditor)
    return Cast(*people, channel=channel, counter=counter, agency=known["agency"], http=http, issuer=issuer)


def _first_operators() -> dict[str, Any]:
    """Register the sandbox's operators as `ecard operators add` does, on the running server's stores."""

    async def work(runtime: Runtime) -> dict[str, Any]:
        made: dict[str, Any] = {}
        async with begin(runtime.pool) as tx:
            for name, role in _ROLES.items():
                signer, der = generate(Suite.ES256)
                request = msgspec.convert(
                    {"name": f"沙箱 {name}", "role": role, "key": to_jwk(signer.suite, signer.public)}, OperatorRequest
                )
                registered = await register_operator(tx, request, None)
                made[name] = {"actor": str(registered.id), "key": der.hex()}
        return made

    return with_runtime(work)
