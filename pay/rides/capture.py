"""Fares are taken: a ride's order and attempt are committed, then the bank is asked; debts are tried again."""

import asyncio
import datetime
import logging
from uuid import UUID

from ecard.errors import EcardError
from ecard.ids import new_id
from pay.banks.bank import Debit
from pay.orders.asking import Till, account_of, ask, bind, open_banks
from pay.rides import pricing, store
from pay.rides.service import item_of_rides

PERIOD = 1.0
_AT_ONCE = 16
"""Fares asked of banks side by side by one process."""
_CLOSED = datetime.timedelta(minutes=5)
"""How long after an hour its subsidies are booked; what comes later opens another row."""
log = logging.getLogger("pay.rides")


async def capture_due(till: Till) -> int:
    """Take the fares that are due; return how many were looked at."""
    due = await store.to_capture(till.runtime.pool, _AT_ONCE)
    await asyncio.gather(*[capture(till, ride) for ride in due])
    return len(due)


async def capture(till: Till, ride: UUID) -> None:
    """Take the fare of a ride, if it is due and nobody else is at it: an unknown answer is the resolver's."""
    order, attempt, item = new_id(), new_id(), item_of_rides(till.desk.catalogue).code
    made = await store.capture(till.runtime.pool, ride, order, attempt, item, open_banks(till.banks))
    if made["outcome"] == "payer_unknown":
        try:
            await bind(till, made["card"], made["profile"])
        except EcardError:
            # No bank of ours has the account: the rider owes, and may pay otherwise.
            await store.unbanked(till.runtime.pool, ride)
            return
        made = await store.capture(till.runtime.pool, ride, order, attempt, item, open_banks(till.banks))
    if made["outcome"] == "ok":
        debit = Debit(made["bank_ref"], account_of(till, made["profile"]), made["amount"], item)
        await ask(till, made["bank"], attempt, debit)


async def work_for_ever(till: Till) -> None:
    """Price taps, take fares, book subsidies, each second; until cancelled."""
    while True:
        await asyncio.sleep(PERIOD)
        try:
            await work(till)
        except Exception as error:  # noqa: BLE001 - whatever it was, the next round must come
            log.warning("rides were not seen to: %s", type(error).__name__)


async def work(till: Till) -> None:
    """Do what is due now."""
    pool = till.runtime.pool
    await pricing.price_due(pool)
    await capture_due(till)
    now = datetime.datetime.fromtimestamp(till.runtime.clock.time(), datetime.UTC)
    await store.post_subsidies(pool, now - _CLOSED)
