"""A programme of vouchers, and an institution that is paid for them."""

import pytest

from tests.bank import Bank
from tests.bureau import Bureau
from tests.shop import Shop
from tests.training import Programme


@pytest.fixture
def programme(bureau: Bureau) -> Programme:
    """A programme with money for a hundred vouchers."""
    return Programme(bureau)


@pytest.fixture(scope="session")
def institution(bureau: Bureau, bank_house: Bank) -> Shop:
    """An agency that may be paid; its `online` service is the institution's server."""
    del bank_house
    return Shop(bureau)
