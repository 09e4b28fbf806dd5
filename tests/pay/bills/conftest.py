"""A biller with a simulated agency behind it, and the simulated bank."""

from collections.abc import Iterator

import pytest

from tests.agency import BillingAgency, agency_process
from tests.bank import Bank
from tests.bureau import Bureau


@pytest.fixture(scope="module")
def house(bureau: Bureau, bank_house: Bank) -> Iterator[BillingAgency]:
    """An agency that runs for the whole module."""
    del bank_house
    with agency_process() as url:
        made = BillingAgency(bureau, url)
        yield made
        made.http.close()


@pytest.fixture
def agency(house: BillingAgency, bank: Bank) -> BillingAgency:
    """The agency, with all well before a test."""
    del bank
    house.calm()
    return house
