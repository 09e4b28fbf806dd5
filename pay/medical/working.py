"""What settlements need done by themselves: agencies asked again, cash given back, regions netted each day."""

import asyncio
import logging

from pay.medical import netting
from pay.medical.confirming import Ward, again, give_back

PERIOD = 1.0
_NET_ROUNDS = 600
"""Rounds between two looks whether the day was netted."""
log = logging.getLogger("pay.medical")


async def work_for_ever(ward: Ward) -> None:
    """Do each second what is due; until cancelled."""
    rounds = 0
    while True:
        await asyncio.sleep(PERIOD)
        try:
            await again(ward)
            await give_back(ward)
            if rounds % _NET_ROUNDS == 0:
                await netting.net(ward.clinic.runtime.pool, None)
        except Exception as error:  # noqa: BLE001 - whatever it was, the next round must come
            log.warning("settlements' work was not done: %s", type(error).__name__)
        rounds += 1
