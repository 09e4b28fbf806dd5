"""`ecard medical`: rules of pooling regions loaded from a file, or the sandbox's own."""

import tomllib
from pathlib import Path

import click
import msgspec

from ecard.cli.context import say, with_runtime
from ecard.db import begin
from ecard.runtime import Runtime
from pay.medical import rules
from pay.medical.items import sandbox_rules
from pay.medical.schemas import MedicalRulesRequest


@click.group()
def medical() -> None:
    """就医结算。Medical settlement.

    \b
    ecard medical load rules.toml
    ecard medical load --sandbox
    """


@medical.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@click.option("--sandbox", is_flag=True, help="沙箱的两个虚构地区 · the sandbox's two fictitious regions")
def load(file: Path | None, sandbox: bool) -> None:  # noqa: FBT001 - click's flag
    """装载统筹地区的待遇政策 (TOML)。Load regions' rules; what stands already stays, and none is ever changed.

    \b
    文件格式见 docs/medical.md · the form of the file is in docs/medical.md
    """
    if (file is None) != sandbox:
        msg = "需要文件或 --sandbox。Give a file or --sandbox."
        raise click.UsageError(msg)
    found = sandbox_rules() if file is None else tomllib.loads(file.read_text("utf-8")).get("region", [])
    try:
        asked = msgspec.convert(found, list[MedicalRulesRequest])
    except msgspec.ValidationError as wrong:
        msg = f"文件内容有误。The file is not valid: {wrong}"
        raise click.ClickException(msg) from None

    async def work(runtime: Runtime) -> None:
        for one in asked:
            async with begin(runtime.pool) as tx:
                answer = await rules.load(tx, runtime, one, None)
            key = "" if answer.key is None else f" key={answer.key}"
            click.echo(f"region={answer.region} rules={len(one.rules)} added={answer.added}{key}")

    with_runtime(work)
    if sandbox:
        say("已装载沙箱政策 (均为虚构)。The sandbox's rules are loaded; all of them are invented.")
