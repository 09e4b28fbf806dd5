"""What runs by itself: each day is paid out once it is over, by whichever worker looks first."""

import asyncio
import datetime
import logging

from ecard.runtime import Runtime
from pay.banks.directory import Banks
from pay.settlements import service
from pay.settlements.model import day_due

PERIOD = 600.0
"""Seconds between two looks at the calendar."""
log = logging.getLogger("pay.settlements")


async def settle_for_ever(runtime: Runtime, banks: Banks) -> None:
    """Settle the day before, from two in the morning of Beijing on; until cancelled."""
    while True:
        await asyncio.sleep(PERIOD)
        try:
            day = day_due(datetime.datetime.fromtimestamp(runtime.clock.time(), datetime.UTC))
            if day is not None:
                await service.settle(runtime, banks, day)
        except Exception as error:  # noqa: BLE001 - whatever it was, the next round must come
            log.warning("not settled: %s", type(error).__name__)
