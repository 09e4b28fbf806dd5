"""What becomes of an application is data, held to the catalogue at start."""

from pathlib import Path

import msgspec
import pytest

from ecard.cases.policy import DATA, policy, read
from ecard.catalogue.errors import BadRow
from ecard.catalogue.load import load
from ecard.catalogue.model import Catalogue, Flow, Route

WRITTEN = DATA.read_text("utf-8")


def test_every_item_that_is_applied_for_has_a_route_and_annex_3_its_own() -> None:
    items = [item for item in load().items if item.flow is Flow.APPLY]
    assert len(items) == 51
    assert all(policy().rule(item) is not None for item in items)
    assert all(policy().route(item) is item.route for item in items if item.annex == 3)


def test_a_new_item_takes_its_flows_route_and_needs_no_row() -> None:
    known = load()
    new = msgspec.structs.replace(known.get("A1-07"), code="A1-99", no=99)
    more = Catalogue(items=(*known.items, new), flows=known.flows)
    assert read(DATA, more).route(new) is Route.TWO_LEVEL


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"A1-01" = "即办件"', '"A1-00" = "即办件"', "A1-00"),
        ('"A1-01" = "即办件"', '"A1-01" = "四级审核"', "policy.toml"),
        ('"A3-18" = "A3-19"', '"A3-18" = "A3-99"', "A3-99"),
        ('"A3-24" = ["card_cancel"]', "", "A3-24"),
        ('"A3-24" = ["card_cancel"]', '"A3-24" = ["card_burn"]', "policy.toml"),
        ('"A3-24" = ["card_cancel"]', '"A3-24" = ["card_cancel"]\n"A1-02" = ["card_cancel"]', "A1-02"),
        ('apply = "二级审核"', "", "A1-07"),
        ("appeal = 60", "appeal = 60\nrevenge = 1", "policy.toml"),
    ],
    ids=map(str, range(8)),
)
def test_a_wrong_row_stops_the_program_and_is_named(tmp_path: Path, old: str, new: str, why: str) -> None:
    assert old in WRITTEN
    bent = tmp_path / "policy.toml"
    bent.write_text(WRITTEN.replace(old, new, 1), "utf-8")
    with pytest.raises(BadRow, match=why):
        read(bent, load())
