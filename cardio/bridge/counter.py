"""The counter's readers and the sessions on them: one card, one session, one driver.

Each reader has a thread of its own (`cardio.bridge.slots`); everything here runs on the event loop, and no
reader waits for another.
"""

import asyncio
import contextlib
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from uuid import UUID

from cardio.bridge import messages
from cardio.bridge.errors import ReaderAmbiguous, SessionBusy, SessionOver
from cardio.bridge.pin import PinPad
from cardio.bridge.policy import POLICIES
from cardio.bridge.screen import Screen
from cardio.bridge.sessions import Driver, Session
from cardio.bridge.slots import Slot
from cardio.errors import CardError, CardMissing, CardMute, CardRemoved, NotAllowed, ReaderMissing, Text
from cardio.transport.reader import MUTE, Reader, Readers

_Found = Mapping[str, bytes | None] | CardError
MOST = 16
"""Sessions at once, those that wait for a card included: more than a counter has readers."""
_INSERT = Text("请插入或放置社会保障卡", "insert or place the card")


class Counter:
    """The readers of one PC; `lent` is a regular expression of the names of those that it lends, "" for all."""

    def __init__(self, readers: Readers, pad: PinPad, screen: Screen, *, lent: str = "") -> None:
        self._readers, self._pad, self._screen, self._lent = readers, pad, screen, re.compile(lent)
        self._slots: dict[str, Slot] = {}
        self._wrong: CardError | None = None
        self._sessions: dict[UUID, tuple[Session, asyncio.Task[None]]] = {}
        self._changed = asyncio.Event()
        self.known = asyncio.Event()
        """Set once it is known which readers there are."""
        self.listeners: list[Callable[[], Awaitable[None]]] = []
        """Called after each change of readers or cards."""

    def states(self) -> list[messages.ReaderState]:
        """Return the readers and what is in them, by name."""
        found = sorted(self._slots.items())
        return [
            messages.ReaderState(name=name, atr=slot.atr.hex().upper() if slot.atr else None) for name, slot in found
        ]

    async def watch(self) -> None:
        """Follow readers and cards for ever."""
        loop, stopped, told = asyncio.get_running_loop(), threading.Event(), asyncio.Queue[_Found]()

        def seen(found: _Found) -> None:
            # The loop may be gone by the time that a reader's service answers its last question.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(told.put_nowait, found)

        watching = threading.Thread(
            target=self._readers.watch, args=(seen, stopped.is_set), name="watch readers", daemon=True
        )
        watching.start()
        try:
            while True:
                await self.seen(await told.get())
        finally:
            stopped.set()

    async def seen(self, found: _Found) -> None:
        """Take in the readers and cards as they now are, or why there are none."""
        if isinstance(found, CardError):
            if self._wrong is None or self._wrong.code != found.code:
                self._screen.failed(found)
            self._wrong, found = found, {}
        else:
            self._wrong = None
        lent = {name: atr for name, atr in found.items() if self._lent.search(name)}
        for name in self._slots.keys() - lent.keys():
            self._screen.reader(name, None, gone=True)
            self._left(self._slots.pop(name)).end()
        for name, atr in lent.items():
            slot = self._slots.get(name)
            if slot is None:
                slot = self._slots[name] = Slot(self._readers, name)
            elif slot.atr == atr:
                continue
            elif slot.atr is not None:
                self._left(slot)
            slot.atr = atr
            self._screen.reader(name, atr)
            if atr == MUTE:
                self._screen.failed(CardMute())
        self.known.set()
        self._change()
        for listener in self.listeners:
            await listener()

    def _change(self) -> None:
        """Wake whoever waits for a reader."""
        self._changed.set()
        self._changed = asyncio.Event()

    def _left(self, slot: Slot) -> Slot:
        """End the session of a card that was taken out."""
        for session, _ in self._sessions.values():
            if session.slot is slot:
                session.put(CardRemoved())
        return slot

    async def open(self, driver: Driver, opened: messages.Open) -> None:
        """Begin a session for a driver, who is told how it goes."""
        if POLICIES[opened.policy].item not in {None, opened.item}:
            await driver.send(messages.Failed(session=opened.session, code=NotAllowed.code))
            return
        if opened.session in self._sessions or len(self._sessions) >= MOST:
            await driver.send(messages.Failed(session=opened.session, code=SessionBusy.code))
            return
        session = Session(driver, opened, self._pad, lambda: self._find(opened))
        running = asyncio.create_task(session.run())
        self._sessions[opened.session] = session, running
        running.add_done_callback(lambda _: self._over(opened.session))

    def _over(self, session: UUID) -> None:
        self._sessions.pop(session, None)
        self._change()

    async def deliver(self, driver: Driver, frame: messages.SessionFrame) -> None:
        """Hand a frame to its session, if it is that driver's and lives."""
        session, running = self._sessions.get(frame.session, (None, None))
        known = session is not None and running is not None and session.driver is driver and not session.closing
        if session is None or running is None or not known:
            if not isinstance(frame, messages.Close):
                await driver.send(messages.Failed(session=frame.session, code=SessionOver.code))
        elif isinstance(frame, messages.Close):
            session.closing = True
            if session.slot is None:
                running.cancel()
            else:
                session.slot.leaving = True
            session.put(frame)
        else:
            session.put(frame)

    async def drop(self, driver: Driver) -> None:
        """End the sessions of a driver that is gone; its cards are let go when this returns."""
        running = [task for session, task in self._sessions.values() if session.driver is driver]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def borrowed(self) -> AsyncIterator[tuple[Slot, Reader]]:
        """Hold the one card that is in, outside any session; raises CardError: busy, ambiguous, missing."""
        slot = self._choose(None)
        if slot is None:
            raise CardMissing
        try:
            async with slot.held() as card:
                yield slot, card
        finally:
            self._change()

    async def _find(self, opened: messages.Open) -> Slot:
        """Return the reader of a session, once it has a card."""
        asked = False
        while True:
            if (slot := self._choose(opened.reader)) is not None:
                return slot
            if not asked and not any(slot.leaving for slot in self._slots.values()):
                asked = True
                self._screen.say(Text(opened.prompt.zh, opened.prompt.en) if opened.prompt else _INSERT, "bold")
            await self._changed.wait()

    def _choose(self, name: str | None) -> Slot | None:
        """Return the reader to use, None where it has no card yet."""
        among = [slot for slot in self._slots.values() if name in {None, slot.name}]
        if not among:
            raise self._wrong or ReaderMissing()
        free = [slot for slot in among if not slot.taken]
        if not free and not any(slot.leaving for slot in among):
            raise SessionBusy
        with_card = [slot for slot in free if slot.atr]
        if not with_card and any(slot.atr == MUTE for slot in free):
            raise CardMute
        if len(with_card) > 1:
            raise ReaderAmbiguous
        return with_card[0] if with_card else None
