"""Servers of their own for what would disturb other tests."""

from collections.abc import Iterator

import pytest

from tests.races.server import Server, open_directory


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server with two workers on embedded stores of its own, for one module; it may log no fault."""
    with open_directory() as place:
        made = Server(place)
        try:
            yield made
        finally:
            made.stop()
        assert "Traceback" not in made.said(), made.said()
