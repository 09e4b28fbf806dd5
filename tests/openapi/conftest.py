"""At the end of the run: whatever any test has seen an operation answer, the document declares."""

from collections.abc import Iterator

import pytest

from tests.bank import Bank
from tests.openapi.observed import undeclared


@pytest.fixture(scope="session", autouse=True)
def nothing_undeclared() -> Iterator[None]:
    """Look when everything has run, tests of other folders too."""
    yield
    assert undeclared() == set()


@pytest.fixture(scope="session", autouse=True)
def money(bank_house: Bank) -> Bank:
    """A bank, without which no good request pays."""
    return bank_house
