import pytest

from ecard.settings import Settings
from tests.bank import Bank
from tests.bureau import Bureau
from tests.pay.reconciliation.days import Day
from tests.shop import Shop


@pytest.fixture(scope="module")
def shop(bureau: Bureau, bank_house: Bank) -> Shop:
    del bank_house
    return Shop(bureau)


@pytest.fixture
def day(settings: Settings, shop: Shop, bank: Bank) -> Day:
    return Day(settings, shop, bank)
