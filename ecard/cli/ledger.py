"""`ecard ledger`: prove the books on a live database."""

import sys

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ecard import seals
from ecard.cli.context import say, with_runtime
from ecard.errors import Text
from ecard.runtime import Runtime
from pay.banks import checks as banks_checks
from pay.bills import checks as bills
from pay.disbursement import checks as disbursement
from pay.hours import checks as hours
from pay.ledger import checks, periods
from pay.ledger.checks import Broken, Check
from pay.medical import checks as medical
from pay.orders import checks as orders
from pay.reconciliation import checks as reconciliation
from pay.rides import checks as rides
from pay.settlements import checks as settlements
from vouchers.batches import checks as voucher_batches
from vouchers.completion import checks as completion
from vouchers.life import checks as vouchers

CHECKS: tuple[Check, ...] = (
    *checks.CHECKS,
    *banks_checks.CHECKS,
    *orders.CHECKS,
    *bills.CHECKS,
    *rides.CHECKS,
    *reconciliation.CHECKS,
    *settlements.CHECKS,
    *disbursement.CHECKS,
    *hours.CHECKS,
    *medical.CHECKS,
    *vouchers.CHECKS,
    *voucher_batches.CHECKS,
    *completion.CHECKS,
)
"""Every invariant that SQL can find broken, in the order in which they are asked; a feature's own are a line here."""
PERIODS = Text("每条分录与封存周期一致", "each leg is as its period sealed it")


@click.group()
def ledger() -> None:
    """总账。The ledger."""


@ledger.command()
def check() -> None:
    """核对总账不变量 (C1–C8), 指出第一处破坏。Prove the invariants on a live database, and name the first break.

    \b
    退出码 exit code: 0 全部成立 all hold, 2 有破坏 broken
    """
    held: list[Check] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("C1–C8", total=len(CHECKS) + 1)

        def told(one: Check) -> None:
            held.append(one)
            progress.update(task, advance=1, description=f"{one.code} {one.title.zh}")

        async def work(runtime: Runtime) -> Broken | seals.Proof:
            broken = await checks.first_break(runtime.pool, CHECKS, told)
            return broken or await _sealed(runtime)

        found = with_runtime(work)
    for one in held:
        click.echo(f"{one.code}  ✓ {one.title.zh} · {one.title.en}")
    if isinstance(found, seals.Proof) and found.broken is None:
        click.echo(f"C8  ✓ {PERIODS.zh} · {PERIODS.en}")
        click.echo(
            f"账目完好: {found.seals} 个周期, {found.rows} 条分录, {found.unsealed} 条待封。"
            f"The books hold: {found.seals} periods, {found.rows} legs, {found.unsealed} not sealed yet."
        )
        return
    _fail(found)


async def _sealed(runtime: Runtime) -> seals.Proof:
    async with runtime.pool.acquire() as connection:
        return await periods.verify(
            connection, seals.anchors(runtime.ring), runtime.settings.issuer, runtime.clock.time()
        )


def _fail(found: Broken | seals.Proof) -> None:
    if isinstance(found, Broken):
        code, title, what = found.code, found.title, found.what
    else:
        one = found.broken
        row = "" if one is None or one.xid is None else f" xid={one.xid} n={one.n}"
        code, title, what = "C8", PERIODS, "" if one is None else f"period {one.seal}: {one.fault}{row}"
    say(f"{code} 不成立: {title.zh}: {what}。{code} does not hold: {title.en}: {what}.")
    sys.exit(2)
