"""What runs by itself: batches are issued and withdrawn chunk by chunk, by whichever process looks first."""

import asyncio
import logging
from collections.abc import Callable
from uuid import UUID

from ecard.db import Pool
from vouchers.batches import store

PERIOD = 1.0
"""Seconds between two looks: what a process that died left is taken up again within them."""
CHUNK = 2000
"""Vouchers that one transaction makes or withdraws: far below the time that a statement has."""
_PATIENCE = 0.1
Told = Callable[[int, int], None]
log = logging.getLogger("vouchers.batches")


async def drive(pool: Pool, batch: UUID, told: Told = lambda *_: None, chunk: int = CHUNK) -> None:
    """Issue or withdraw a batch to its end, beside whoever else is at it; `told` hears how many of how many."""
    while (row := await store.progress(pool, batch))["state"] in {"issuing", "cancelling"}:
        told(row["decided"], row["quantity"])
        act = store.issue if row["state"] == "issuing" else store.withdraw
        if await act(pool, batch, chunk) is None:
            await asyncio.sleep(_PATIENCE)
    told(row["decided"], row["quantity"])


async def work_for_ever(pool: Pool) -> None:
    """Look each second for batches to be issued or withdrawn, until cancelled."""
    while True:
        await asyncio.sleep(PERIOD)
        try:
            while await _round(pool):
                pass
        except Exception as error:  # noqa: BLE001 - whatever it was, the next round must come
            log.warning("batches were not looked for: %s", type(error).__name__)


async def _round(pool: Pool) -> bool:
    """Take one chunk of each batch, so that none, large or failing, keeps another waiting; return whether any moved."""
    moved = False
    for row in await store.working(pool):
        act = store.issue if row["state"] == "issuing" else store.withdraw
        try:
            moved |= bool(await act(pool, row["id"], CHUNK))
        except Exception as error:  # noqa: BLE001 - whatever it was, the next batch must come
            log.warning("a batch was not issued: %s", type(error).__name__)
    return moved
