"""`ecard reconcile`: a bank's day file against orders and ledger, from the command line."""

import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from ecard.cli.context import say, with_runtime
from ecard.runtime import Runtime
from pay.reconciliation import service
from pay.reconciliation.schemas import Reconciliation


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--bank", required=True, help="银行代码 · the bank's code")
@click.option("--date", "day", required=True, type=click.DateTime(["%Y-%m-%d"]), help="账务日期 · the file's day")
def reconcile(file: Path, bank: str, day: datetime.datetime) -> None:
    """对账: 载入银行对账文件, 与订单、总账逐笔核对。Reconcile a bank's day file with orders and ledger.

    \b
    ecard reconcile 20260105.txt --bank SANDBOX --date 2026-01-05
    同一文件只载入一次; 错行列出行号与原因, 不中断。
    The same file is loaded once; bad lines are listed by place and reason, and stop nothing.
    退出码 exit code: 0 一致 all agrees, 3 有差错或错行 breaks or bad lines
    """
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with file.open("rb") as source, Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        size = file.stat().st_size
        task = progress.add_task("载入 loading", total=size)

        def told(read: int) -> None:
            progress.update(task, completed=read, description="核对 comparing" if read >= size else "载入 loading")

        async def work(runtime: Runtime) -> Reconciliation:
            now = runtime.clock.time()
            return await service.reconcile(runtime.pool, source, bank=bank, day=day.date(), now=now, told=told)

        made = with_runtime(work)
    _report(made)
    if made.bad or made.opened:
        raise SystemExit(3)


def _report(made: Reconciliation) -> None:
    click.echo(
        f"file={made.id} lines={made.lines} bad={made.bad} resolved={made.resolved} "
        f"opened={made.opened} closed={made.closed}"
    )
    for one in made.bad_lines:
        click.echo(f"第 {one.place} 行 line {one.place}: {one.reason}")
    if not made.whole:
        say("文件不完整, 可另行载入更正文件。The file is not whole: its correction may be loaded.")
    if made.opened:
        say("差错见 GET /v1/breaks, 须两名财务操作员处理。Breaks are closed by two operators of finance.")
