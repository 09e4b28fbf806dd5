"""`ecard ledger check` on rides and bills: it holds after real rides, and finds what is broken by hand."""

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from ecard.client import Terminal
from ecard.settings import Settings
from pay.bills.checks import CHECKS as OF_BILLS
from pay.ledger.checks import Check
from pay.rides.checks import CHECKS as OF_RIDES
from tests.bureau import Bureau, new_uscc
from tests.operator import TransitOperator, settled
from tests.pay.rides.test_free_groups import grant
from tests.shop import payer

pytestmark = pytest.mark.usefixtures("bank")
SABOTAGE = {
    "a ride paid twice": "UPDATE ride SET state = 'due' WHERE state = 'paid'",
    "a subsidy forgotten": "DELETE FROM ride_subsidy WHERE journal IS NULL",
    "a subsidy raised": "UPDATE ride_subsidy SET amount = amount + 1",
    "a ride without a tap": "UPDATE tap SET state = 'open', ride = NULL WHERE state = 'joined'",
    "a fare lowered": "UPDATE ride SET fare = fare - 1, subsidy = 0 WHERE state = 'paid'",
}


def found(settings: Settings, checks: Sequence[Check], breaking: str | None = None) -> set[str]:
    """Return the codes of the checks that find something, after a change that is taken back."""

    async def look() -> set[str]:
        connection = await asyncpg.connect(settings.database_url)
        transaction = connection.transaction()
        await transaction.start()
        try:
            if breaking is not None:
                await connection.execute(breaking)
            return {check.code for check in checks if await connection.fetchrow(check.sql) is not None}
        finally:
            await transaction.rollback()
            await connection.close()

    return asyncio.run(look())


@pytest.fixture(scope="module")
def ridden(bureau: Bureau, operator: TransitOperator) -> None:
    """One ride that is paid for, and one that is free."""
    counter: Terminal = bureau.registrar.register_terminal(
        bureau.registrar.register_agency("测试残联", new_uscc()), "counter"
    )
    paying, free, bus = payer(bureau), payer(bureau), operator.bus()
    grant(counter, free)
    for phone in (paying, free):
        bus.tap(phone.code("ride"))
    bus.upload()
    settled(paying, 1, "paid")
    settled(free, 1, "free")


@pytest.mark.usefixtures("ridden")
def test_rides_and_bills_stand_as_their_orders_do(settings: Settings) -> None:
    assert found(settings, [*OF_RIDES, *OF_BILLS]) == set()


@pytest.mark.usefixtures("ridden")
@pytest.mark.parametrize("breaking", SABOTAGE.values(), ids=SABOTAGE.keys())
def test_what_is_broken_by_hand_is_found(settings: Settings, breaking: str) -> None:
    assert found(settings, OF_RIDES, breaking)
