"""The second way: a page of a configured origin speaks to the bridge on 127.0.0.1. Off unless it is configured.

The page's first frame brings a token that the backend made for a terminal and an item; it names the policy, is
good for this bridge, once, for two minutes at most. From then on the page stands where the backend stands and
sends `open`, `apdus`, `pin`, `close`. What it reads proves nothing: the challenge is the backend's, which alone
compares. One page at a time; a second one is refused, the first goes on.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import httpx
import jwt
import msgspec
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from cardio.bridge import here, messages
from cardio.bridge.counter import Counter
from cardio.bridge.device import Config, LoopbackSettings
from cardio.bridge.errors import PageNotAdmitted
from cardio.bridge.queue import Queue
from cardio.bridge.scans import Scan
from cardio.errors import CardError

log = logging.getLogger("ecard-bridge.loopback")
TOKEN_TYPE = "ecard-bridge-session+jwt"  # noqa: S105 - a JOSE `typ`
BUSY, NOT_ADMITTED, NOT_UNDERSTOOD, FAILED = 4409, 4401, 1008, 1011
"""Close codes: another page is served; no good token; a frame that is none; the queue cannot be written."""
_LONGEST_TOKEN_LIFE = 120
_SKEW = 30
_HELLO = 5.0
"""Seconds in which the first frame must come."""
_KEYS_FRESH, _KEYS_AGAIN = 300.0, 10.0
"""Seconds for which fetched keys are believed, and before an unknown key has them fetched again."""


class Admission(msgspec.Struct, frozen=True):
    """What a page's token says."""

    terminal: str
    item: str
    policy: messages.PolicyName


class PageHello(messages.Frame, frozen=True, tag="hello"):
    """A page's first frame."""

    token: str


class Enqueue(messages.Frame, frozen=True, tag="enqueue"):
    """A page, admitted before the network went, hands over a settlement (item A2-52 alone)."""

    settlement: messages.Settlement
    card_id: messages.CardId | None = None


class Enqueued(messages.Frame, frozen=True, tag="enqueued"):
    """The settlement is on the disk."""

    id: str
    seq: int


_FIRST = msgspec.json.Decoder(PageHello)
_FROM_PAGE: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    messages.Open | messages.Apdus | messages.AskPin | messages.Close | Enqueue
)


class Tokens:
    """Reads the backend's tokens for pages, each once, by the keys that the backend publishes."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched = float("-inf")
        self._used: dict[str, float] = {}

    async def admit(self, token: str) -> Admission:
        """Return what a token says, and use it up; raises PageNotAdmitted."""
        try:
            header = jwt.get_unverified_header(token)
            if header.get("typ") != TOKEN_TYPE:
                raise PageNotAdmitted
            key = await self._key(str(header.get("kid")))
            claims = jwt.decode(
                token,
                key,
                algorithms=["ES256", "EdDSA"],
                audience=str(self._config.id),
                issuer=self._config.issuer,
                leeway=_SKEW,
                options={"require": ["exp", "iat", "jti", "sub"], "strict_aud": True},
            )
            if claims["exp"] - claims["iat"] > _LONGEST_TOKEN_LIFE:
                raise PageNotAdmitted
            named = {"terminal": claims["sub"], "item": claims.get("item"), "policy": claims.get("policy")}
            admission = msgspec.convert(named, Admission)
        except (jwt.InvalidTokenError, msgspec.ValidationError, httpx.HTTPError) as error:
            log.info("token refused: %s", type(error).__name__)
            raise PageNotAdmitted from None
        self._use(str(claims["jti"]), float(claims["exp"]))
        return admission

    def _use(self, jti: str, expires: float) -> None:
        now = time.time()
        self._used = {known: until for known, until in self._used.items() if until + _SKEW >= now}
        if jti in self._used:
            raise PageNotAdmitted
        self._used[jti] = expires

    async def _key(self, kid: str) -> jwt.PyJWK:
        age = time.monotonic() - self._fetched
        if age > _KEYS_FRESH or (kid not in self._keys and age > _KEYS_AGAIN):
            verify: Any = self._config.ca_file or True
            async with httpx.AsyncClient(timeout=5, verify=verify) as http:
                answer = await http.get(f"{self._config.server.rstrip('/')}/oauth/jwks")
                answer.raise_for_status()
            found = jwt.PyJWKSet.from_dict(answer.json()).keys
            self._keys = {str(key.key_id): key for key in found}
            self._fetched = time.monotonic()
        if kid not in self._keys:
            raise PageNotAdmitted
        return self._keys[kid]


class Loopback:
    """The port for pages, while `serving`; a driver of sessions as the link is one."""

    def __init__(self, config: Config, settings: LoopbackSettings, counter: Counter, queue: Queue) -> None:
        self._settings, self._counter, self._queue = settings, counter, queue
        self._tokens = Tokens(config)
        self._page: ServerConnection | None = None
        self.port = settings.port

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Listen on 127.0.0.1."""
        async with serve(
            self._serve,
            here.ADDRESS,
            self._settings.port,
            process_request=self._check,
            compression=None,
            max_size=messages.MAX_FRAME,
            max_queue=16,
            server_header=None,
            open_timeout=5,
        ) as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            yield

    async def send(self, frame: messages.Frame) -> None:
        """Tell the page that is served, if one is."""
        if self._page is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._page.send(messages.encode(frame))

    async def readers_changed(self) -> None:
        """Tell the page which readers and cards there are."""
        await self.send(messages.Readers(readers=self._counter.states()))

    async def scanned(self, scan: Scan) -> None:
        """Tell the page of a scan."""
        await self.send(scan.frame())

    def _check(self, connection: ServerConnection, request: Request) -> Response | None:
        wrong: HTTPStatus | None = here.refusal(request, self.port, self._settings.origins)
        return here.refuse(connection, wrong) if wrong else None

    async def _serve(self, page: ServerConnection) -> None:
        try:
            async with asyncio.timeout(_HELLO):
                admission = await self._tokens.admit(_FIRST.decode(await page.recv(decode=False)).token)
        except (PageNotAdmitted, TimeoutError, msgspec.DecodeError, UnicodeDecodeError):
            await page.close(NOT_ADMITTED, "not admitted")
            return
        if self._page is not None:
            await page.close(BUSY, "another page is served")
            return
        self._page = page
        try:
            await self.readers_changed()
            async for text in page:
                await self._take(admission, _FROM_PAGE.decode(text))
        except (msgspec.DecodeError, UnicodeDecodeError):
            await page.close(NOT_UNDERSTOOD, "not understood")
        finally:
            self._page = None
            await self._counter.drop(self)

    async def _take(self, admission: Admission, frame: Any) -> None:
        match frame:
            case messages.Open():
                if (frame.policy, frame.item) != (admission.policy, admission.item):
                    await self.send(messages.Failed(session=frame.session, code="not_allowed"))
                else:
                    await self._counter.open(self, frame)
            case Enqueue():
                await self._enqueue(admission, frame)
            case _:
                await self._counter.deliver(self, frame)

    async def _enqueue(self, admission: Admission, frame: Enqueue) -> None:
        if admission.policy != "settle_a2_52":
            raise msgspec.ValidationError
        try:
            record = await asyncio.to_thread(self._queue.append, frame.settlement, card_id=frame.card_id)
        except CardError as error:
            if self._page is not None:
                await self._page.close(FAILED, error.code)
            return
        await self.send(Enqueued(id=str(record.id), seq=record.seq))
