"""Telling a waiting page at once that its login moved on; a poll is the truth, this only shortens the wait.

One connection of a process listens for the database's notifications and wakes whoever waits here.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from auth.logins.errors import LoginUnknown
from auth.logins.model import State
from auth.logins.opening import status
from auth.server import Server

CHANNEL = "ecard_login"
PULSE = 7.0
"""Seconds after which the status is sent again when nothing happened: the QR may be a new one, and a page
that hears nothing for ten seconds polls."""
EACH = 4
"""Streams of one login: its page, and a reload or two that the server has not noticed yet."""
ALL = 2000
"""Logins that one process streams; further pages poll."""
_BACK = 1.0
log = logging.getLogger("auth.logins")


class Feed:
    """Who waits for which login in this process."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}

    def crowded(self, login: UUID) -> bool:
        """Return whether enough pages wait already: of one login, and in this process."""
        return len(self._waiting.get(str(login), ())) >= EACH or len(self._waiting) >= ALL

    @contextlib.contextmanager
    def waiting(self, login: UUID) -> Iterator[asyncio.Event]:
        """Yield an event that is set whenever the login changes."""
        event, name = asyncio.Event(), str(login)
        self._waiting.setdefault(name, set()).add(event)
        try:
            yield event
        finally:
            self._waiting[name].discard(event)
            if not self._waiting[name]:
                del self._waiting[name]

    async def watch(self, url: str) -> None:
        """Listen until cancelled; a connection that breaks is made anew."""
        connection: Any = None
        try:
            while True:
                try:
                    if connection is None or connection.is_closed():
                        connection = await asyncpg.connect(url, timeout=2)
                        await connection.add_listener(CHANNEL, self._notified)
                except Exception:  # noqa: BLE001 - whatever it was, pages poll meanwhile
                    log.warning("login feed interrupted; pages poll")
                await asyncio.sleep(_BACK)
        finally:
            if connection is not None:
                connection.terminate()

    def _notified(self, *message: Any) -> None:
        for event in self._waiting.get(message[-1], ()):
            event.set()


async def events(server: Server, feed: Feed, login: UUID, poll: str) -> AsyncIterator[bytes]:
    """Yield a login's status as server-sent events until it is over."""
    if feed.crowded(login):
        return  # the page polls
    with feed.waiting(login) as changed:
        while True:
            changed.clear()
            try:
                now = await status(server, login, poll)
            except LoginUnknown:
                return
            except Exception as error:  # noqa: BLE001 - whatever it was, the page polls until it is over
                log.warning("login stream ended: %s", type(error).__name__)
                return
            yield b"data: " + msgspec.json.encode(now) + b"\n\n"
            if now.state not in {State.PENDING, State.SCANNED}:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), min(PULSE, max(1, now.expires_in)))
