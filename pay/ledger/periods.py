"""Sealed periods of the ledger, and what happens in the background: folding, expiring, sealing.

Nothing waits for any of it: an appended leg counts from its commit, a hold whose time is over is refused by its own
time, and a leg that is not sealed yet is sealed in a later period. Processes that work at once skip each other.
"""

import asyncio
import logging
from collections.abc import Mapping

from ecard import seals
from ecard.db import Db
from ecard.runtime import Runtime
from ecard.seals import Proof
from ecard.tokens import PublicKey
from pay.ledger import service
from pay.ledger.store import LOG

PERIOD = 2.0
"""Seconds of a period, unless so much was posted that several are sealed at once."""
FOLDING = 1.0
"""Seconds between two foldings."""
log = logging.getLogger("pay.ledger")


async def seal(runtime: Runtime) -> int:
    """Seal all that can no longer grow, a period of `seals.ROWS` journals after the other; return how many legs."""
    count = 0
    while legs := await seals.seal(runtime.pool, runtime.ring, runtime.clock, runtime.settings.issuer, LOG):
        count += legs
    return count


async def verify(connection: Db, keys: Mapping[str, PublicKey], issuer: str, now: float) -> Proof:
    """Check every period and leg against signatures, chain and roots; stop at the first break."""
    return await seals.verify(connection, keys, issuer, now, LOG)


async def work_for_ever(runtime: Runtime) -> None:
    """Fold and expire each second, seal each PERIOD, until cancelled."""
    rounds = 0
    while True:
        await asyncio.sleep(FOLDING)
        rounds += 1
        try:
            await service.fold(runtime.pool)
            await service.expire_holds(runtime.pool)
            if rounds * FOLDING % PERIOD < FOLDING:
                await seal(runtime)
        except Exception as error:  # noqa: BLE001 - whatever it was, the next round must come
            log.warning("the ledger's background work failed: %s", type(error).__name__)
