"""A merchant for the tests of orders."""

import pytest

from tests.bank import Bank
from tests.bureau import Bureau
from tests.shop import Shop


@pytest.fixture(scope="module")
def shop(bureau: Bureau, bank_house: Bank) -> Shop:
    """A merchant at the session's server, with the simulated bank behind it."""
    del bank_house
    return Shop(bureau)
