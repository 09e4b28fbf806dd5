"""Institutions of both sandbox regions, and a simulated agency."""

import pytest

from tests.bureau import Bureau
from tests.hospital import THERE, Hospital


@pytest.fixture(scope="session")
def hospital(bureau: Bureau) -> Hospital:
    """An institution of the first region."""
    return Hospital(bureau)


@pytest.fixture(scope="session")
def elsewhere(bureau: Bureau) -> Hospital:
    """An institution of the second region."""
    return Hospital(bureau, THERE)
