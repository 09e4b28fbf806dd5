"""Telling a holder's phone at once that a charge waits for the password: a call that is answered when there is news.

The phone says by `mark` what it knows. While just that is so, the call is held open, on no connection to the database;
a notification on PAYERS, sent with the commit of a charge that waits or of one that ends unpaid, wakes it. One that
is lost costs the rest of the call's time: the orders are read again at its end.
"""

import asyncio
import contextlib
from hashlib import sha256
from typing import Any

from ecard.callers import Holder
from ecard.db import Pool
from ecard.encoding import b64url
from ecard.errors import TooMany
from ecard.feed import Channel, Feed
from pay.orders import store
from pay.orders.confirming import mine
from pay.orders.model import CONFIRM_SECONDS
from pay.orders.schemas import WaitingOrders

LONGEST = 30
"""Seconds that a call may be held open: shorter than proxies and mobile networks keep a silent line."""
PAYERS = Channel("ecard_payer", each=8, keys=20_000)
"""By card: its holder's phones, and the calls of theirs that broke off and that the server has not noticed yet."""


async def waiting(pool: Pool, feed: Feed, holder: Holder, mark: str, seconds: int) -> WaitingOrders:
    """Return the orders that wait for this holder: at once unless `mark` stands for them, else within `seconds`.

    Raises TooMany where this holder, or this process, has too many calls held open.
    """
    key = str(holder.card)
    if feed.crowded(PAYERS, key):
        raise TooMany(headers={"Retry-After": str(LONGEST)})
    with feed.waiting(PAYERS, key) as changed:
        found = await _found(pool, holder)
        ends = asyncio.get_running_loop().time() + seconds
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(ends):
                while found.mark == mark:
                    await changed.wait()
                    changed.clear()
                    found = await _found(pool, holder)
                return found
        return await _found(pool, holder)


async def _found(pool: Pool, holder: Holder) -> WaitingOrders:
    rows: list[Any] = await store.waiting(pool, holder.card, holder.actor, CONFIRM_SECONDS)
    mark = b64url(sha256(b"".join(row["id"].bytes for row in rows)).digest()[:12])
    return WaitingOrders(mark=mark, orders=[mine(row) for row in rows])
