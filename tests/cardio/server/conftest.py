"""One counter with a reader for a module's tests."""

from collections.abc import Iterator

import pytest

from tests.bureau import Bureau
from tests.cardio.reads import Counter


@pytest.fixture(scope="module")
def counter(bureau: Bureau) -> Iterator[Counter]:
    """A counter whose bridge is paired with it."""
    made = Counter(bureau)
    yield made
    made.close()
