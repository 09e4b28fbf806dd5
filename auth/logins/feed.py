"""Telling a waiting page at once that its login moved on; a poll is the truth, this only shortens the wait."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from uuid import UUID

import msgspec

from auth.logins.errors import LoginUnknown
from auth.logins.model import State
from auth.logins.opening import status
from auth.server import Server
from ecard.feed import Channel, Feed

PULSE = 7.0
"""Seconds after which the status is sent again when nothing happened: the QR may be a new one, and a page
that hears nothing for ten seconds polls."""
LOGINS = Channel("ecard_login", each=4, keys=2000)
"""Of one login: its page, and a reload or two that the server has not noticed yet. Further pages poll."""
log = logging.getLogger("auth.logins")


async def events(server: Server, feed: Feed, login: UUID, poll: str) -> AsyncIterator[bytes]:
    """Yield a login's status as server-sent events until it is over."""
    if feed.crowded(LOGINS, str(login)):
        return  # the page polls
    with feed.waiting(LOGINS, str(login)) as changed:
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
