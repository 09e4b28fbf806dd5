"""Telling receivers what waits in the outbox: each message a task of its own, with a time of its own.

A receiver that is being told, or did not answer in time, is given nothing else meanwhile: one that is slow is slow
for itself, and the longer it is, the longer it is left alone.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import httpx

from ecard import outbox
from ecard.db import Pool
from ecard.outbox import Message, Topic

PERIOD = 1.0
"""Seconds after which it is looked for messages when nothing is under way."""
REST = 30.0
"""Seconds for which a receiver that did not answer in time is told nothing; twice as long each time that follows."""
LONGEST_REST = 960.0
_PAUSE = 0.02
"""Seconds between two looks at the outbox at least, however fast messages are heard."""
_MOST = 60
"""Messages of a topic under way at once, fewer than the connections that one HTTP client has: others use it too."""
log = logging.getLogger("ecard.telling")


class TooSlow(Exception):
    """A receiver did not answer in time."""


async def post(http: httpx.AsyncClient, uri: str, seconds: float, *, body: bytes, headers: dict[str, str]) -> int:
    """Return the status that `uri` answers a POST with; of its answer nothing else is read, and no redirect followed.

    Raises TooSlow when there was none within `seconds` from the call, and httpx.HTTPError, httpx.InvalidURL.
    """
    try:
        async with asyncio.timeout(seconds), http.stream("POST", uri, content=body, headers=headers) as answer:
            return answer.status_code
    except (TimeoutError, httpx.ConnectTimeout, httpx.ReadTimeout, httpx.WriteTimeout):
        raise TooSlow from None


class _Rest(NamedTuple):
    until: float
    seconds: float


class Telling:
    """The messages of one topic under way in this process, and the receivers that are left alone for now."""

    def __init__(self, pool: Pool, topic: Topic, tell: Callable[[Message], Awaitable[bool]]) -> None:
        """Take what tells one message: it returns whether that is over, or raises TooSlow or any error for "again"."""
        self._pool = pool
        self._topic = topic
        self._tell = tell
        self._tasks: dict[asyncio.Task[None], str] = {}
        self._resting: dict[str, _Rest] = {}
        self._ended = asyncio.Event()

    async def for_ever(self) -> None:
        """Tell what is due; until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._ended.clear()
                try:
                    await self._round(group)
                except Exception as error:  # noqa: BLE001 - whatever it was, the next round must come
                    log.warning("%s not told: %s", self._topic.name, type(error).__name__)
                # What ends makes room for the next: for another of the same receiver, too.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PERIOD):
                        await self._ended.wait()
                await asyncio.sleep(_PAUSE)

    async def _round(self, group: asyncio.TaskGroup) -> None:
        """Begin to tell what is due, and wait for nothing of it."""
        if len(self._tasks) >= _MOST:
            return
        now = time.monotonic()
        busy = {*self._tasks.values(), *(who for who, rest in self._resting.items() if rest.until > now)}
        for message in await outbox.take(self._pool, self._topic, without=sorted(busy)):
            task = group.create_task(self._told(message))
            self._tasks[task] = str(message.body[self._topic.receiver])
            task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task)
        self._ended.set()

    async def _told(self, message: Message) -> None:
        receiver, name = str(message.body[self._topic.receiver]), self._topic.name
        try:
            over = await self._tell(message)
            self._resting.pop(receiver, None)
            if over:
                await outbox.done(self._pool, message.id)
        except TooSlow:
            self._rest(receiver)
            log.info("%s not heard in time", name)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.info("%s not heard: %s", name, type(error).__name__)
        except Exception as error:  # noqa: BLE001 - whatever it was, the other messages go on
            log.warning("%s not told: %s", name, type(error).__name__)

    def _rest(self, receiver: str) -> None:
        now, before = time.monotonic(), self._resting.get(receiver)
        if before is not None and before.until > now:
            return  # one of several that were under way together has said so
        seconds = REST if before is None else min(before.seconds * 2, LONGEST_REST)
        self._resting[receiver] = _Rest(now + seconds, seconds)
