"""`ecard bridges`: the bridges at counters, without an operator's session."""

from pathlib import Path
from typing import Any
from uuid import UUID

import click
import msgspec
from rich.console import Console
from rich.table import Table

from cardio.server import service
from cardio.server.schemas import BridgeRequest, BridgeView
from ecard.access import store as access
from ecard.cli.context import say, with_runtime
from ecard.db import begin
from ecard.errors import Invalid
from ecard.runtime import Runtime


@click.group()
def bridges() -> None:
    """窗口读卡服务: 登记、列出、停用。The bridges at counters: register, list, revoke.

    \b
    ecard-bridge enrol --server URL … > bridge.json     窗口电脑上 · on the counter's PC
    ecard bridges add bridge.json                       服务器上 · here
    """


@bridges.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
def add(file: Path) -> None:
    """登记读卡服务, FILE 为 ecard-bridge enrol 的输出。Register what `ecard-bridge enrol` printed."""
    with click.open_file(str(file), "rb") as opened:
        said = opened.read()

    async def work(runtime: Runtime) -> UUID:
        async with begin(runtime.pool) as tx:
            asked = await _asked(tx, said)
            return (await service.register(tx, asked, None)).id

    bridge = with_runtime(work)
    click.echo(f"bridge={bridge}")
    say("读卡服务已登记。Registered.")


async def _asked(tx: Any, said: bytes) -> BridgeRequest:
    """Return the registration; its agency may be named by its unified social credit code. Raises Invalid."""
    try:
        plain = msgspec.json.decode(said, type=dict[str, Any])
        for row in await access.agencies(tx):
            if row["uscc"] == plain.get("agency"):
                plain["agency"] = str(row["id"])
        return msgspec.convert(plain, BridgeRequest)
    except (msgspec.DecodeError, RecursionError):
        raise Invalid(pointer="/") from None


@bridges.command(name="list")
def list_() -> None:
    """列出读卡服务。List the bridges."""

    async def work(runtime: Runtime) -> list[BridgeView]:
        return await service.listed(runtime.pool)

    table = Table("标识 id", "名称 name", "地点 site", "状态 state", "终端 terminal", "版本 version")
    for one in with_runtime(work):
        state = "停用 revoked" if one.revoked else "在线 on-line" if one.online else "离线 off-line"
        table.add_row(str(one.id), one.name, one.site, state, one.terminal or "", one.version)
    Console().print(table)


@bridges.command()
@click.argument("bridge", type=click.UUID)
def revoke(bridge: UUID) -> None:
    """停用读卡服务。Take a bridge out of service: its connection ends within two seconds."""

    async def work(runtime: Runtime) -> None:
        async with begin(runtime.pool) as tx:
            await service.revoke(tx, bridge, None)

    with_runtime(work)
    say("读卡服务已停用。Revoked.")
