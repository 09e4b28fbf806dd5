"""`ecard benefits`: files of benefits taken in, looked at, and proofs checked with no network."""

import time
from pathlib import Path
from uuid import UUID

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ecard.cli.anchors import BUNDLE, KEYS, trusted
from ecard.cli.context import say, with_runtime
from ecard.db import begin
from ecard.errors import EcardError
from ecard.runtime import Runtime
from pay.disbursement import files, intake, proofs, service
from pay.disbursement.errors import ProofRefused
from pay.disbursement.files import Row
from pay.disbursement.model import PART, Bad
from pay.disbursement.schemas import BenefitBadLine, BenefitBatch

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_REASONS = {
    Bad.MALFORMED: "无法读取 cannot be read",
    Bad.ID_NO: "身份号码有误 not a resident number",
    Bad.UNKNOWN_PERSON: "查无此人 nobody of that number",
    Bad.NAME_DIFFERS: "姓名与号码不符 the name is not that number's",
    Bad.UNKNOWN_PAYEE: "领取代号不存在 no such pseudonym",
    Bad.COMPONENT: "待遇组成不属于该项目 not a component of the programme",
    Bad.AMOUNT: "金额超出范围 not an amount of the programme",
    Bad.DUPLICATE: "该人同期同项已有 that payee, period and component is there already",
}


@click.group()
def benefits() -> None:
    """待遇发放。Benefits paid out.

    \b
    ecard benefits upload lines.csv --programme ID --agency ID --period 2026-01 --number B1 --dry-run
    ecard benefits show BATCH
    ecard benefits verify proof.json --bundle bundle.json
    """


@benefits.command()
@click.argument("file", type=_FILE)
@click.option("--programme", required=True, type=click.UUID, help="发放项目 · the programme")
@click.option("--agency", required=True, type=click.UUID, help="提交机构 · the agency that hands in")
@click.option("--period", required=True, help="待遇所属期, 如 2026-01 · the period it is for")
@click.option("--number", required=True, help="机构批次号 · the agency's own number")
@click.option("--dry-run", is_flag=True, help="只检查, 不写入 · check only, write nothing")
@click.option("--submit", is_flag=True, help="没有错行时提交审核 · hand in where no row is wrong")
def upload(
    file: Path,
    programme: UUID,
    agency: UUID,
    period: str,
    number: str,
    dry_run: bool,  # noqa: FBT001 - click's flags
    submit: bool,  # noqa: FBT001
) -> None:
    """导入明细文件 (CSV)。Take a file of lines into a batch; again replaces what it brought.

    \b
    首行 first line: id_no,name,component,amount[,reference] 或 or payee,component,amount; 金额单位分 amounts in 分
    每个错行都列出; 退出码 exit code: 0 全部接受 all taken, 3 有错行 rows refused
    """
    found = files.rows(file)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("检查 checking" if dry_run else "导入 loading", total=len(found))

        async def work(runtime: Runtime) -> tuple[BenefitBatch, list[BenefitBadLine]]:
            refused: list[BenefitBadLine] = []
            async with begin(runtime.pool) as tx:
                batch = await intake.open_batch(tx, programme, agency, period, number, by=None)
                if dry_run:
                    # All in one transaction, which is undone: duplicates inside the file are found as well.
                    for start in range(0, len(found), PART):
                        refused += await intake.add_rows(tx, runtime, batch, _part(found, start))
                        progress.update(task, completed=start + PART)
                    made = await service.batch(tx, batch)
                    raise _Undone(made, refused)
            for start in range(0, len(found), PART):
                async with begin(runtime.pool) as tx:
                    refused += await intake.add_rows(tx, runtime, batch, _part(found, start))
                progress.update(task, completed=start + PART)
            async with begin(runtime.pool) as tx:
                await intake.cut(tx, batch, len(found))
                if submit and not refused:
                    return await service.hand_in(tx, runtime, batch, by=None), refused
                return await service.batch(tx, batch), refused

        try:
            made, refused = with_runtime(work)
        except _Undone as undone:
            made, refused = undone.made, undone.refused
    _report(made, refused, dry_run=dry_run)
    if refused:
        raise SystemExit(3)


class _Undone(Exception):
    """Undoes a dry run, and brings what it found."""

    def __init__(self, made: BenefitBatch, refused: list[BenefitBadLine]) -> None:
        super().__init__()
        self.made = made
        self.refused = refused


def _part(found: list[Row], start: int) -> list[Row]:
    return found[start : start + PART]


def _report(made: BenefitBatch, refused: list[BenefitBadLine], *, dry_run: bool) -> None:
    for one in refused:
        click.echo(f"第 {one.n} 行 row {one.n}: {one.reason} {_REASONS[Bad(one.reason)]}")
    named = "" if dry_run else f"batch={made.id} state={made.state} "
    click.echo(f"{named}lines={made.lines} total={made.total} refused={len(refused)}")
    if dry_run:
        say("仅检查, 未写入。Checked only; nothing was written.")


@benefits.command()
@click.argument("batch", type=click.UUID)
def show(batch: UUID) -> None:
    """查看批次。Show a batch: where it stands, and how many of its lines are in which state."""

    async def work(runtime: Runtime) -> BenefitBatch:
        return await service.batch(runtime.pool, batch)

    found = with_runtime(work)
    table = Table("项 what", "值 value")
    for name in ("item", "period", "number", "state", "round", "manifest", "lines", "total", "approvals"):
        table.add_row(name, str(getattr(found, name)))
    for state, count in sorted(found.counts.items()):
        table.add_row(f"· {state}", str(count))
    Console().print(table)


@benefits.command()
@click.argument("file", type=_FILE)
@BUNDLE
@KEYS
def verify(file: Path, bundle: Path | None, keys: Path | None) -> None:
    """离线核验发放凭证: 该笔在两名操作员审核的清单中。Check offline that a line is in what two operators approved.

    退出码 exit code: 0 有效 valid, 1 无效 refused
    """
    anchors = trusted(bundle, keys, ProofRefused)
    try:
        found = proofs.verify(file.read_bytes(), anchors, time.time())
    except EcardError as refusal:
        click.echo(msgspec.json.encode({"valid": False, "code": refusal.code} | refusal.members))
        raise
    click.echo(msgspec.json.encode({"valid": True, **found}))
