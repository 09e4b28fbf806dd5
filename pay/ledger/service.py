"""Commands that move money: each in one transaction, taken again when the stores ask for it."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from ecard.db import Pool, Tx, begin
from ecard.errors import Unavailable
from pay.ledger import store
from pay.ledger.errors import BY_SQLSTATE

T = TypeVar("T")
TRIES = 5
"""Times that a command is taken again after a deadlock, a serialisation failure or a lock that was not had."""
_AGAIN = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError)
_LONGEST = 0.2
FOLD = 5000
"""Legs that one statement folds at most, and holds that one expires."""


def declared(error: asyncpg.PostgresError) -> Exception:
    """Return the declared error that the ledger's SQL meant, or `error` itself when it meant none."""
    known = BY_SQLSTATE.get(error.sqlstate or "")
    return error if known is None else known()


async def command(pool: Pool, work: Callable[[Tx], Awaitable[T]]) -> T:
    """Return what `work` returns, done in one transaction, again up to TRIES times when it lost a race for locks.

    So `work` must do nothing but SQL. Raises the errors of `pay.ledger.errors`, what `work` raises, and
    Unavailable when the tries are used up: never that a balance was too low.
    """
    for tried in range(TRIES + 1):
        try:
            async with begin(pool) as tx:
                return await work(tx)
        except _AGAIN:
            # With jitter: two that met once should not meet again.
            await asyncio.sleep(random.uniform(0, _LONGEST * (tried + 1) / TRIES))  # noqa: S311 - no secret
        except asyncpg.PostgresError as error:
            raise declared(error) from None
    raise Unavailable(headers={"Retry-After": "1"})


async def fold(pool: Pool) -> None:
    """Fold every account's appended legs into entries, a batch a transaction."""
    for account in await store.unfolded(pool):
        while await store.fold(pool, account, FOLD) >= FOLD:
            pass


async def expire_holds(pool: Pool) -> None:
    """Give back what was set aside for too long."""
    while await store.expire_holds(pool, FOLD) >= FOLD:
        pass
