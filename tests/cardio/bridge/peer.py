"""The backend's side of the link, in a thread: takes a bridge in as the protocol says, and is driven by a test."""

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar
from uuid import UUID, uuid4

import jwt
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from cardio.bridge import messages
from cardio.bridge.device import Device
from cardio.bridge.link import PATH

T = TypeVar("T")
F = TypeVar("F", bound=messages.Frame)
ISSUER = "https://ecard.example"


class Peer:
    """A backend with one bridge."""

    def __init__(self, device: Device, bridge: UUID) -> None:
        self._key, self._bridge = jwt.PyJWK(device.jwk, "ES256"), bridge
        self._loop: asyncio.AbstractEventLoop
        self._links: list[ServerConnection] = []
        self._seen: set[str] = set()
        self.heard: queue.Queue[messages.FromBridge] = queue.Queue()
        self.port = 0
        self.connections = 0
        self.refuses = False
        self._stop: asyncio.Event
        self._thread: threading.Thread

    def _check(self, link: ServerConnection, request: Request) -> Response | None:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        claims = jwt.decode(
            token, self._key, ["ES256"], audience=ISSUER, issuer=str(self._bridge), options={"require": ["jti", "exp"]}
        )
        header = jwt.get_unverified_header(token)
        right = (
            request.path == PATH
            and (header["typ"], header["kid"]) == ("ecard-bridge+jwt", str(self._bridge))
            and claims["sub"] == str(self._bridge)
            and claims["exp"] - claims["iat"] <= 60
            and claims["jti"] not in self._seen
        )
        self._seen.add(claims["jti"])
        return link.respond(401, "") if self.refuses or not right else None

    async def _serve(self, link: ServerConnection) -> None:
        self.connections += 1
        self._links.append(link)
        await link.send(messages.encode(messages.Welcome(pairing="48217730", expires_in=300)))
        with contextlib.suppress(ConnectionClosed):
            async for text in link:
                self.heard.put(messages.from_bridge(text))

    async def _listen(self, ready: threading.Event) -> None:
        self._stop = asyncio.Event()
        async with serve(self._serve, "127.0.0.1", self.port, process_request=self._check, compression=None) as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            ready.set()
            await self._stop.wait()
        self._links.clear()

    def start(self) -> None:
        """Listen, on the port of the time before."""
        ready, self._loop = threading.Event(), asyncio.new_event_loop()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._listen(ready)))
        self._thread.start()
        assert ready.wait(5)

    def stop(self) -> None:
        """End the links and the port."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Listen meanwhile."""
        self.start()
        try:
            yield
        finally:
            self.stop()

    def _do(self, act: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(act, self._loop).result(5)

    def send(self, *frames: messages.Frame) -> None:
        """Say something to the bridge that connected last."""
        for frame in frames:
            self._do(self._links[-1].send(messages.encode(frame)))

    def send_raw(self, text: str) -> None:
        """Say what is no frame."""
        self._do(self._links[-1].send(text))

    def close(self, code: int) -> None:
        """End the link."""
        self._do(self._links[-1].close(code))

    def hear(self, kind: type[F], seconds: float = 5) -> F:
        """Return the next frame of a kind; what else is said before is passed over."""
        deadline = time.monotonic() + seconds
        while True:
            frame = self.heard.get(timeout=max(deadline - time.monotonic(), 0.001))
            if isinstance(frame, kind):
                return frame

    def open(self, policy: messages.PolicyName = "identify", *, item: str = "A1-36", reader: str | None = None) -> UUID:
        """Begin a session; return its id."""
        session = uuid4()
        self.send(messages.Open(session=session, policy=policy, item=item, reader=reader))
        return session

    def ask(self, session: UUID, *commands: str, n: int = 1, stop_on_error: bool = True) -> list[str]:
        """Return the card's answers to a batch."""
        self.send(messages.Apdus(session=session, n=n, commands=list(commands), stop_on_error=stop_on_error))
        answers = self.hear(messages.Answers)
        assert (answers.session, answers.n) == (session, n)
        return answers.answers

    def refused(self, session: UUID) -> str:
        """Return why a session failed."""
        failed = self.hear(messages.Failed)
        assert failed.session == session
        return failed.code
