"""What runs by itself: vouchers end when their time is over, and are settled when their institution has been paid."""

import asyncio
import logging

from ecard.db import Pool
from vouchers.life import store

PERIOD = 5.0
"""Seconds between two looks; what a reader is told of a voucher knows its end to the second."""
BATCH = 2000
"""Vouchers that one statement moves at most: far below the time that a statement has."""
log = logging.getLogger("vouchers.life")


async def work(pool: Pool) -> None:
    """End what is over and settle what was paid, as much as there is."""
    while await store.expire(pool, BATCH) >= BATCH:
        pass
    while await store.settle(pool, BATCH) >= BATCH:
        pass


async def work_for_ever(pool: Pool) -> None:
    """Look every few seconds, until cancelled; several processes share the work."""
    while True:
        await asyncio.sleep(PERIOD)
        try:
            await work(pool)
        except Exception as error:  # noqa: BLE001 - whatever it was, the next round must come
            log.warning("vouchers were not ended or settled: %s", type(error).__name__)
