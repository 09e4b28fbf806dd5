"""The bridges that are connected to this process, and what any process has for them.

A row of `card_session` names the connection that it goes over. The database notifies every process; the one
that holds the connection takes the row, once, and drives it. A round each second is the truth: it says which
connections live here, closes those that another took the place of, and takes what was not notified.
"""

import asyncio
import contextlib
import functools
import logging
from collections.abc import Callable, Coroutine, Iterator
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from litestar import WebSocket
from litestar.exceptions import WebSocketDisconnect
from prometheus_client import Counter, Gauge

from cardio.bridge.messages import (
    MAX_FRAME,
    Answers,
    Failed,
    Frame,
    FromBridge,
    Hello,
    Kept,
    NotUnderstood,
    Opened,
    Paired,
    Pairing,
    PinEntered,
    Queued,
    Readers,
    Scanned,
    Unpaired,
    Welcome,
    encode,
    from_bridge,
)
from cardio.server import records, sessions, store
from cardio.server.model import PAIRING_SECONDS, new_pairing
from cardio.server.service import pairing_mac
from cardio.server.sessions import SessionRow
from cardio.server.store import Bridge
from ecard.ids import new_id
from ecard.runtime import Runtime

CHANNEL = "ecard_card"
ROUND = 1.0
"""Seconds between two rounds when nothing is notified."""
REFUSED, REPLACED, BAD_FRAME = 4401, 4409, 1008
"""Close codes of a connection: not admitted, replaced by a newer one, a frame that is none of the protocol's."""
LONGEST_SCAN = 512
"""Characters of a scan that are kept for the page."""
_FORGET_EACH = 600
log = logging.getLogger("cardio.server")
LINKS = Gauge("ecard_bridge_links", "Bridges connected to this process", multiprocess_mode="livesum")
FRAMES = Counter("ecard_bridge_frames_total", "Frames from bridges, by type", ("type",))
SessionFrame = Opened | Answers | PinEntered | Failed
Drive = Callable[["Link", SessionRow], Coroutine[Any, Any, None]]


class LinkLost(Exception):
    """The connection ended while a session waited for it."""


class Link:
    """One connection of a bridge."""

    def __init__(self, socket: WebSocket[Any, Any, Any], bridge: Bridge) -> None:
        self.id = new_id()
        self.bridge = bridge
        self.terminal: str | None = None
        self.driving: dict[UUID, asyncio.Task[None]] = {}
        self._socket = socket
        self._heard: dict[UUID, asyncio.Queue[SessionFrame]] = {}
        self._closed = False

    async def say(self, frame: Frame) -> None:
        """Send a frame; raises LinkLost."""
        try:
            await self._socket.send_data(encode(frame))
        except Exception as error:
            raise LinkLost from error

    async def close(self, code: int) -> None:
        """Close the connection, once."""
        if not self._closed:
            self._closed = True
            with contextlib.suppress(Exception):
                await self._socket.close(code)

    @contextlib.contextmanager
    def session(self, session: UUID) -> Iterator[None]:
        """Keep what is heard of a session while it is driven."""
        self._heard[session] = asyncio.Queue(4)
        try:
            yield
        finally:
            del self._heard[session]

    def done(self, session: UUID, _: object) -> None:
        """Forget a session that is no longer driven."""
        self.driving.pop(session, None)

    async def heard(self, session: UUID) -> SessionFrame:
        """Return the next frame of a session."""
        return await self._heard[session].get()

    def hear(self, frame: SessionFrame) -> None:
        """Pass a frame on to its session; one that nobody waits for, or too many of, are dropped."""
        waiting = self._heard.get(frame.session)
        if waiting is not None and not waiting.full():
            waiting.put_nowait(frame)


class Hub:
    """The connections of this process."""

    def __init__(self, runtime: Runtime, drive: Drive) -> None:
        self._runtime = runtime
        self._drive = drive
        self._links: dict[UUID, Link] = {}
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._wake = asyncio.Event()

    @contextlib.contextmanager
    def waiting(self, thing: UUID) -> Iterator[asyncio.Event]:
        """Yield an event that is set whenever a session or a bridge changes."""
        event, name = asyncio.Event(), str(thing)
        self._waiting.setdefault(name, set()).add(event)
        try:
            yield event
        finally:
            self._waiting[name].discard(event)
            if not self._waiting[name]:
                del self._waiting[name]

    async def serve(self, socket: WebSocket[Any, Any, Any], bridge: Bridge) -> None:
        """Serve an admitted connection until it ends; the bridge's older one ends at once, wherever it is held."""
        link, pool = Link(socket, bridge), self._runtime.pool
        code = new_pairing()
        row = await store.linked(pool, bridge.id, link.id, pairing_mac(self._runtime, code), PAIRING_SECONDS)
        if row is None:
            await link.close(REFUSED)
            return
        self._links[link.id] = link
        LINKS.inc()
        try:
            await link.say(Welcome(code, PAIRING_SECONDS))
            if row["terminal"] is not None:
                link.terminal = row["terminal"]
                await link.say(Paired(row["terminal"]))
            while True:
                text = await socket.receive_data("text")
                if len(text) > MAX_FRAME:
                    raise NotUnderstood("$")  # noqa: TRY301 - as a frame that makes no sense
                await self._take_in(link, from_bridge(text))
        except NotUnderstood:
            await link.close(BAD_FRAME)
        except (WebSocketDisconnect, LinkLost):
            pass
        finally:
            LINKS.dec()
            del self._links[link.id]
            for task in link.driving.values():
                task.cancel()
            # Also when this very task is cancelled, as at the end of the process.
            await asyncio.shield(store.unlinked(pool, bridge.id, link.id))

    async def _take_in(self, link: Link, frame: FromBridge) -> None:
        FRAMES.labels(type(frame).__struct_config__.tag).inc()
        pool, bridge = self._runtime.pool, link.bridge.id
        match frame:
            case Hello() | Readers():
                version = frame.version[:32] if isinstance(frame, Hello) else None
                await store.shows(pool, bridge, link.id, version, msgspec.to_builtins(frame.readers[:16]))
            case Scanned(kind="code" | "digits", text=str(text)):
                # A longer one is no code of ours: the page, which hands on what it gets, is told so at its use.
                await store.scanned(pool, bridge, link.id, text[:LONGEST_SCAN])
            case Scanned():
                pass
            case Queued():
                if await records.keep(self._runtime, link.bridge, frame.record):
                    await link.say(Kept(frame.record.id))
            case Opened() | Answers() | PinEntered() | Failed():
                link.hear(frame)

    async def watch(self, url: str) -> None:
        """Go round until cancelled; a connection to the database that breaks is made anew."""
        listener: Any = None
        rounds = 0
        try:
            while True:
                self._wake.clear()
                try:
                    if listener is None or listener.is_closed():
                        listener = await asyncpg.connect(url, timeout=2)
                        await listener.add_listener(CHANNEL, self._notified)
                    await self._round()
                    if rounds % _FORGET_EACH == 0:
                        await sessions.forget(self._runtime.pool)
                except Exception as error:  # noqa: BLE001 - whatever it was, the next round must come
                    log.warning("bridges not served for a round: %s", type(error).__name__)
                rounds += 1
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), ROUND)
        finally:
            if listener is not None:
                listener.terminate()

    def _notified(self, *message: Any) -> None:
        self._wake.set()
        for event in self._waiting.get(message[-1], ()):
            event.set()

    async def _round(self) -> None:
        links = list(self._links.values())
        if not links:
            return
        pool = self._runtime.pool
        living = await store.pulse(pool, [link.bridge.id for link in links], [link.id for link in links])
        for link in links:
            if link.bridge.seq in self._runtime.denied.actors:
                await link.close(REFUSED)
            elif link.id not in living:
                await link.close(REPLACED)
            else:
                with contextlib.suppress(LinkLost):
                    await self._tell(link, living[link.id])
        driven = {session: task for link in links for session, task in link.driving.items()}
        over = [driven[ended] for ended in await sessions.ended(pool, list(driven))] if driven else []
        for task in over:
            task.cancel()
        # Its card is let go before the next session is opened there.
        await asyncio.gather(*over, return_exceptions=True)
        for row in await sessions.take(pool, list(living)):
            held = self._links.get(row.link)
            if held is not None:
                task = asyncio.create_task(self._drive(held, row))
                held.driving[row.id] = task
                task.add_done_callback(functools.partial(held.done, row.id))

    async def _tell(self, link: Link, row: Any) -> None:
        """Tell a bridge what has changed: who is paired with it, and new digits when the old are over."""
        if row["terminal"] != link.terminal:
            link.terminal = row["terminal"]
            await link.say(Unpaired() if link.terminal is None else Paired(link.terminal))
        if row["pairing_due"]:
            code = new_pairing()
            if await store.renew(
                self._runtime.pool, link.bridge.id, link.id, pairing_mac(self._runtime, code), PAIRING_SECONDS
            ):
                await link.say(Pairing(code, PAIRING_SECONDS))
