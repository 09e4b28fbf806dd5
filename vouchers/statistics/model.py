"""发放、领取、使用、核销的数量与资金 (figures of a programme); pure.

Counts are of vouchers as they stand now: 发放 issued, all of them; 领取 claimed, those that have a holder; 使用 used,
those whose learner checked in and whose training goes on or was completed; 核销 redeemed; 结算 settled. Money is 分:
what was issued is held for living vouchers still, or was redeemed, or went back to the fund.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from ecard.errors import Text
from pay.settlements.model import cell

_USED = frozenset({"in_use", "completed", "audited", "redeemed", "settled", "reversed"})
_PAID = frozenset({"redeemed", "settled"})
_ENDED = frozenset({"expired", "cancelled", "reversed"})


class Pile(msgspec.Struct, frozen=True, kw_only=True):
    """Vouchers of one source and state, counted: `held` of them have a holder; `was` is what frozen ones were."""

    source: str
    state: str
    was: str | None
    vouchers: int
    held: int
    face: int
    amount: int


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What became of some vouchers (counts) and of their money (分)."""

    issued: int = 0
    claimed: int = 0
    used: int = 0
    redeemed: int = 0
    settled: int = 0
    frozen: int = 0
    expired: int = 0
    cancelled: int = 0
    reversed: int = 0
    money_issued: int = 0
    money_held: int = 0
    money_redeemed: int = 0
    money_settled: int = 0
    money_returned: int = 0


def count(piles: Iterable[Pile]) -> Figures:
    """Return the figures of some piles; money_issued is always held + redeemed + returned."""
    made = dict.fromkeys(Figures.__struct_fields__, 0)
    for pile in piles:
        made["issued"] += pile.vouchers
        made["claimed"] += pile.held
        made["used"] += pile.vouchers if (pile.was or pile.state) in _USED else 0
        made["redeemed"] += pile.vouchers if pile.state in _PAID else 0
        if pile.state in _ENDED | {"settled", "frozen"}:
            made[pile.state] += pile.vouchers
        made["money_issued"] += pile.face
        if pile.state in _PAID:
            made["money_redeemed"] += pile.amount
            made["money_returned"] += pile.face - pile.amount
            made["money_settled"] += pile.amount if pile.state == "settled" else 0
        else:
            made["money_returned" if pile.state in _ENDED else "money_held"] += pile.face
    return Figures(**made)


def by_source(piles: Sequence[Pile]) -> dict[str, Figures]:
    """Return the figures of each source of money, in the order of their names."""
    sources = sorted({pile.source for pile in piles})
    return {source: count(pile for pile in piles if pile.source == source) for source in sources}


HEAD = (
    ("programme", Text("项目", "programme")),
    ("source", Text("资金来源", "source")),
    ("issued", Text("发放", "issued")),
    ("claimed", Text("领取", "claimed")),
    ("used", Text("使用", "used")),
    ("redeemed", Text("核销", "redeemed")),
    ("settled", Text("结算", "settled")),
    ("frozen", Text("冻结", "frozen")),
    ("expired", Text("过期", "expired")),
    ("cancelled", Text("作废", "cancelled")),
    ("reversed", Text("冲正", "reversed")),
    ("money_issued", Text("发放金额(分)", "money issued")),
    ("money_held", Text("占用金额(分)", "money held")),
    ("money_redeemed", Text("核销金额(分)", "money redeemed")),
    ("money_settled", Text("结算金额(分)", "money settled")),
    ("money_returned", Text("退回金额(分)", "money returned")),
)
"""The columns of the CSV, in their order."""


def as_csv(rows: Iterable[tuple[str, str, Figures]]) -> bytes:
    """Return figures by programme and source as CSV: UTF-8 with a mark, as spreadsheets of this field expect."""
    page = io.StringIO(newline="")
    writer = csv.writer(page)
    writer.writerow([f"{title.zh} {title.en}" for _, title in HEAD])
    for programme, source, figures in rows:
        values: dict[str, Any] = msgspec.structs.asdict(figures)
        writer.writerow([cell(programme), source, *(values[name] for name, _ in HEAD[2:])])
    return page.getvalue().encode("utf-8-sig")
