"""An operator for the tests of rides, with the simulated bank behind it."""

import pytest

from tests.bank import Bank
from tests.bureau import Bureau
from tests.operator import TransitOperator


@pytest.fixture(scope="module")
def operator(bureau: Bureau, bank_house: Bank) -> TransitOperator:
    """An operator whose fares have just come into force."""
    del bank_house
    return TransitOperator(bureau)
