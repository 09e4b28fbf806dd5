"""At the end of the run: whatever any test has seen an operation answer, the document declares."""

from collections.abc import Iterator

import pytest

from tests.openapi.observed import undeclared


@pytest.fixture(scope="session", autouse=True)
def nothing_undeclared() -> Iterator[None]:
    """Look when everything has run, tests of other folders too."""
    yield
    assert undeclared() == set()
