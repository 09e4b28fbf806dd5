"""A server with a database of its own, whose ledger can be told that it is yesterday."""

import contextlib
import datetime
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ecard.settings import Settings
from pay.banks.directory import FRESH
from pay.banks.model import Ladder
from pay.reconciliation.checks import CHECKS as RECONCILED
from pay.settlements.checks import CHECKS
from tests.bank import Bank, banking
from tests.bureau import Bureau, new_database, rows
from tests.conftest import first_operators, serving
from tests.shop import Shop

PATIENT = Ladder(timeout=5, first_query=6, interval=5, reverse_after=20, suspend_after=60)
"""A bank that answers late on a busy machine is still heard."""
BEIJING = datetime.timezone(datetime.timedelta(hours=8))
_SOURCE = "SELECT pg_get_functiondef('ledger_id'::regproc)"
_AGED = """
    UPDATE pay_order SET paid_at = paid_at - interval '1 day' WHERE paid_at > now() - interval '1 hour';
    UPDATE refund SET done_at = done_at - interval '1 day' WHERE done_at > now() - interval '1 hour'
"""


class Till(Shop):
    """A merchant whose books are looked into."""

    def __init__(self, settings: Settings, bureau: Bureau) -> None:
        super().__init__(bureau)
        self.settings = settings
        self.day = datetime.datetime.now(BEIJING).date() - datetime.timedelta(days=1)
        """Yesterday, by the calendar of Beijing."""

    @contextlib.contextmanager
    def yesterday(self) -> Iterator[None]:
        """Let what is booked meanwhile have been booked yesterday."""
        [source] = rows(self.settings, _SOURCE)[0]
        rows(self.settings, source.replace("clock_timestamp()", "(clock_timestamp() - interval '1 day')"))
        try:
            yield
        finally:
            rows(self.settings, source)
            for statement in _AGED.split(";"):
                rows(self.settings, statement)

    def settle(self) -> list[dict[str, Any]]:
        """Pay everybody out for yesterday; return what this merchant was paid. The books hold afterwards."""
        self.bureau.finance.call("POST", "/v1/settlements", {"day": str(self.day)})
        for check in (*CHECKS, *RECONCILED):
            assert rows(self.settings, check.sql) == []
        return self.settled()

    def settled(self) -> list[dict[str, Any]]:
        """Return this merchant's settlements."""
        found: list[dict[str, Any]] = self.online.call("GET", "/v1/settlements").json()
        return found

    def owed(self) -> int:
        """Return what this merchant is owed, 分."""
        sql = "SELECT balance FROM account_balance WHERE owner = $1 AND book = 'merchant_payable'"
        return int(rows(self.settings, sql, str(self.agency))[0][0])


@pytest.fixture(scope="module")
def own(settings: Settings) -> Settings:
    return new_database(settings)


@pytest.fixture(scope="module")
def house(own: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bureau, Bank]]:
    """A bureau and a bank on a server of their own."""
    with serving(own) as url, banking(tmp_path_factory.mktemp("bank"), own, ladder=PATIENT) as bank:
        bureau = Bureau(url, first_operators(own))
        time.sleep(FRESH + 0.2)
        yield bureau, bank
        bureau.http.close()


@pytest.fixture
def payer_bank(house: tuple[Bureau, Bank]) -> Bank:
    house[1].calm()
    return house[1]


@pytest.fixture
def till(own: Settings, house: tuple[Bureau, Bank], payer_bank: Bank) -> Till:
    del payer_bank
    return Till(own, house[0])
