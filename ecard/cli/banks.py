"""`ecard banks`: the banks that are asked for money, without an operator's session."""

from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from ecard.cli.context import say, with_runtime
from ecard.db import begin
from ecard.runtime import Runtime
from pay.banks import service, store
from pay.banks.model import Ladder
from pay.banks.service import BankAsked
from pay.banks.store import BankRow

_KEY = click.Path(path_type=Path, dir_okay=False, exists=True)


def _ladder(_: click.Context, __: click.Parameter, text: str | None) -> Ladder | None:
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=Ladder)
    except msgspec.DecodeError as error:
        raise click.BadParameter(str(error)) from None


_LADDER = click.option(
    "--ladder",
    callback=_ladder,
    help='查询与撤销的时间, 秒 · seconds, as JSON: {"timeout": 4, "first_query": 5, "reverse_after": 15}',
)


@click.group()
def banks() -> None:
    """银行: 登记、列出、修改、停用。The banks: register, list, change, stop.

    \b
    ecard banks add --code TESTBANK --name 测试银行 --iin 629999 --url https://bank.example --key bank.jwk
    ecard banks list
    """


@banks.command()
@click.option("--code", required=True, help="银行代码 · its code, 2 to 16 capitals and digits")
@click.option("--name", required=True, help="银行名称 · its name")
@click.option("--iin", "iins", multiple=True, required=True, help="卡号开头, 可多个 · how its accounts begin")
@click.option("--url", required=True, help="接口地址 · its base URL")
@click.option("--key", type=_KEY, required=True, help="银行公钥 (JWK 文件) · its public key, a JWK file")
@click.option("--layout", default=service.LAYOUT, show_default=True, help="对账文件格式 · layout of its day file")
@_LADDER
def add(code: str, name: str, iins: tuple[str, ...], url: str, key: Path, layout: str, ladder: Ladder | None) -> None:
    """登记银行, 输出我方公钥供银行登记。Register a bank; prints our public key, for the bank to verify with."""
    jwk = msgspec.json.decode(key.read_bytes(), type=dict[str, str])
    asked = BankAsked(code=code, name=name, iins=iins, url=url, key=jwk, ladder=ladder or Ladder(), layout=layout)

    async def work(runtime: Runtime) -> dict[str, str]:
        async with begin(runtime.pool) as tx:
            return await service.register(tx, runtime.vault, asked)

    click.echo(msgspec.json.encode(with_runtime(work)))
    say("银行已登记; 请将以上公钥交给银行。Registered; give this public key to the bank.")


@banks.command(name="list")
def list_() -> None:
    """列出银行。List the banks."""

    async def work(runtime: Runtime) -> list[BankRow]:
        return await store.banks(runtime.pool)

    columns = "代码 code", "名称 name", "卡号开头 IIN", "地址 URL", "查询/间隔/撤销/挂账 (秒 s)", "状态 state"
    table = Table(*columns)
    for row in with_runtime(work):
        steps = row.ladder.first_query, row.ladder.interval, row.ladder.reverse_after, row.ladder.suspend_after
        state = "停用 stopped" if row.stopped else "启用 active"
        table.add_row(row.code, row.name, " ".join(row.iins), row.url, "/".join(f"{s:g}" for s in steps), state)
    Console().print(table)


@banks.command()
@click.argument("code")
@click.option("--url", help="接口地址 · its base URL")
@click.option("--key", type=_KEY, help="银行公钥 (JWK 文件) · its public key, a JWK file")
@_LADDER
def change(code: str, url: str | None, key: Path | None, ladder: Ladder | None) -> None:
    """修改银行; 两秒内在所有进程生效。Change a bank: in force in every process within two seconds."""
    jwk = msgspec.json.decode(key.read_bytes(), type=dict[str, str]) if key else None

    async def work(runtime: Runtime) -> None:
        async with begin(runtime.pool) as tx:
            await service.change(tx, code, url=url, key=jwk, ladder=ladder)

    with_runtime(work)
    say("已修改。Changed.")


def _switched(code: str, *, stop: bool) -> None:
    async def work(runtime: Runtime) -> None:
        async with begin(runtime.pool) as tx:
            await service.switch(tx, code, stop=stop)

    with_runtime(work)


@banks.command()
@click.argument("code")
def stop(code: str) -> None:
    """停止新的支付; 在途的照常处理。Stop new payments; what was begun is resolved all the same."""
    _switched(code, stop=True)
    say("已停用。Stopped.")


@banks.command()
@click.argument("code")
def start(code: str) -> None:
    """恢复支付。Let new payments go on."""
    _switched(code, stop=False)
    say("已启用。Started.")
