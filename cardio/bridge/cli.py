"""`ecard-bridge`: enrol this PC, run the bridge, see its readers, and find out what is wrong."""

import asyncio
import contextlib
import logging
import sys
from pathlib import Path
from typing import BinaryIO, NoReturn
from uuid import UUID

import click
import httpx
import msgspec
from rich.console import Console
from rich.table import Table

from cardio.bridge import doctor as checks
from cardio.bridge.agent import Agent
from cardio.bridge.device import Config, Home, check_address
from cardio.bridge.errors import ConfigurationWrong, LinkLost, NotEnrolled
from cardio.bridge.link import VERSION
from cardio.bridge.messages import Settlement
from cardio.bridge.queue import Queue
from cardio.bridge.screen import Screen
from cardio.errors import CardError
from cardio.transport.pcsc import PcscReaders

_DISCOVERY = "/.well-known/openid-configuration"


class _Group(click.Group):
    """Says a declared error in two languages and exits with 1."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except CardError as error:
            _fail(error)


def _fail(error: CardError) -> NoReturn:
    where = f" {error.where}" if isinstance(error, ConfigurationWrong) and error.where else ""
    click.echo(f"{error.title.zh} ({error.code}{where})。{error.action.zh}", err=True)
    click.echo(f"{error.title.en}. {error.action.en}", err=True)
    sys.exit(1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(VERSION, prog_name="ecard-bridge")
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="ECARD_BRIDGE_HOME",
    help="密钥与配置所在目录 · directory of key and settings",
)
@click.pass_context
def main(ctx: click.Context, home: Path | None) -> None:
    """窗口读卡桥接程序: 把本机读卡器交给平台使用。Lends this PC's card readers to the backend.

    它只向外连接, 不监听端口。It dials out and listens on no port.

    \b
    初次使用 · the first time:
      1  ecard-bridge doctor                       检查读卡器与服务 · readers and service
      2  ecard-bridge enrol --server https://…     生成密钥, 打印登记信息 · make the key
      3  ecard-bridge enrol --id …                 填入管理员给的标识 · the id that the operator gives
      4  ecard-bridge run                          启动, 在窗口网页输入配对码 · run, then type the digits
    以后 · afterwards:
      ecard-bridge readers                         读卡器与卡 · readers and cards
      ecard-bridge doctor                          出了什么问题, 怎么办 · what is wrong, and what to do
      ecard-bridge settle record.json              登记一笔脱网结算 (A2-52) · queue an off-line settlement
      ecard-bridge queue                           待上传的结算 · what waits to be uploaded
    """
    ctx.obj = Home(home)


@main.command()
@click.option("--server", help="平台地址, https://… · the backend's address")
@click.option("--agency", default="", help="所属机构的统一社会信用代码或标识 · the agency's credit code or id")
@click.option("--name", default="", help="本机名称, 如 三号窗口 · what this PC is called")
@click.option("--site", default="", help="所在地点 · where it stands")
@click.option("--ca-file", type=click.Path(exists=True, dir_okay=False), help="平台证书的根证书 · its CA, if private")
@click.option("--id", "bridge", type=click.UUID, help="管理员登记后给的标识 · the id that the operator gave")
@click.pass_obj
def enrol(
    home: Home, server: str | None, agency: str, name: str, site: str, ca_file: str | None, bridge: UUID | None
) -> None:
    """登记本机, 分两步; 密钥在本机生成, 不离开本机。Enrol this PC, in two steps; its key is made here and stays here.

    \b
    第一步: 打印登记信息 (公钥), 交管理员 · first: print what the operator registers
      ecard-bridge enrol --server https://ecard.example --agency 12110000000000001N \\
        --name 三号窗口 --site 政务大厅一层 > bridge-registration.json
      管理员 · the operator: ecard bridges add bridge-registration.json
    第二步: 填入得到的标识 · second: the id that it printed
      ecard-bridge enrol --id 01a20ad9-4523-75ed-9009-9921a8dfc7e0
    """
    if bridge is not None:
        home.device()
        home.write_config(msgspec.structs.replace(home.read_config(), id=bridge))
        click.echo("登记完成, 现在可以运行 ecard-bridge run。Enrolled: now run ecard-bridge run.", err=True)
        return
    if not (server and agency and name and site):
        msg = "需要 --server --agency --name --site, 或 --id · either these four, or --id"
        raise click.UsageError(msg)
    check_address(server)
    issuer = _issuer_of(server, ca_file)
    device = home.make_device()
    # Asked again, what was set up since stays: scanners, loopback.
    try:
        config = msgspec.structs.replace(
            home.read_config(), server=server, issuer=issuer, agency=agency, name=name, site=site, ca_file=ca_file
        )
    except NotEnrolled:
        config = Config(server=server, issuer=issuer, agency=agency, name=name, site=site, ca_file=ca_file)
    home.write_config(config)
    registration = {"agency": agency, "name": name, "site": site, "key": device.jwk}
    click.echo(msgspec.json.format(msgspec.json.encode(registration), indent=2).decode())
    click.echo(f"请与管理员核对密钥指纹 · compare the key's thumbprint: {device.thumbprint}", err=True)


def _issuer_of(server: str, ca_file: str | None) -> str:
    try:
        answer = httpx.get(server.rstrip("/") + _DISCOVERY, timeout=10, verify=ca_file or True)
        return str(answer.raise_for_status().json()["issuer"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        raise LinkLost from None


@main.command()
@click.pass_obj
def run(home: Home) -> None:
    """运行: 连接平台, 显示配对码, 等待读卡。Run: connect, show the pairing digits, wait for cards.

    \b
    Ctrl-C 停止 · Ctrl-C stops it. 作为系统服务运行 · as a service: docs/counter.md
    """
    logging.basicConfig(level=logging.WARNING, format="%(name)s %(message)s")
    config = home.read_config()
    if config.id is None:
        raise NotEnrolled
    agent = Agent(home, config, home.device(), PcscReaders(), Screen())
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(agent.run())


@main.command()
def readers() -> None:
    """列出读卡器及其中的卡。List the readers and the cards in them.

    \b
    ecard-bridge readers
    """
    found = checks.once(PcscReaders())
    table = Table("读卡器 reader", "卡 card (ATR)")
    for name, atr in found.items():
        table.add_row(name, "无卡 none" if atr is None else atr.hex().upper() or "无响应 mute")
    Console().print(table)


@main.command()
@click.pass_obj
def doctor(home: Home) -> None:
    """逐项检查本机, 指出问题和办法; 有问题时以 1 退出。Check this PC: what is wrong, and what to do; exits with 1 then.

    \b
    ecard-bridge doctor
    """
    marks = {True: "✓", False: "✗", None: "·"}
    well = True
    for finding in checks.examine(home, PcscReaders()):
        well = well and finding.well is not False
        click.echo(f"{marks[finding.well]} {finding.text.zh} · {finding.text.en}")
        if finding.advice:
            click.echo(f"    {finding.advice.zh}\n    {finding.advice.en}")
    sys.exit(0 if well else 1)


@main.command()
@click.argument("file", type=click.File("rb"))
@click.option("--card-id", help="卡识别码, 32 位十六进制 · the card's id, 32 hex digits")
@click.pass_obj
def settle(home: Home, file: BinaryIO, card_id: str | None) -> None:
    """把一笔脱网结算 (A2-52) 加密存入队列, 联网后自动上传一次。Queue an off-line settlement, to be uploaded once.

    \b
    金额以分为单位 · money in 分:
      {"institution": "H11990000001", "serial": "20261125000001",
       "settled_at": "2026-11-25T09:30:00+08:00",
       "total": 12850, "fund": 9000, "account": 3000, "cash": 850}
    ecard-bridge settle record.json --card-id 119900D156000005991101450000FFFF
    """
    try:
        settlement = msgspec.json.decode(file.read(), type=Settlement)
        record = _queue(home).append(settlement, card_id=_card_id(card_id))
    except msgspec.DecodeError as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"id={record.id}\nseq={record.seq}")
    click.echo("已存入队列。Queued.", err=True)


@main.command()
@click.pass_obj
def queue(home: Home) -> None:
    """列出尚未上传的脱网结算。List the off-line settlements that wait to be uploaded.

    \b
    ecard-bridge queue
    """
    table = Table("序号 seq", "登记时间 made at", "机构 institution", "流水号 serial", "合计(分) total")
    for record in _queue(home).pending():
        made = record.settlement
        table.add_row(str(record.seq), record.made_at, made.institution, made.serial, str(made.total))
    Console(width=120).print(table)


def _queue(home: Home) -> Queue:
    return Queue(home.queue, home.device().queue_key())


def _card_id(given: str | None) -> str | None:
    if given is not None and (len(given) != 32 or not all(digit in "0123456789ABCDEF" for digit in given.upper())):  # noqa: PLR2004
        msg = "--card-id: 32 位十六进制 · 32 hex digits"
        raise click.UsageError(msg)
    return given.upper() if given else None


if __name__ == "__main__":
    main()
