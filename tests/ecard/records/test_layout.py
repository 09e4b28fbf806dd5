"""What each item shows is data: exactly right, or the program does not start."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from ecard.catalogue.errors import BadRow
from ecard.catalogue.load import load
from ecard.catalogue.model import Flow
from ecard.records.layout import DATA, load_layout
from ecard.records.model import ColumnKind, Malformed, Section, checked

CATALOGUE = load()


def test_every_item_of_the_flow_has_a_row_and_one_without_shows_what_all_show() -> None:
    layout = load_layout(CATALOGUE)
    assert layout.entries.keys() == {item.code for item in CATALOGUE.items if item.flow is Flow.QUERY}
    entry = layout.entry("A9-99")
    assert (entry.sections, entry.paper) == (layout.otherwise, None)
    used = {section for one in layout.entries.values() for section in one.sections}
    assert used == layout.sections.keys()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("items.toml", 'code = "A1-03"', 'code = "A1-01"'),
        ("items.toml", 'code = "A1-03"', 'code = "A9-99"'),
        ("items.toml", 'code = "A1-03"', 'code = "A1-08"'),
        ("items.toml", 'sections = ["archives.file"]', 'sections = ["archives.files"]'),
        ("items.toml", 'sections = ["archives.file"]', 'sections = ["archives.file", "archives.file"]'),
        ("items.toml", 'sections = ["archives.file"]', "sections = []"),
        ("items.toml", "social.enrolment.months", "social.enrolment.weeks"),
        ("items.toml", "social.enrolment.months", "fund.account.balance"),
        ("items.toml", "gaps = true", 'gaps = "yes"'),
        ("items.toml", "gaps = true", "gaps = true\nstamp = true"),
        ("items.toml", "[[item]]", "[[items]]"),
        ("sections.toml", 'name = "archives"', 'name = "archive"'),
        ("sections.toml", "seconds = 3.0", "seconds = 60.0"),
        ("sections.toml", 'key = ["year"]', 'key = ["years"]'),
        ("sections.toml", 'kind = "money"', 'kind = "yuan"'),
    ],
)
def test_a_row_that_is_not_exactly_right_stops_the_program(tmp_path: Path, file: str, old: str, new: str) -> None:
    shutil.copytree(DATA, tmp_path / "data")
    path = tmp_path / "data" / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(BadRow, match=file):
        load_layout(CATALOGUE, tmp_path / "data")


def section() -> Section:
    return load_layout(CATALOGUE).sections["pension.payments"]


ROW: dict[str, Any] = {"month": "2026-10", "amount": 5_000, "account": "尾号 0004", "state": "已发放"}


def test_a_row_given_twice_is_one_and_two_that_differ_under_one_key_are_a_fault() -> None:
    assert checked(section(), [ROW, ROW]) == (ROW,)
    with pytest.raises(Malformed):
        checked(section(), [ROW, {**ROW, "amount": 6_000}])


@pytest.mark.parametrize(
    "changed",
    [
        {"month": "2026-13"},
        {"month": None},
        {"month": "2026-10\n"},
        {"amount": 5.0},
        {"amount": True},
        {"amount": "5000"},
        {"account": 4},
        {"account": "x" * 201},
        {"account": "尾号\u202e4000"},
        {"account": "a\x00"},
        {"more": "x"},
    ],
)
def test_what_a_section_does_not_say_is_let_through_by_no_system(changed: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        checked(section(), [{**ROW, **changed}])


def test_a_day_a_count_and_nothing_are_told_apart() -> None:
    found = load_layout(CATALOGUE).sections["fund.loan"]
    assert {column.kind for column in found.columns} == {
        ColumnKind.TEXT,
        ColumnKind.MONEY,
        ColumnKind.MONTH,
        ColumnKind.COUNT,
    }
    row = {column.name: None for column in found.columns} | {"number": "DK1"}
    assert checked(found, [row]) == (row,)
    with pytest.raises(Malformed):
        checked(found, [{**row, "repaid": -1}])
