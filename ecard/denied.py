"""Which cards and keys are dead, held in memory and fresh within two seconds.

Issuing a code writes nothing and must still know at once that a card
was reported lost. Each change of status inserts a row of `status_change` in its own transaction; the
row's trigger notifies, a poll each second is the truth, and an answer older than two seconds is no
answer: the caller is refused rather than believed.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from ecard.clock import Clock
from ecard.db import Db

CHANNEL = "ecard_status"
POLL = 0.5
"""Seconds between two polls when nothing is notified."""
STALE = 2.0
"""Seconds after which the sets may no longer be relied on."""
log = logging.getLogger("ecard.denied")

_ALL = """
    SELECT 'card' AS kind, seq, true AS dead FROM card WHERE status <> 'active'
    UNION ALL SELECT 'actor', seq, true FROM actor WHERE revoked_at IS NOT NULL
"""
# A row becomes visible at its commit, later than its `at`; no transaction lives 30 s, so none is missed.
_RECENT = """
    SELECT kind, seq, dead FROM status_change
    WHERE at > clock_timestamp() - make_interval(secs => $1) ORDER BY id
"""
_LONGEST_TRANSACTION = 30.0


class Denied:
    """The dead cards and actors, by their numbers."""

    def __init__(self, clock: Clock) -> None:
        self.cards: set[int] = set()
        self.actors: set[int] = set()
        self.as_of = 0.0
        self._clock = clock
        self._wake = asyncio.Event()

    def fresh(self) -> bool:
        """Return whether the sets were true within the last STALE seconds."""
        return 0 <= self._clock.time() - self.as_of <= STALE

    async def load(self, db: Db) -> None:
        """Read everything, as at start or after a silence."""
        asked = self._clock.time()
        rows = await db.fetch(_ALL)
        self.cards = {row["seq"] for row in rows if row["kind"] == "card"}
        self.actors = {row["seq"] for row in rows if row["kind"] == "actor"}
        self.as_of = asked

    async def refresh(self, db: Db) -> None:
        """Apply the recent changes; applying one twice changes nothing."""
        asked = self._clock.time()
        if asked - self.as_of > _LONGEST_TRANSACTION:
            await self.load(db)
            return
        for row in await db.fetch(_RECENT, 2 * _LONGEST_TRANSACTION):
            members = self.cards if row["kind"] == "card" else self.actors
            (members.add if row["dead"] else members.discard)(row["seq"])
        self.as_of = asked

    async def watch(self, url: str, *, also: Callable[[Db], Awaitable[None]] | None = None) -> None:
        """Keep the sets fresh until cancelled; `also` is awaited in each round (the key ring)."""
        listener: Any = None
        try:
            while True:
                self._wake.clear()
                try:
                    if listener is None or listener.is_closed():
                        listener = await asyncpg.connect(url, timeout=STALE, command_timeout=STALE)
                        await listener.add_listener(CHANNEL, self._notified)
                    # Over the listener's own connection: the pool may be busy, and this must not wait.
                    await self.refresh(listener)
                    if also is not None:
                        await also(listener)
                except Exception:  # noqa: BLE001 - whatever it was, the feed must come back
                    log.warning("status feed interrupted; codes are refused until it is back")
                    if listener is not None:
                        listener.terminate()  # its other end may be gone without a word: begin anew
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), POLL)
        finally:
            if listener is not None:
                listener.terminate()

    def _notified(self, *_: object) -> None:
        self._wake.set()
