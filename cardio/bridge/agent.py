"""The running bridge: what it is made of, and who is told of what."""

import asyncio
import contextlib

from cardio.bridge.classic import Classic
from cardio.bridge.counter import Counter
from cardio.bridge.device import Config, Device, Home, ScannerSettings
from cardio.bridge.errors import ScannerMissing
from cardio.bridge.files import locked
from cardio.bridge.link import Link
from cardio.bridge.loopback import Loopback
from cardio.bridge.pin import ConsolePad, PinPad, ProgramPad
from cardio.bridge.queue import Queue
from cardio.bridge.scanners import watch
from cardio.bridge.scans import route
from cardio.bridge.screen import Screen
from cardio.errors import Text
from cardio.transport.reader import Readers

SCANS = 16
"""Scanned lines that wait to be told to the server: what nobody takes is not kept for later."""
_TOO_FAST = Text("扫码过快，本次未受理，请稍候再扫", "scanned too fast: not taken, scan again in a moment")


class Agent:
    """A bridge of one PC: `run` serves until it is cancelled."""

    def __init__(
        self, home: Home, config: Config, device: Device, readers: Readers, screen: Screen, pad: PinPad | None = None
    ) -> None:
        self._home, self._config, self._screen = home, config, screen
        pad = pad or (ProgramPad(config.pinpad) if config.pinpad else ConsolePad())
        queue = Queue(home.queue, device.queue_key())
        self.counter = Counter(readers, pad, screen, lent=config.readers)
        self.link = Link(config, device, self.counter, queue, screen)
        self.loopback = Loopback(config, config.loopback, self.counter, queue) if config.loopback else None
        self.classic = Classic(config.classic, self.counter) if config.classic else None
        self.counter.listeners.append(self.link.readers_changed)
        if self.loopback:
            self.counter.listeners.append(self.loopback.readers_changed)

    async def run(self) -> None:
        """Serve; raises AlreadyRunning, and Replaced when another PC takes this identity."""
        with locked(self._home.lock, wait=0):
            async with contextlib.AsyncExitStack() as open_ports:
                for port in (self.loopback, self.classic):
                    if port:
                        await open_ports.enter_async_context(port.serving())
                try:
                    async with asyncio.TaskGroup() as tasks:
                        tasks.create_task(self.counter.watch())
                        tasks.create_task(self.link.keep())
                        for scanner in self._config.scanners:
                            tasks.create_task(self._scan(scanner))
                except* Exception as group:  # noqa: BLE001 - the first is what is wrong
                    raise group.exceptions[0] from None

    async def _scan(self, scanner: ScannerSettings) -> None:
        scanned: asyncio.Queue[str] = asyncio.Queue(SCANS)

        def heard(line: str) -> None:
            if scanned.full():  # a scanner that repeats itself, or a line to the server that hangs
                self._screen.say(_TOO_FAST, "red")
            else:
                scanned.put_nowait(line)

        reading = asyncio.create_task(watch(scanner, heard, lambda: self._screen.failed(ScannerMissing())))
        try:
            while True:
                await self._route(await scanned.get())
        finally:
            reading.cancel()

    async def _route(self, line: str) -> None:
        scan = route(line)
        self._screen.say(scan.refusal or Text("已扫码", "code scanned"), "red" if scan.refusal else "")
        await self.link.scanned(scan)
        if self.loopback:
            await self.loopback.scanned(scan)
