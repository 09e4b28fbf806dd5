"""`ecard vouchers`: programmes of training vouchers, their money, and batches, without an operator's session."""

import datetime
import hashlib
import itertools
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from ecard.cli.context import say, with_runtime
from ecard.db import Tx, begin
from ecard.runtime import Runtime
from pay.ledger.service import command
from vouchers.batches import service, working
from vouchers.batches.model import BatchState, decoded, people
from vouchers.batches.schemas import BadRow, Batch, BatchPlan, BatchRequest, PeopleAnswer
from vouchers.programmes import service as making
from vouchers.programmes.model import ProgrammeKind, SkillLevel, Worth
from vouchers.programmes.schemas import Budget, BudgetRequest, Programme, ProgrammeRequest

_LINES = 2000
"""Lines of a list that are matched and kept at once."""
_CHINA = datetime.timezone(datetime.timedelta(hours=8))
_BAR = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
R = TypeVar("R")


@click.group()
def vouchers() -> None:
    """培训券: 项目、资金、批次。Training vouchers: programmes, money, batches.

    \b
    ecard vouchers programme --name 养老护理员培训 --content 养老护理员 --region 640100
    ecard vouchers budget PROGRAMME --source province --amount 6000000
    ecard vouchers issue PROGRAMME --number 2026-01 --source province --face 60000 --quantity 100
    ecard vouchers issue PROGRAMME --number 2026-02 --source province --face 60000 --people list.csv --dry-run
    金额以分计。Amounts are 分.
    """


@vouchers.command()
@click.option("--name", required=True, help="项目名称 · its name")
@click.option("--content", required=True, help="培训内容 · what is trained")
@click.option("--region", required=True, help="适用地区, GB/T 2260 六位 · region, six digits")
@click.option("--kind", type=click.Choice([one.value for one in ProgrammeKind]), default="general", show_default=True)
@click.option("--worth", type=click.Choice([one.value for one in Worth]), default="face", show_default=True)
@click.option("--level", type=click.Choice([one.value for one in SkillLevel]), default="basic", show_default=True)
@click.option("--group", "groups", multiple=True, help="适用人群, 可多次 · who it is for, may be repeated")
@click.option("--institution", "institutions", multiple=True, help="机构标识, 可多次 · agencies, may be repeated")
@click.option("--days", "validity_days", type=int, default=92, show_default=True, help="有效期 (天) · validity")
@click.option("--longer-by", help="超过 92 天的依据 · the rule that allows more than 92 days")
def programme(**said: object) -> None:
    """建立培训券项目。Make a programme."""
    request = _request(ProgrammeRequest, said)

    async def work(runtime: Runtime) -> Programme:
        async with begin(runtime.pool) as tx:
            return await making.create(tx, request, None)

    click.echo(f"programme={with_runtime(work).id}")
    say("项目已建立。Made.")


@vouchers.command()
def programmes() -> None:
    """列出项目与可用资金。List programmes and the money that they may still issue."""

    async def work(runtime: Runtime) -> list[Programme]:
        return await making.programmes(runtime.pool, None, 1000)

    table = Table(_id(), "名称 name", "类型 kind", "面值 worth", "资金 funds (分)")
    for one in with_runtime(work):
        funds = ", ".join(f"{fund.source} {fund.available:,}" for fund in one.funds)
        table.add_row(str(one.id), one.name, one.kind.value, one.worth.value, funds)
    Console().print(table)


@vouchers.command()
@click.argument("programme", type=click.UUID)
@click.option("--source", required=True, help="资金来源代码, 如 province · a source of money")
@click.option("--amount", required=True, type=click.IntRange(1), help="分")
@click.option("--return", "returned", is_flag=True, help="退回来源 · give it back")
def budget(programme: UUID, **said: object) -> None:
    """拨入或退回资金。Give a programme money, or give it back."""
    request = _request(BudgetRequest, said)

    async def work(runtime: Runtime) -> Budget:
        return await command(runtime.pool, lambda tx: making.budget(tx, programme, request, None))

    made = with_runtime(work)
    click.echo(f"journal={made.journal} source={made.source} available={made.available}")


@vouchers.command()
@click.argument("programme", type=click.UUID)
@click.option("--number", required=True, help="批次编号, 重试不变 · the batch's number, the same when retried")
@click.option("--source", required=True, help="资金来源 · the source of its money")
@click.option("--face", required=True, type=click.IntRange(0), help="面值, 分 · face of each")
@click.option("--quantity", type=click.IntRange(1), help="张数, 供领取 · how many, to be claimed")
@click.option(
    "--people",
    "list_",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="名单 CSV: 姓名,身份号码 · a list: name, resident number",
)
@click.option("--days", "valid_days", type=click.IntRange(1), help="有效期 (天) · validity")
@click.option("--dry-run", is_flag=True, help="只核对, 不发放 · check only, issue nothing")
@click.option("--skip-bad", is_flag=True, help="跳过错误行 · issue although lines are bad")
def issue(programme: UUID, list_: Path | None, *, dry_run: bool, skip_bad: bool, **said: object) -> None:
    """发放批次。Issue a batch; the same command again goes on where it stopped.

    \b
    退出码 exit code: 0 已发放 issued, 3 名单有错误行, 未发放 lines are bad, nothing was issued
    """
    request = _request(BatchRequest, {**said, "pushed": list_ is not None})
    text = None if list_ is None else _read(list_)

    async def work(runtime: Runtime) -> tuple[Batch | BatchPlan, list[BadRow]]:
        if text is None:
            return await _open(runtime, programme, request, dry_run=dry_run), []
        return await _pushed(runtime, programme, request, text, dry_run=dry_run, skip_bad=skip_bad)

    made, bad = with_runtime(work)
    for row in bad:
        click.echo(f"第 {row.place} 行 line {row.place}: {row.reason.value}")
    _report(made)
    if isinstance(made, BatchPlan) and not made.enough:
        say("资金不足。The source's money does not reach.")
    if bad and not skip_bad:
        say("名单有错误行, 未发放; 修改后重试, 或加 --skip-bad。Lines are bad, nothing was issued.")
        raise SystemExit(3)


@vouchers.command()
@click.argument("batch", type=click.UUID)
def resume(batch: UUID) -> None:
    """继续发放或作废一个中断的批次。Go on with a batch that was interrupted."""
    _report(with_runtime(lambda runtime: _driven(runtime, batch)))


@vouchers.command()
@click.argument("batch", type=click.UUID)
def cancel(batch: UUID) -> None:
    """作废批次中无人领取的券。Make a batch void as far as nobody has claimed of it."""

    async def work(runtime: Runtime) -> Batch:
        await command(runtime.pool, lambda tx: service.cancel(tx, batch, None))
        return await _driven(runtime, batch)

    _report(with_runtime(work))


@vouchers.command()
@click.argument("batch", type=click.UUID, required=False)
def status(batch: UUID | None) -> None:
    """查看批次进度。Show how far batches are: one, or the latest."""

    async def work(runtime: Runtime) -> list[Batch]:
        return [await service.batch(runtime.pool, batch)] if batch else await service.latest(runtime.pool, 20)

    counted = ("已发放 issued", "跳过 skipped", "数量 quantity")
    table = Table(_id(), "编号 number", "状态 state", *counted, "截止 until")
    for one in with_runtime(work):
        until = datetime.datetime.fromtimestamp(one.valid_until, _CHINA)
        counts = (f"{one.issued:,}", f"{one.skipped:,}", f"{one.quantity:,}")
        table.add_row(str(one.id), one.number, one.state.value, *counts, f"{until:%Y-%m-%d %H:%M}")
    Console().print(table)


def _id() -> Column:
    """Return a column of ids, which are copied and so never broken."""
    return Column("标识 id", no_wrap=True, min_width=36)


def _request(kind: type[R], said: dict[str, object]) -> R:
    """Return the request that the options say; a usage error names the option that is wrong."""
    given = {name: [*value] if isinstance(value, tuple) else value for name, value in said.items() if value is not None}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise click.UsageError(str(error)) from None


def _read(path: Path) -> str:
    try:
        return decoded(path.read_bytes())
    except ValueError:
        msg = "既非 UTF-8 也非 GB 18030 文本。Neither UTF-8 nor GB 18030."
        raise click.BadParameter(msg, param_hint="--people") from None


def _report(made: Batch | BatchPlan) -> None:
    if isinstance(made, BatchPlan):
        click.echo(f"quantity={made.quantity} total={made.total} available={made.available} enough={made.enough}")
    else:
        click.echo(
            f"batch={made.id} state={made.state.value} quantity={made.quantity} issued={made.issued} "
            f"skipped={made.skipped} bad={made.bad}"
        )


async def _open(runtime: Runtime, programme: UUID, asked: BatchRequest, *, dry_run: bool) -> Batch | BatchPlan:
    now = runtime.clock.time()
    if dry_run:
        return await service.plan(runtime.pool, programme, asked, now)
    made = await command(runtime.pool, lambda tx: service.create(tx, programme, asked, None, now=now))
    return await _driven(runtime, made.id)


async def _pushed(
    runtime: Runtime, programme: UUID, asked: BatchRequest, text: str, *, dry_run: bool, skip_bad: bool
) -> tuple[Batch | BatchPlan, list[BadRow]]:
    """Name a batch's people and issue it; a dry run, and one with bad lines, is the same, undone."""
    now = runtime.clock.time()
    digest = hashlib.sha256(text.encode()).digest()
    async with runtime.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        keep = False
        try:
            made = await service.create(connection, programme, asked, None, now=now, people_sha256=digest)
            named = await _named(runtime, connection, made, text, now)
            planned = await service.plan(connection, programme, asked, now, named.people)
            keep = not dry_run and (skip_bad or not named.bad)
        finally:
            await (transaction.commit() if keep else transaction.rollback())
    if not keep:
        return planned, named.bad
    await command(runtime.pool, lambda tx: service.issue(tx, made.id))
    return await _driven(runtime, made.id), named.bad


async def _named(runtime: Runtime, tx: Tx, batch: Batch, text: str, now: float) -> PeopleAnswer:
    """Match a list, some thousand lines at once, with a bar; a batch that is being issued has had its list."""
    if batch.state is not BatchState.DRAFT:
        return PeopleAnswer(people=batch.quantity, bad=[])
    today = datetime.datetime.fromtimestamp(now, _CHINA).date()
    lines, found, bad = people(text, today), 0, list[BadRow]()
    with Progress(*_BAR, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("核对名单 matching", total=text.count("\n") + 1)
        after = 0
        while chunk := list(itertools.islice(lines, _LINES)):
            part = await service.put_lines(tx, runtime.vault, batch.id, (after + 1, chunk[-1].place), chunk)
            found, bad, after = found + part.people, [*bad, *part.bad], chunk[-1].place
            progress.update(task, completed=after)
    return PeopleAnswer(people=found, bad=bad)


async def _driven(runtime: Runtime, batch: UUID) -> Batch:
    """Issue or withdraw a batch to its end, with a bar; return it."""
    await service.batch(runtime.pool, batch)
    with Progress(*_BAR, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("处理批次 batch")
        await working.drive(
            runtime.pool, batch, lambda done, quantity: progress.update(task, completed=done, total=quantity)
        )
    return await service.batch(runtime.pool, batch)
