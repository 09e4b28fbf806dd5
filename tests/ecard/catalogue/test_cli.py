"""``ecard catalogue`` on the command line."""

import json

import pytest
from click.testing import CliRunner, Result

from ecard.catalogue.load import load
from ecard.catalogue.model import Flow, Selection
from ecard.catalogue.schemas import document
from ecard.cli.catalogue import catalogue


@pytest.fixture(autouse=True)
def wide_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "240")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(catalogue, list(arguments))


def test_list_json_prints_the_bytes_that_the_api_serves() -> None:
    result = run("list", "--json")
    assert result.exit_code == 0
    assert result.stdout_bytes == document(load().items)
    assert len(json.loads(result.stdout_bytes)) == 192


def test_list_json_takes_the_filters() -> None:
    result = run("list", "--json", "--annex", "2", "--flow", "pay", "--form", "electronic")
    assert [item["code"] for item in json.loads(result.stdout_bytes)] == ["A2-03", "A2-28", "A2-34", "A2-44", "A2-46"]


def test_list_prints_a_table_in_chinese_first() -> None:
    result = run("list", "--annex", "3", "--flow", "certify")
    assert result.exit_code == 0
    for text in ("A3-17", "A3-18", "A3-19", "资格认证 certify", "实体卡、电子卡", "l1-possession", "共 3 项 (3 items)"):
        assert text in result.output
    assert "A3-16" not in result.output


def test_list_counts_what_the_catalogue_selects() -> None:
    count = len(load().select(Selection(flow=Flow.RECEIVE)))
    assert f"共 {count} 项" in run("list", "--flow", "receive").output


@pytest.mark.parametrize("arguments", [("--annex", "4"), ("--flow", "wander"), ("--form", "paper")])
def test_list_refuses_a_filter_that_does_not_exist(arguments: tuple[str, str]) -> None:
    assert run("list", *arguments).exit_code == 2


def test_show_tells_everything_about_one_item() -> None:
    output = run("show", "A2-26").output
    for text in ("公交地铁刷卡（码）乘车", "fare_class", "l2-possession", "ecard_item:A2-26", "交通部门", "乘车 Ride"):
        assert text in output


def test_show_tells_route_and_duties_of_a_delegated_item() -> None:
    assert "二级审核 (受理、审核)" in run("show", "A3-26").output


def test_show_says_so_when_nothing_is_disclosed() -> None:
    assert "无 (none)" in run("show", "A2-45").output


def test_show_json_prints_one_object() -> None:
    assert json.loads(run("show", "A1-01", "--json").stdout_bytes)["title"] == "就业登记"


def test_show_refuses_an_unknown_code_and_says_where_to_look() -> None:
    result = run("show", "A9-01")
    assert result.exit_code == 2
    assert "目录中没有该事项" in result.output
    assert "ecard catalogue list" in result.output


@pytest.mark.parametrize("arguments", [("--help",), ("list", "--help"), ("show", "--help")])
def test_the_help_speaks_chinese_and_english(arguments: tuple[str, ...]) -> None:
    output = run(*arguments).output
    assert "事项" in output
    assert "tem" in output


def test_the_examples_of_the_help_stand_on_lines_of_their_own() -> None:
    lines = [line.strip() for line in run("list", "--help").output.splitlines()]
    assert "ecard catalogue list --flow pay --form electronic" in lines
