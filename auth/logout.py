"""Telling clients that a login has ended (OpenID Connect Back-Channel Logout): withdrawn, revoked, card lost.

A trigger writes the outbox in the transaction that ends a grant; here it is told, signed, until it is heard.
Each message is a task of its own with a time of its own, and a client that is being told, or did not answer in
time, is given no other meanwhile: one that is slow is slow for itself.
"""

import asyncio
import logging
import time

import httpx

from auth.server import Server
from ecard import outbox
from ecard.keyring.model import Purpose
from ecard.outbox import Message
from ecard.tokens import TokenType, mint

TOPIC = "logout"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
PERIOD = 1.0
SECONDS = 5.0
"""Seconds in which a client must have answered, from the call to the status."""
REST = 30.0
"""Seconds for which a client that did not answer in time is told nothing."""
_MOST = 60
"""Messages under way at once, fewer than the connections that one HTTP client has: keys are fetched by it too."""
_LIFE = 120
log = logging.getLogger("auth.logout")


class _Telling:
    """The messages under way in this process, and the clients that are left alone for now."""

    def __init__(self, server: Server, http: httpx.AsyncClient) -> None:
        self._server = server
        self._http = http
        self._tasks: dict[asyncio.Task[None], str] = {}
        self._resting: dict[str, float] = {}

    async def round(self, group: asyncio.TaskGroup) -> None:
        """Begin to tell what is due, and wait for nothing of it."""
        if len(self._tasks) >= _MOST:
            return
        now = time.monotonic()
        self._resting = {client: until for client, until in self._resting.items() if until > now}
        busy = {*self._tasks.values(), *self._resting}
        for message in await outbox.take(self._server.runtime.pool, TOPIC, without=("client", sorted(busy))):
            task = group.create_task(self._tell(message))
            self._tasks[task] = message.body["client"]
            task.add_done_callback(self._tasks.pop)

    async def _tell(self, message: Message) -> None:
        pool, name = self._server.runtime.pool, message.body["client"]
        try:
            client = await self._server.directory.find(name)
            uri = client.backchannel_logout_uri if client else None
            if uri is None or await self._heard(name, uri, message):
                await outbox.done(pool, message.id)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.info("logout not heard: %s", type(error).__name__)
        except Exception as error:  # noqa: BLE001 - whatever it was, the other messages go on
            log.warning("logout not told: %s", type(error).__name__)

    async def _heard(self, name: str, uri: str, message: Message) -> bool:
        """Return whether the client answered with 2xx; of its answer nothing but the status is read."""
        form = {"logout_token": logout_token(self._server, message)}
        try:
            async with asyncio.timeout(SECONDS), self._http.stream("POST", uri, data=form) as answer:
                return answer.is_success
        except (TimeoutError, httpx.ConnectTimeout, httpx.ReadTimeout, httpx.WriteTimeout):
            self._resting[name] = time.monotonic() + REST
            log.info("logout not heard in time")
            return False


async def tell_for_ever(server: Server, http: httpx.AsyncClient) -> None:
    """Tell each second what is due; until cancelled."""
    telling = _Telling(server, http)
    async with asyncio.TaskGroup() as group:
        while True:
            await asyncio.sleep(PERIOD)
            try:
                await telling.round(group)
            except Exception as error:  # noqa: BLE001 - whatever it was, the next round must come
                log.warning("logouts not told: %s", type(error).__name__)


def logout_token(server: Server, message: Message) -> str:
    """Return the signed logout token of a message (§2.4); its `jti` is the message's, however often it is told."""
    now = server.runtime.clock.time()
    key = server.runtime.ring.signing(Purpose.TOKEN, now)
    claims = {
        "iss": server.issuer,
        "aud": message.body["client"],
        "iat": int(now),
        "exp": int(now) + _LIFE,
        "jti": str(message.id),
        "sub": message.body["sub"],
        "sid": message.body["sid"],
        "events": {EVENT: {}},
    }
    return mint(key.signer, key.kid, TokenType.LOGOUT, claims)
