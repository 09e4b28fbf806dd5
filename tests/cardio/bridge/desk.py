"""A counter PC for tests: readers that a test fills and empties, and the bridge's agent running in a thread."""

import asyncio
import contextlib
import io
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
from rich.console import Console

from cardio.bridge.agent import Agent
from cardio.bridge.device import Config, Home
from cardio.bridge.errors import PinCancelled
from cardio.bridge.pin import Asked
from cardio.bridge.screen import Screen
from cardio.errors import CardError
from cardio.transport.reader import Readers, Seen
from cardio.transport.virtual import Powered, VirtualReaders
from tests.cardio.bridge.peer import ISSUER, Peer

SELECT = "00A404000F7378312E73682EC9E7BBE1B1A3D5CF"
READER = "Counter A 00 00"


class NotedCard:
    """A card of version 2.0 by rote: it knows a few answers, its PIN, and notes all that reaches it."""

    atr = bytes.fromhex("3B6D00000090543186600000000000001C4E")
    t0 = False

    def __init__(self, pin: str = "246810", tries: int = 6) -> None:
        self.pin, self.left = pin, tries
        self.noted: list[str] = []
        self.pause = 0.0
        self.select = "9000"

    def reset(self) -> None:
        """Forget nothing: what reached it is what tests ask for."""

    def transmit(self, command: bytes) -> bytes:
        """Return the answer, status word last."""
        self.noted.append(command.hex().upper())
        time.sleep(self.pause)
        match command[1], command[2:4]:
            case 0xA4, _:
                return bytes.fromhex("6A82" if command[-2:] == b"\xef\x06" and self.pin == "none" else self.select)
            case 0xB2, _:
                return b"\x07\x09T00000001\x90\x00"
            case 0x20, _:
                return self._verify(command[5:].hex())
            case _:
                return b"\x90\x00"

    def _verify(self, pin: str) -> bytes:
        if pin == self.pin and self.left:
            self.left = 6
            return b"\x90\x00"
        self.left = max(self.left - 1, 0) if pin else self.left
        return (0x63C0 + self.left if self.left else 0x6983).to_bytes(2)


class Tray(VirtualReaders):
    """Virtual readers whose service may fail."""

    wrong: CardError | None = None

    @property
    def held(self) -> set[str]:
        """The readers whose card somebody holds."""
        return {name for name, held in self._held.items() if not held.ended}

    def put(self, card: Powered | None, reader: str = READER) -> None:
        """Insert a card, plugging the reader in if need be; None takes the card out."""
        if card is None:
            self.remove(reader)
        else:
            self.insert(card, reader)

    def fail(self, error: CardError | None) -> None:
        """Have the readers' service stop, or come back."""
        self.wrong = error
        with self._changed:
            self._note()

    def watch(self, seen: Seen, stopped: Callable[[], bool]) -> None:
        """Tell of each change, and of a service that is down."""
        super().watch(lambda found: seen(self.wrong or found), stopped)


class Pad:
    """A holder at the pinpad: enters what the test laid ready, or cancels; keeps what was asked."""

    def __init__(self) -> None:
        self.ready: list[str] = []
        self.asked: list[Asked] = []
        self.waits = False
        self.on_ask: Callable[[], None] = lambda: None

    async def ask(self, asked: Asked) -> str:
        """Return what lies ready."""
        self.asked.append(asked)
        self.on_ask()
        if self.waits:
            await asyncio.sleep(60)
        if not self.ready:
            raise PinCancelled
        return self.ready.pop(0)


class Desk:
    """A bridge at a counter: its readers, its pinpad, its screen, and the backend that it dials."""

    def __init__(self, home: Home, server: Callable[[], str], tray: Tray, peer: Peer | None = None) -> None:
        self.home, self.server, self.tray = home, server, tray
        self.readers: Readers = tray
        self._peer = peer
        self.pad = Pad()
        self.shown = io.StringIO()
        self.agent: Agent

    @property
    def peer(self) -> Peer:
        """The backend, where it is the tests' own."""
        assert self._peer is not None
        return self._peer

    @contextlib.contextmanager
    def running(self, **changed: object) -> Iterator[None]:
        """Run the agent; what it raises is raised here at the end."""
        config = msgspec.structs.replace(self.home.read_config(), server=self.server(), **changed)
        screen = Screen(Console(file=self.shown, width=200))
        loop, failed = asyncio.new_event_loop(), list[BaseException]()
        self.agent = Agent(self.home, config, self.home.device(), self.readers, screen, self.pad)
        task = loop.create_task(self.agent.run())

        def run() -> None:
            try:
                loop.run_until_complete(task)
            except asyncio.CancelledError:
                pass
            except BaseException as error:  # noqa: BLE001 - raised again in the test's thread
                failed.append(error)
            loop.close()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(task.cancel)
            thread.join(10)
            assert not thread.is_alive()
        if failed:
            raise failed[0]

    def sees(self, *words: str) -> None:
        """Wait until all words stand on the screen."""
        deadline = time.monotonic() + 5
        while not all(word in self.shown.getvalue() for word in words):
            assert time.monotonic() < deadline, self.shown.getvalue()
            time.sleep(0.01)


def enrolled(place: Path, bridge: UUID | None = None) -> Home:
    """Return the directory of an enrolled bridge."""
    home = Home(place / "bridge")
    home.make_device()
    config = Config(server="https://ecard.example", issuer=ISSUER, agency="a", name="n", site="s", id=bridge or uuid4())
    home.write_config(config)
    return home
