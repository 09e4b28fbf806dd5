"""`ecard audit`: seal the log, and prove that nothing in it was changed."""

import sys

import click

from ecard import seals
from ecard.audit import service
from ecard.cli.context import say, with_runtime
from ecard.runtime import Runtime


@click.group()
def audit() -> None:
    """审计日志。The audit log."""


@audit.command()
def verify() -> None:
    """验证审计日志, 指出第一处被改动的记录。Prove the audit log, and name the first row that was changed.

    \b
    退出码 exit code: 0 完好 intact, 2 有改动 broken
    """

    async def work(runtime: Runtime) -> seals.Proof:
        async with runtime.pool.acquire() as connection:
            return await service.verify(
                connection, seals.anchors(runtime.ring), runtime.settings.issuer, runtime.clock.time()
            )

    proof = with_runtime(work)
    if proof.broken is None:
        click.echo(
            f"审计日志完好: {proof.seals} 个封印, {proof.rows} 条记录, {proof.unsealed} 条待封。"
            f"Intact: {proof.seals} seals, {proof.rows} rows, {proof.unsealed} not sealed yet.\nhead {proof.head}"
        )
        return
    broken = proof.broken
    row = "" if broken.xid is None else f" xid={broken.xid} n={broken.n}"
    say(f"审计日志被改动: 封印 {broken.seal}, {broken.fault}{row}。Broken at seal {broken.seal}: {broken.fault}{row}.")
    sys.exit(2)
