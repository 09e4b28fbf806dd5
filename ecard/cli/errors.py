"""`ecard errors`: the error catalogue, generated from the error classes."""

from pathlib import Path

import click

from ecard import app
from ecard.errors import catalogue

_HEAD = """# 错误目录 · Error catalogue

由 `ecard errors > docs/errors.md` 生成, 测试保证两者一致。Generated; a test keeps it true.

错误均为 `application/problem+json` (RFC 9457); `/oauth/` 下的端点按 RFC 6749 §5.2 返回 `error`、`hint`
与同样的 `code`。`code` 稳定, 供程序判断; `request_id` 供查询日志。

Every error is a problem document; the endpoints under `/oauth/` answer as RFC 6749 §5.2 says, with the same
`code`. It is stable and for programs; `request_id` finds it in the log.

| code | HTTP | 说明 · meaning | 怎么办 · what to do |
|---|---|---|---|
"""


def page() -> str:
    """Return the catalogue as Markdown; `app` has imported every feature and with it every error."""
    rows = [
        f"| `{error.code}` | {error.status} | {error.title.zh}<br>{error.title.en} "
        f"| {error.action.zh}<br>{error.action.en} |"
        for error in catalogue()
    ]
    return _HEAD + "\n".join(rows) + "\n"


@click.command()
@click.option("--check", type=click.Path(path_type=Path, exists=True), help="与此文件比较 · compare with this file")
def errors(check: Path | None) -> None:
    """输出错误目录 (Markdown)。Print the error catalogue as Markdown."""
    if check is None:
        click.echo(page(), nl=False)
    elif check.read_text("utf-8") != page():
        msg = f"{check} 已过时, 请重新生成。Out of date: ecard errors > {check}"
        raise click.ClickException(msg)


__all__ = ["app", "errors", "page"]
