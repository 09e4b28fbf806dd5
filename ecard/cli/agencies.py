"""`ecard agencies`: the agencies that terminals and clients belong to, without an operator's session."""

import click
from rich.console import Console
from rich.table import Table

from ecard.access import service, store
from ecard.access.schemas import AgencyRequest
from ecard.cli.context import say, with_runtime
from ecard.db import Row, begin
from ecard.runtime import Runtime


@click.group()
def agencies() -> None:
    """机构: 登记、列出。The agencies: register, list.

    \b
    ecard agencies add --name 测试人社局 --uscc 12110000000000001N
    """


@agencies.command()
@click.option("--name", required=True, help="机构名称 · its name")
@click.option("--uscc", required=True, help="统一社会信用代码, 18 位 · its unified social credit code")
def add(name: str, uscc: str) -> None:
    """登记机构。Register an agency."""

    async def work(runtime: Runtime) -> str:
        async with begin(runtime.pool) as tx:
            return str((await service.register_agency(tx, AgencyRequest(name=name, uscc=uscc), None)).id)

    agency = with_runtime(work)
    click.echo(f"agency={agency}")
    say("机构已登记。Registered.")


@agencies.command(name="list")
def list_() -> None:
    """列出机构。List the agencies."""

    async def work(runtime: Runtime) -> list[Row]:
        return await store.agencies(runtime.pool)

    table = Table("标识 id", "名称 name", "统一社会信用代码 USCC")
    for row in with_runtime(work):
        table.add_row(str(row["id"]), row["name"], row["uscc"])
    Console().print(table)
