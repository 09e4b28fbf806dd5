"""The link: the bridge dials the backend and is driven by it. Nobody dials the bridge.

Each connection is opened with a token of the device key. A lost one is dialled again, at a random moment that
lies the further away the more attempts failed, so that a thousand counters do not return at once when a server
restarts. With the connection end the sessions that it drove: a card is never held for a backend that is gone.
"""

import asyncio
import contextlib
import logging
import random
import ssl

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from cardio.bridge import messages
from cardio.bridge.counter import Counter
from cardio.bridge.device import Config, Device
from cardio.bridge.errors import LinkLost, NotAdmitted, Replaced, ServerSpeaksOtherwise
from cardio.bridge.queue import Queue
from cardio.bridge.scans import Scan
from cardio.bridge.screen import Screen
from cardio.errors import CardError

log = logging.getLogger("ecard-bridge.link")
VERSION = "0.1.0"
PATH = "/v1/bridge/link"
FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0
"""Seconds before the second attempt, at most, and before any."""
_PING = 20.0
_OPEN = 10.0
_KEPT = 30.0
"""Seconds after which a record that was not acknowledged is sent again."""
_LOOK = 1.0
"""Seconds between two looks at the queue, which another process may have filled."""
NOT_ADMITTED, REPLACED, POLICY = 4401, 4409, 1008
"""Close codes."""


def delay(failures: int) -> float:
    """Return how long to wait after so many failures in a row, seconds: random up to a bound that doubles."""
    return random.uniform(0.1, min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(failures, 10)))  # noqa: S311 - no secret


class Link:
    """The connection to the backend, kept up as long as `keep` runs."""

    def __init__(self, config: Config, device: Device, counter: Counter, queue: Queue, screen: Screen) -> None:
        if config.id is None:
            msg = "a bridge without id does not dial"
            raise ValueError(msg)
        self._bridge, self._config, self._device = config.id, config, device
        self._counter, self._queue, self._screen = counter, queue, screen
        self._socket: ClientConnection | None = None
        self._kept: dict[object, asyncio.Event] = {}
        self.admitted = False
        self.paired: str | None = None
        """The terminal whose page drives this bridge."""

    async def keep(self) -> None:
        """Keep the link up; returns only by raising Replaced, when another bridge has taken this identity."""
        failures, said = 0, ""
        await self._counter.known.wait()
        while True:
            self.admitted = False
            lost = await self._once()
            if isinstance(lost, Replaced):
                raise lost
            failures = 0 if self.admitted else failures + 1
            # A server that is away for an hour is said once, not at every attempt.
            if self.admitted or lost.code != said:
                self._screen.failed(lost)
            said = lost.code
            await asyncio.sleep(delay(failures))

    async def send(self, frame: messages.Frame) -> None:
        """Send a frame, or nothing where the link is down: what it was about ended with it."""
        if self._socket is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._socket.send(messages.encode(frame))

    async def readers_changed(self) -> None:
        """Tell the backend which readers and cards there are."""
        await self.send(messages.Readers(readers=self._counter.states()))

    async def scanned(self, scan: Scan) -> None:
        """Tell the backend of a scan, if a page waits for it."""
        if self.paired:
            await self.send(scan.frame())

    async def _once(self) -> CardError:
        """Dial and serve one connection; return why it ended."""
        address = self._config.server.rstrip("/").replace("http", "ws", 1) + PATH
        secure = self._config.server.startswith("https")
        try:
            async with connect(
                address,
                additional_headers={"Authorization": f"Bearer {self._device.token(self._bridge, self._config.issuer)}"},
                ssl=ssl.create_default_context(cafile=self._config.ca_file) if secure else None,
                compression=None,
                max_size=messages.MAX_FRAME,
                open_timeout=_OPEN,
                ping_interval=_PING,
                ping_timeout=_PING,
                close_timeout=2,
                user_agent_header=f"ecard-bridge/{VERSION}",
            ) as socket:
                self._socket = socket
                try:
                    await self._serve(socket)
                finally:
                    self._socket, self.paired = None, None
                    await self._counter.drop(self)
        except InvalidStatus as answer:
            return NotAdmitted() if answer.response.status_code in {401, 403} else LinkLost()
        except ConnectionClosed as closed:
            return _why(closed)
        except ServerSpeaksOtherwise as error:
            return error
        except (OSError, TimeoutError, InvalidHandshake) as error:
            log.info("not reached: %s", type(error).__name__)
        return LinkLost()

    async def _serve(self, socket: ClientConnection) -> None:
        await self.send(messages.Hello(version=VERSION, readers=self._counter.states()))
        uploading = asyncio.create_task(self._upload())
        try:
            async for text in socket:
                try:
                    await self._take(messages.from_server(text))
                except messages.NotUnderstood as error:
                    log.warning("frame not understood at %s", error)
                    await socket.close(POLICY, "not understood")
                    raise ServerSpeaksOtherwise from None
        finally:
            uploading.cancel()
            await asyncio.gather(uploading, return_exceptions=True)

    async def _take(self, frame: messages.FromServer) -> None:
        match frame:
            case messages.Welcome() | messages.Pairing():
                if not self.admitted:
                    self.admitted = True
                    self._screen.connected(self._config.server)
                self._screen.pairing(frame.pairing, frame.expires_in)
            case messages.Paired():
                self.paired = frame.terminal
                self._screen.paired(frame.terminal)
            case messages.Unpaired():
                self.paired = None
                self._screen.unpaired()
            case messages.Kept():
                if frame.id in self._kept:
                    self._kept[frame.id].set()
            case messages.Open():
                await self._counter.open(self, frame)
            case messages.Apdus() | messages.AskPin() | messages.Close():
                await self._counter.deliver(self, frame)

    async def _upload(self) -> None:
        """Send what the queue holds, in its order, one at a time, each until it is kept."""
        while True:
            try:
                pending = await asyncio.to_thread(self._queue.pending)
            except CardError as error:
                self._screen.failed(error)
                return
            if not (pending and self.admitted):
                await asyncio.sleep(_LOOK)
                continue
            record = pending[0]
            kept = self._kept.setdefault(record.id, asyncio.Event())
            await self.send(messages.Queued(record=record))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_KEPT):
                    await kept.wait()
            if kept.is_set():
                await asyncio.to_thread(self._queue.acknowledge, record.id)
                del self._kept[record.id]
                self._screen.uploaded(record.seq)


def _why(closed: ConnectionClosed) -> CardError:
    code = closed.rcvd.code if closed.rcvd else None
    if code == NOT_ADMITTED:
        return NotAdmitted()
    return Replaced() if code == REPLACED else LinkLost()
