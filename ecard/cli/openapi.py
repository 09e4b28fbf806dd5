"""`ecard openapi`: the API document, exported and compared."""

from pathlib import Path

import click

from ecard.app import openapi_document

_FILE = Path(__file__).parents[2] / "openapi" / "openapi.json"


@click.group()
def openapi() -> None:
    """接口文档 (OpenAPI 3.1)。The API document."""


@openapi.command()
def export() -> None:
    """导出到 openapi/openapi.json。Write openapi/openapi.json."""
    _FILE.write_bytes(openapi_document())
    click.echo(f"已写入 {_FILE.name}。Written.", err=True)


@openapi.command()
def check() -> None:
    """核对 openapi/openapi.json 与代码一致。Check that the file is what the code says."""
    if not _FILE.exists() or _FILE.read_bytes() != openapi_document():
        msg = "openapi/openapi.json 已过时, 请运行 make openapi。Out of date: run make openapi."
        raise click.ClickException(msg)
