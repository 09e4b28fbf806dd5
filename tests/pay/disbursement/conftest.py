import pytest

from tests.bank import Bank
from tests.benefits import Office
from tests.bureau import Bureau


@pytest.fixture(scope="module")
def office(bureau: Bureau, bank_house: Bank) -> Office:
    """A programme of its own for a module's tests: the batches of one do not meet those of another."""
    del bank_house
    return Office(bureau)
