"""Figures add up, whatever became of the vouchers."""

import csv
import io

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from vouchers.statistics.model import HEAD, Figures, Pile, as_csv, by_source, count

STATES = ["issued", "claimed", "bound", "in_use", "completed", "audited", "redeemed", "settled", "frozen"]
ENDS = ["expired", "cancelled", "reversed"]


@st.composite
def piles(draw: st.DrawFn) -> Pile:
    state = draw(st.sampled_from(STATES + ENDS))
    vouchers = draw(st.integers(1, 10**6))
    face = draw(st.integers(0, 10**12))
    return Pile(
        source=draw(st.sampled_from(["central", "province"])),
        state=state,
        was=draw(st.sampled_from(STATES[:6])) if state == "frozen" else None,
        vouchers=vouchers,
        held=0 if state == "issued" else draw(st.integers(0, vouchers)),
        face=face,
        amount=draw(st.integers(0, face)),
    )


@given(st.lists(piles(), max_size=30))
def test_what_was_issued_is_held_redeemed_or_returned(found: list[Pile]) -> None:
    made = count(found)
    assert made.money_issued == made.money_held + made.money_redeemed + made.money_returned
    assert made.issued == sum(pile.vouchers for pile in found) >= made.claimed
    assert made.issued >= made.used >= made.redeemed >= made.settled
    assert made.money_redeemed >= made.money_settled
    parts = by_source(found).values()
    for name in Figures.__struct_fields__:
        assert getattr(made, name) == sum(getattr(part, name) for part in parts)


def test_a_frozen_voucher_is_used_if_it_was_in_use() -> None:
    pile = Pile(source="central", state="frozen", was="in_use", vouchers=2, held=2, face=10, amount=0)
    assert (count([pile]).used, count([pile]).frozen) == (2, 2)
    assert count([msgspec.structs.replace(pile, was="claimed")]).used == 0


def test_a_table_opens_in_a_spreadsheet_and_runs_nothing_there() -> None:
    made = as_csv([("=cmd()", "central", Figures(issued=3, money_issued=30))])
    head, row = csv.reader(io.StringIO(made.decode("utf-8-sig")))
    assert (len(head), row[:3]) == (len(HEAD), ["'=cmd()", "central", "3"])
    assert row[head.index("发放金额(分) money issued")] == "30"
