"""A session: one card, driven in batches under one policy, until it is closed, taken out, or sixty seconds old."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol

from cardio import reading
from cardio.bridge import messages
from cardio.bridge.errors import PinCancelled, SessionBusy
from cardio.bridge.pin import Asked, PinPad
from cardio.bridge.policy import Guard
from cardio.bridge.slots import Slot
from cardio.errors import CardError, NotAllowed, PinLocked, PinWrong, TimedOut
from cardio.script import run
from cardio.transport.reader import Reader

LIFETIME = 60.0
"""Seconds from `open` that a session lasts at most."""
AHEAD = 4
"""Frames of a driver that may wait for the card: each batch is answered before the next is due."""
_OK = b"\x90\x00"


class Driver(Protocol):
    """Who drives sessions and is told how they go: the backend, or a page on the loopback."""

    async def send(self, frame: messages.Frame) -> None:
        """Tell the driver; what cannot be told any more is dropped."""
        ...


class Session:
    """One session; `find` waits for the reader that has the card."""

    def __init__(self, driver: Driver, opened: messages.Open, pad: PinPad, find: Callable[[], Awaitable[Slot]]) -> None:
        self.driver, self.id = driver, opened.session
        self.slot: Slot | None = None
        self.closing = False
        self._find, self._pad = find, pad
        self._guard = Guard(opened.policy)
        self._inbox: asyncio.Queue[messages.SessionFrame | CardError] = asyncio.Queue()
        self._wrong = False

    def put(self, told: messages.SessionFrame | CardError) -> None:
        """Hand over a frame of the driver, or what befell the card; a driver too far ahead of the card is cut off."""
        if self._inbox.qsize() < AHEAD:
            self._inbox.put_nowait(told)
        elif self._inbox.qsize() == AHEAD:
            self._inbox.put_nowait(told if isinstance(told, CardError) else SessionBusy())

    async def run(self) -> None:
        """Run the session to its end; the driver is told of an end that it did not ask for."""
        try:
            async with asyncio.timeout(LIFETIME):
                await self._run()
        except TimeoutError:
            await self._fail(TimedOut())
        except CardError as error:
            await self._fail(error)

    async def _fail(self, error: CardError) -> None:
        await self.driver.send(messages.Failed(session=self.id, code=error.code))

    async def _run(self) -> None:
        slot = self.slot = await self._find()
        async with slot.held() as card:
            opened = messages.Opened(session=self.id, atr=card.atr.hex().upper(), reader=slot.name)
            await self.driver.send(opened)
            await self._follow(slot, card)

    async def _follow(self, slot: Slot, card: Reader) -> None:
        while True:
            match await self._inbox.get():
                case messages.Apdus() as batch:
                    await self._exchange(slot, card, batch)
                case messages.AskPin(n=n):
                    await self._ask_pin(slot, card, n)
                case messages.Close():
                    return
                case CardError() as error:
                    raise error

    async def _exchange(self, slot: Slot, card: Reader, batch: messages.Apdus) -> None:
        commands = [bytes.fromhex(command) for command in batch.commands]
        self._guard.admit_all(commands)
        answers = await slot.do(lambda: self._transmit(card, commands, stop_on_error=batch.stop_on_error))
        told = [answer.hex().upper() for answer in answers]
        await self.driver.send(messages.Answers(session=self.id, n=batch.n, answers=told))

    def _transmit(self, card: Reader, commands: list[bytes], *, stop_on_error: bool) -> list[bytes]:
        """Send a batch to the card, in the reader's thread."""
        if stop_on_error:
            answers = card.exchange(commands)
            for command, answer in zip(commands, answers, strict=False):
                self._follow_card(command, answer)
            return answers
        answers = []
        for command in commands:
            # Again: where a SELECT before it has failed, the card is not where this command was meant for.
            self._guard.admit(command)
            answers.append(card.transmit(command))
            self._follow_card(command, answers[-1])
        return answers

    def _follow_card(self, command: bytes, answer: bytes) -> None:
        if answer[-2:] == _OK:
            self._guard.succeeded(command)

    async def _ask_pin(self, slot: Slot, card: Reader, n: int) -> None:
        if not self._guard.policy.pin:
            raise NotAllowed
        left = await slot.do(lambda: run(reading.tries_left(), card))
        if left == 0:
            raise PinLocked
        digits = await self._answered(Asked(slot.name, left, self._wrong))
        try:
            # The pinpad has told the holder how many tries are left, and had the last one confirmed.
            await slot.do(lambda: run(reading.verify_pin(digits, told=True), card))
        except PinWrong as wrong:
            self._wrong = True
            await self.driver.send(messages.PinEntered(session=self.id, n=n, verified=False, left=wrong.left))
        else:
            await self.driver.send(messages.PinEntered(session=self.id, n=n, verified=True, left=None))

    async def _answered(self, asked: Asked) -> str:
        """Return what the holder enters, unless the card is taken out or the session closed meanwhile."""
        asking = asyncio.ensure_future(self._pad.ask(asked))
        told = asyncio.ensure_future(self._inbox.get())
        try:
            await asyncio.wait({asking, told}, return_when=asyncio.FIRST_COMPLETED)
            if told.done():
                befell = told.result()
                raise befell if isinstance(befell, CardError) else PinCancelled
            return asking.result()
        finally:
            for waiting in (asking, told):
                waiting.cancel()
                with contextlib.suppress(asyncio.CancelledError, CardError):
                    await waiting
