"""Waking whoever waits for a change in the database: what is read is the truth, this only shortens the wait.

One connection of a process listens for notifications on all channels. Who waits names a channel and a key, and a
notification on that channel with that key as its payload wakes them; one that is lost wakes nobody, so whoever waits
looks again after a while by itself.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import Any, NamedTuple

import asyncpg

_BACK = 1.0
log = logging.getLogger("ecard.feed")


class Channel(NamedTuple):
    """A channel of notifications, and how many may wait: for one key, and keys in one process."""

    name: str
    each: int
    keys: int


class Feed:
    """Who waits for what in this process."""

    def __init__(self, *channels: Channel) -> None:
        """Take the channels that are listened on."""
        self._waiting: dict[str, dict[str, set[asyncio.Event]]] = {channel.name: {} for channel in channels}

    def crowded(self, channel: Channel, key: str) -> bool:
        """Return whether enough wait already: for this key, and in this process."""
        waiting = self._waiting[channel.name]
        return len(waiting.get(key, ())) >= channel.each or len(waiting) >= channel.keys

    @contextlib.contextmanager
    def waiting(self, channel: Channel, key: str) -> Iterator[asyncio.Event]:
        """Yield an event that is set whenever what `key` names changes."""
        event, waiting = asyncio.Event(), self._waiting[channel.name]
        waiting.setdefault(key, set()).add(event)
        try:
            yield event
        finally:
            waiting[key].discard(event)
            if not waiting[key]:
                del waiting[key]

    async def watch(self, url: str) -> None:
        """Listen until cancelled; a connection that breaks is made anew."""
        connection: Any = None
        try:
            while True:
                try:
                    if connection is None or connection.is_closed():
                        connection = await asyncpg.connect(url, timeout=2)
                        for name in self._waiting:
                            await connection.add_listener(name, self._notified)
                except Exception:  # noqa: BLE001 - whatever it was, those who wait look by themselves meanwhile
                    log.warning("feed interrupted; who waits looks by itself")
                await asyncio.sleep(_BACK)
        finally:
            if connection is not None:
                connection.terminate()

    def _notified(self, *message: Any) -> None:
        _, _, channel, key = message
        for event in self._waiting[channel].get(key, ()):
            event.set()
