"""`ecard rehearse` on the command line: a server of its own, a bar, a table, and an exit code that says all."""

import contextlib
import os
import sys
import time
from collections.abc import Iterable, Sequence

import click
import httpx
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ecard.catalogue.load import load
from ecard.catalogue.model import Form
from ecard.cli.rehearse.playing import play
from ecard.cli.rehearse.rows import Found, Kind, Row, rows, tally
from ecard.cli.rehearse.stage import Stage
from ecard.cli.sandbox import ROLES, Operators, first_operators, free, served
from ecard.cli.window import in_pcscd

_FORMS = {Form.PHYSICAL: "实体卡", Form.ELECTRONIC: "电子卡", None: "两种"}
_KINDS = {Kind.PERMITTED: "可用", Kind.REFUSED: "拒绝", Kind.DELEGATED: "赋权银行"}
_PORT = 8600


@click.command()
@click.option("--only", multiple=True, metavar="A1-36", help="只演练这些事项 · only these items (repeatable)")
@click.option("--form", type=click.Choice(Form, case_sensitive=False), help="只演练此用卡形式 · only this form")
@click.option("--pcscd", is_flag=True, help="实体卡须在 pcscd 的虚拟读卡器中 · cards must be in a reader of pcscd")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON · print JSON")
@click.option("--port", default=_PORT, show_default=True, help="优先使用的端口 · preferred port")
def rehearse(*, only: tuple[str, ...], form: Form | None, pcscd: bool, as_json: bool, port: int) -> None:
    """演练全部事项: 每个事项以每种用卡形式走完全程。Rehearse every item, in every form, to its end.

    \b
    启动一个沙箱服务 (数据在 ECARD_DATA_DIR), 只用公开接口。任何一行不成立时退出码为 1。
    A sandbox server of its own and public operations only. It exits with 1 where a row does not hold.
    例 (examples):
      ecard rehearse
      ecard rehearse --only A1-36 --only A2-54
      ecard rehearse --form physical --pcscd
      ecard rehearse --json > rehearsal.json
    """
    os.environ["ECARD_SANDBOX"] = "1"
    console = Console(stderr=as_json, highlight=False)
    wanted = rows(load(), only, form)
    if not wanted:
        msg = "没有这样的事项, 见 ecard catalogue list。No such item: see ecard catalogue list."
        raise click.BadParameter(msg, param_hint="--only")
    if pcscd and not in_pcscd():
        msg = "pcscd 中没有虚拟读卡器 (vpcd)。No virtual reader in pcscd: install vsmartcard-vpcd and start pcscd."
        raise click.ClickException(msg)
    began = time.monotonic()
    found = _played(wanted, form, port, console)
    found.sort(key=lambda one: (one.item, one.form or Form.ELECTRONIC))
    red = [one for one in found if one.wrong]
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        _report(console, found, red, time.monotonic() - began)
    sys.exit(1 if red else 0)


def _played(wanted: Sequence[Row], form: Form | None, port: int, console: Console) -> list[Found]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with served(free(port), console, "--workers", "2") as base_url, contextlib.ExitStack() as ending:
        http = ending.enter_context(httpx.Client(base_url=base_url, timeout=60))
        stage = Stage(http, Operators.of(http, first_operators(ROLES)), ending)
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("演练 rehearsing", total=len(wanted))
            found: list[Found] = []
            for one in play(stage, wanted, form):
                found.append(one)
                bar.advance(task)
            return found


def _report(console: Console, found: Iterable[Found], red: Sequence[Found], seconds: float) -> None:
    table = Table("领域 domain", "成立 green", "不成立 red", title="演练 rehearsal")
    for domain, (good, bad) in tally(found).items():
        table.add_row(domain, str(good), f"[red]{bad}[/]" if bad else "0")
    console.print(table)
    for one in red:
        console.print(f"[red]✗[/] {one.item} {one.title} [{_KINDS[one.kind]}, {_FORMS[one.form]}] {one.wrong}")
    count = sum(good + bad for good, bad in tally(found).values())
    verdict = "[bold green]全部成立。All green.[/]" if not red else f"[bold red]{len(red)} 行不成立 rows are red[/]"
    console.print(f"{count} 行 rows, {verdict} ({seconds:.1f} s)")
