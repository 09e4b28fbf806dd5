"""`ecard openapi`: the API document, exported and compared."""

from pathlib import Path

import click

from ecard.app import openapi_document

_COMMITTED = Path(__file__).parents[2] / "openapi" / "openapi.json"
_file = click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=_COMMITTED,
    help="文件, 默认 openapi/openapi.json · the file, by default the committed one",
)


@click.group()
def openapi() -> None:
    """接口文档 (OpenAPI 3.1)。The API document."""


@openapi.command()
@_file
def export(path: Path) -> None:
    """导出到 openapi/openapi.json。Write openapi/openapi.json."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(openapi_document())
    click.echo(f"已写入 {path.name}。Written.", err=True)


@openapi.command()
@_file
def check(path: Path) -> None:
    """核对 openapi/openapi.json 与代码一致。Check that the file is what the code says."""
    if not path.exists() or path.read_bytes() != openapi_document():
        msg = f"{path.name} 已过时, 请运行 make openapi。Out of date: run make openapi."
        raise click.ClickException(msg)
