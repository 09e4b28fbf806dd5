"""``ecard catalogue``: the 192 items on the command line; needs no database."""

import sys

import click
from rich.console import Console
from rich.table import Table

from ecard.catalogue.errors import ItemUnknown
from ecard.catalogue.load import load
from ecard.catalogue.model import Annex, Catalogue, Flow, Form, Item, Selection
from ecard.catalogue.schemas import document, document_of

_ANNEXES: dict[str, Annex] = {"1": 1, "2": 2, "3": 3}
_FORMS = {Form.PHYSICAL: "实体卡", Form.ELECTRONIC: "电子卡"}


@click.group()
def catalogue() -> None:
    """应用目录: 有哪些事项, 各自如何办理。 The catalogue: which items there are and how each goes on."""


@catalogue.command("list")
@click.option("--json", "as_json", is_flag=True, help="输出接口的 JSON 数组。 Print the JSON of the API.")
@click.option("--annex", type=click.Choice(list(_ANNEXES)), help="只列某个附件。 Only this annex.")
@click.option("--flow", type=click.Choice(Flow, case_sensitive=False), help="只列某个流程, 如 pay。 Only this flow.")
@click.option(
    "--form", type=click.Choice(Form, case_sensitive=False), help="只列可用此卡的事项。 Only items for this card."
)
def list_items(*, as_json: bool, annex: str | None, flow: Flow | None, form: Form | None) -> None:
    """列出事项, 条件之间为“且”。 List the items; filters are joined by AND.

    \b
    例 (examples):
      ecard catalogue list --annex 1
      ecard catalogue list --flow pay --form electronic
      ecard catalogue list --json > catalogue.json
    """
    loaded = load()
    items = loaded.select(Selection(annex=_ANNEXES.get(annex or ""), flow=flow, form=form))
    if as_json:
        _write(document(items))
        return
    Console().print(_table(loaded, items))


@catalogue.command("show")
@click.argument("code")
@click.option("--json", "as_json", is_flag=True, help="输出接口的 JSON。 Print the JSON of the API.")
def show(*, code: str, as_json: bool) -> None:
    """显示一个事项, 如 A1-01。 Show one item, such as A1-01.

    包括说明、流程、可披露的信息和核验要求。
    Its description, its flow, what may be disclosed of the holder and what evidence it needs.
    """
    loaded = load()
    try:
        item = loaded.get(code)
    except ItemUnknown as error:
        msg = f"{error.title.zh} ({error.title.en}); ecard catalogue list"
        raise click.BadParameter(msg, param_hint="CODE") from error
    if as_json:
        _write(document_of(item))
        return
    table = Table(title=f"{item.code} {item.title}", show_header=False)
    for label, value in _details(loaded, item):
        table.add_row(label, value)
    Console().print(table)


@catalogue.command("page")
def page() -> None:
    """输出 docs/catalogue.md: 每个事项的流程、接口与测试。 Print docs/catalogue.md: each item, and how it is proven."""
    click.echo(catalogue_page(load()), nl=False)


_PAGE = """# 应用目录 · The catalogue

由 `ecard catalogue page > docs/catalogue.md` 生成。Generated from `ecard/catalogue/data`: a new item is a row there.

每个事项由 `tests/ecard/cli/test_rehearse.py` 以每种用卡形式走完全程, 测试名为“事项-形式” (如 `A1-01-physical`)。
Each item is played to its end there in each form; the test's id is item and form. `ecard rehearse --only A1-01` plays
one. 实 physical · 电 electronic.

"""
_LETTERS = {Form.PHYSICAL: "实", Form.ELECTRONIC: "电"}


def catalogue_page(loaded: Catalogue) -> str:
    """Return the catalogue as Markdown: flows with their operations, then each item with its tests."""
    lines = ["## 流程 Flows", "", "| 流程 flow | 码 scene | 事项 items | 接口 operations |", "|---|---|---|---|"]
    for flow in loaded.flows:
        count = sum(item.flow is flow.name for item in loaded.items)
        operations = ", ".join(f"`{one}`" for one in flow.operations)
        lines.append(f"| {flow.zh} {flow.en} `{flow.name}` | {flow.scene.name.lower()} | {count} | {operations} |")
    for annex in _ANNEXES.values():
        heads = "| 编号 | 事项 item | 流程 flow | 形式 forms | 核验 acr, 场所 place | 可披露 fields | 测试 tests |"
        lines += ["", f"## 附件{annex} Annex {annex}", "", heads, "|---|---|---|---|---|---|---|"]
        lines += [_row(loaded, item) for item in loaded.items if item.annex == annex]
    return _PAGE + "\n".join(lines) + "\n"


def _row(loaded: Catalogue, item: Item) -> str:
    forms = "".join(_LETTERS[form] for form in item.forms)
    fields = ", ".join(item.fields) or "–"
    tests = f"`{item.code}`" if item.delegated else ", ".join(f"`{item.code}-{form}`" for form in Form)
    flow = f"{loaded.flow(item.flow).zh} `{item.flow}`"
    return f"| {item.code} | {item.title} | {flow} | {forms} | {item.acr}, {item.proximity} | {fields} | {tests} |"


def _table(loaded: Catalogue, items: tuple[Item, ...]) -> Table:
    table = Table(caption=f"共 {len(items)} 项 ({len(items)} items)")
    for heading in ("编号 code", "事项 item", "流程 flow", "形式 forms", "核验 acr"):
        table.add_column(heading, no_wrap=heading.startswith("编号"))
    for item in items:
        table.add_row(item.code, item.title, f"{loaded.flow(item.flow).zh} {item.flow}", _forms(item), item.acr)
    return table


def _details(loaded: Catalogue, item: Item) -> list[tuple[str, str]]:
    flow = loaded.flow(item.flow)
    details = [
        ("说明 description", item.description),
        ("业务领域 domain", item.domain),
        ("相关单位 agencies", "、".join(item.agencies or ())),
        ("业务分类 business", item.business and f"{item.business} / {item.group}"),
        ("办件类型 route", item.route and f"{item.route} ({'、'.join(item.delegated or ())})"),
        ("功能分类 function", item.function),
        ("用卡形式 forms", _forms(item)),
        ("办理流程 flow", f"{flow.zh} {flow.en} ({item.flow}, {item.scene.name.lower()})"),
        ("可披露 fields", ", ".join(item.fields) or "无 (none)"),
        ("授权说明 purpose", f"{item.purpose.zh}\n{item.purpose.en}"),
        ("核验要求 acr", f"{item.acr}, {item.proximity}"),
        ("权限范围 scope", item.scope),
    ]
    return [(label, value) for label, value in details if value]


def _forms(item: Item) -> str:
    return "、".join(_FORMS[form] for form in item.forms)


def _write(body: bytes) -> None:
    # Byte for byte what the API serves, so that digests compare; only a person's terminal gets a line end.
    click.echo(body, nl=sys.stdout.isatty())
