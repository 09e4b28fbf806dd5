"""The page of the catalogue: generated, as committed, and true of the API."""

import json
from pathlib import Path

from ecard.catalogue.load import load
from ecard.cli.catalogue import catalogue_page
from tests.openapi.observed import COMMITTED

PAGE = Path(__file__).parents[3] / "docs" / "catalogue.md"


def test_the_committed_page_is_what_the_data_says() -> None:
    assert PAGE.read_text("utf-8") == catalogue_page(load())


def test_every_operation_that_a_flow_names_is_one_of_the_api() -> None:
    paths = json.loads(COMMITTED.read_bytes())["paths"].values()
    known = {operation["operationId"] for path in paths for operation in path.values()}
    assert {name for flow in load().flows for name in flow.operations} <= known


def test_every_item_has_a_row_with_its_forms() -> None:
    text = PAGE.read_text("utf-8")
    assert [text.count(f"| {item.code} |") for item in load().items] == [1] * 192
