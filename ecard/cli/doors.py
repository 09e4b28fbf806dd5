"""`ecard doors`: who may call what, generated from the handlers themselves."""

from collections.abc import Mapping
from typing import NamedTuple

import click

from ecard.access.model import Role
from ecard.app import doors as all_doors
from ecard.document import Route, caller_of

ALLOW, OWN, DENY = "✓", "own", "–"
"""May call; may call and reaches its own things alone; is refused."""
COLUMNS = (
    "anonymous",
    "browser",
    "holder",
    "other holder",
    "terminal",
    "channel",
    "client",
    "bridge",
    *(f"operator {role.value}" for role in Role),
)
_NO_SESSION = frozenset({"anonymous", "browser", "client", "bridge"})
_HEAD = """# 访问矩阵 · Access matrix

由 `ecard doors > docs/access-matrix.md` 生成; 测试逐格核对。Generated; a test checks each cell over HTTP.

✓ 允许 allowed · own 仅限本人或本应用的数据 its own things alone · – 拒绝 refused.
“browser” 为打开该登录页的浏览器, “client” 为证明了身份的接入应用, “bridge” 为窗口的读卡服务。A browser that opened
the login page; a client that proved who it is; the bridge at a counter.
“other holder” 为与该数据无关的另一持卡人。A holder whom the thing does not belong to.

"""
_BY: Mapping[str | None, Mapping[str, str]] = {
    None: dict.fromkeys(COLUMNS, ALLOW),
    "key": {column: ALLOW for column in COLUMNS if column not in _NO_SESSION},
    "bridge": {"bridge": OWN},
    "client": {"client": OWN},
    "token": {"client": OWN},
    "cookie": {"browser": OWN},
    "holder": {"holder": OWN, "other holder": OWN},
    "terminal": {"terminal": ALLOW},
    "channel": {"channel": ALLOW},
}


class Door(NamedTuple):
    """An operation with its cell for each column."""

    operation: str
    path: str
    method: str
    cells: Mapping[str, str]


def door(route: Route) -> Door:
    """Return who may call the operation of `route`: what its handler says is all there is."""
    caller, role = caller_of(route), route.handler.opt.get("role")
    allowed = {f"operator {role}": ALLOW} if caller == "operator" else _BY[caller]
    about = "{" in route.path
    # What a path names belongs to one holder: another one is told that there is no such thing.
    closed = {"other holder": DENY} if caller == "holder" and about else {}
    cells = {column: {**allowed, **closed}.get(column, DENY) for column in COLUMNS}
    return Door(route.operation, route.path, route.method.upper(), cells)


def page() -> str:
    """Return the matrix as Markdown."""
    # One row for an operation with two paths or methods: they have one handler.
    rows = sorted(
        {one.operation: one for one in sorted(map(door, all_doors()), key=lambda one: one[:3], reverse=True)}.items()
    )
    head = f"| operation | | {' | '.join(COLUMNS)} |\n|---|---|{'---|' * len(COLUMNS)}\n"
    lines = [
        f"| `{name}` | {one.method} {one.path} | {' | '.join(one.cells[column] for column in COLUMNS)} |"
        for name, one in rows
    ]
    return _HEAD + head + "\n".join(lines) + "\n"


@click.command()
def doors() -> None:
    """输出访问矩阵 (Markdown)。Print who may call what, as Markdown."""
    click.echo(page(), nl=False)
