"""Forgetting what is over, every five minutes, and ending what disabled clients were granted, each second.

Nothing waits for it and nothing is decided by it: whatever it has not come to yet is refused by its own time, or
because its client is disabled. Processes that sweep at once skip each other's rows.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from auth import ended, replay
from auth.grants import disabled
from auth.grants import store as grants
from auth.logins import store as logins
from auth.requests import store as requests
from auth.tokens import store as tokens
from ecard import outbox
from ecard.db import Pool

PERIOD = 1.0
_FORGETTING = 300
Step = Callable[[Pool], Awaitable[None]]
STEPS: Sequence[Step] = (
    replay.forget,
    ended.forget,
    requests.forget,
    tokens.forget,
    grants.forget,
    logins.forget,
    outbox.forget,
)
log = logging.getLogger("auth.sweep")


async def sweep_for_ever(pool: Pool, also: Sequence[Step] = ()) -> None:
    """Sweep until cancelled; `also` are the steps of what stands above."""
    rounds = 0
    while True:
        await asyncio.sleep(PERIOD)
        rounds += 1
        await each(pool, (disabled.end_granted,))
        if rounds % _FORGETTING == 0:
            await each(pool, (*STEPS, *also))


async def each(pool: Pool, steps: Sequence[Step]) -> None:
    """Take every step, whatever became of the one before."""
    for step in steps:
        try:
            await step(pool)
        except Exception as error:  # noqa: BLE001 - whatever it was, the next step must come
            log.warning("not swept: %s of %s: %s", step.__name__, step.__module__, type(error).__name__)
