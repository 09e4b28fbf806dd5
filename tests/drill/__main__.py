"""`make drill`: runs the drills, compares every book after each, and ends with a table; LONG=1 for the full figures."""

import os
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.drill.compare import SECONDS, at_rest, breaks
from tests.drill.faults import DRILLS, Drill
from tests.drill.load import Load
from tests.drill.site import Site, open_site

_SHOWN = 5


class Result(NamedTuple):
    """How a drill ended: what it measured, seconds until all orders rested, breaks, orders acknowledged, seconds."""

    drill: Drill
    said: list[str]
    rest: float
    broken: list[str]
    orders: int
    took: float

    @property
    def good(self) -> bool:
        """Whether everything held."""
        return not self.broken and self.rest <= SECONDS and not any(one.startswith("!") for one in self.said)


def main() -> int:
    """Run the drills that are named (all, if none is); return 1 if one of them found something broken."""
    long = os.environ.get("LONG") == "1"
    console = Console(stderr=True)
    wanted = [drill for drill in DRILLS if not sys.argv[1:] or drill.code in sys.argv[1:]]
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[now]}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("启动 starting", total=len(wanted), now="")
        with open_site() as site:
            load = Load(site)
            results = []
            for drill in wanted:
                progress.update(task, description=f"{drill.code} {drill.zh} {drill.en}", now="")
                results.append(_run(site, load, drill, lambda now: progress.update(task, now=now), long=long))
                progress.advance(task)
                progress.console.print(_line(results[-1]))
    Console().print(_table(results))
    for result in results:
        for one in result.broken[:_SHOWN]:
            console.print(f"[red]{result.drill.code}[/] {one}", highlight=False)
    return 0 if all(result.good for result in results) else 1


def _run(site: Site, load: Load, drill: Drill, tell: Callable[[str], None], *, long: bool) -> Result:
    started, before = time.monotonic(), len(load.told.orders)
    said = drill.do(site, load, tell, long)
    site.heal()
    rest = at_rest(site)
    broken = breaks(site, load.told)
    return Result(drill, said, rest, broken, len(load.told.orders) - before, time.monotonic() - started)


def _line(one: Result) -> str:
    mark = "[green]✓[/]" if one.good else "[red]✗[/]"
    return f"{mark} {one.drill.code} {one.drill.zh} · {one.drill.en}  {one.took:.0f} s  {' '.join(one.said)}" + "".join(
        f"\n    {what}" for what in one.broken[:_SHOWN]
    )


def _table(results: list[Result]) -> Table:
    table = Table("", "演练 drill", "确认 acknowledged", "复原后 at rest after", "差异 breaks", "", "用时 took")
    for one in results:
        mark = "[green]✓[/]" if one.good else "[red]✗[/]"
        name = f"{one.drill.code} {one.drill.zh}\n{one.drill.en}"
        table.add_row(
            mark,
            name,
            str(one.orders),
            f"{one.rest:.1f} s",
            str(len(one.broken)),
            "\n".join(one.said),
            f"{one.took:.0f} s",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
