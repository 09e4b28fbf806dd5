"""Readers for the cards' tests: virtual ones in this process, and those of a real pcscd."""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import pytest

from cardio.errors import CardError, CardMissing, ReaderBusy, ReaderMissing
from cardio.transport.held import Held
from cardio.transport.pcsc import PcscReaders
from cardio.transport.virtual import Powered, VirtualReaders
from cardio.virtual.vpcd import Inserted
from tests.cardio.pcscd import FIRST, NAMES, SECOND, Pcscd, missing
from tests.conftest import PCSCD


class Desk(Protocol):
    """A place with two readers, A and B, whatever they are made of."""

    @property
    def names(self) -> tuple[str, str]:
        """The readers' names."""

    @property
    def readers(self) -> PcscReaders | VirtualReaders:
        """All readers of this kind."""

    def insert(self, card: Powered, at: int = 0) -> None:
        """Put a card in, and wait until it is seen."""

    def remove(self, at: int = 0) -> None:
        """Take it out, and wait until that is seen."""

    def hold(self, at: int = 0) -> Held:
        """Take the card."""


def eventually(what: Callable[[], bool], *, seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


class InProcess:
    names = ("A", "B")

    def __init__(self) -> None:
        self.readers = VirtualReaders(*self.names)

    def insert(self, card: Powered, at: int = 0) -> None:
        self.readers.insert(card, self.names[at])

    def remove(self, at: int = 0) -> None:
        self.readers.remove(self.names[at])

    def hold(self, at: int = 0) -> Held:
        return self.readers.hold(self.names[at])


class Daemon:
    names = NAMES

    def __init__(self, pcscd: Pcscd) -> None:
        self.pcscd, self.readers = pcscd, PcscReaders()
        self._inserted: dict[int, Inserted] = {}

    def insert(self, card: Powered, at: int = 0) -> None:
        self.remove(at)
        self._inserted[at] = self.pcscd.insert(card, (FIRST, SECOND)[at])
        eventually(lambda: self.atr(at) == card.atr)

    def insert_all(self, cards: Sequence[Powered]) -> None:
        """Put a card into each reader, waiting for all at once."""
        for at in range(len(cards)):
            self._pull(at)
        eventually(lambda: all(self.atr(at) is None for at in range(len(cards))))
        for at, card in enumerate(cards):
            self._inserted[at] = self.pcscd.insert(card, (FIRST, SECOND)[at])
        eventually(lambda: all(self.atr(at) == card.atr for at, card in enumerate(cards)))

    def remove(self, at: int = 0) -> None:
        self._pull(at)
        eventually(lambda: self.atr(at) is None)

    def _pull(self, at: int) -> None:
        if at in self._inserted:
            self._inserted.pop(at).remove()

    def hold(self, at: int = 0) -> Held:
        return self.readers.hold(self.names[at])

    def atr(self, at: int) -> bytes | None:
        """Return what the daemon says is in a reader."""
        told: list[bytes | None] = []
        self.readers.watch(
            lambda seen: told.append(None if isinstance(seen, CardError) else seen.get(self.names[at])),
            lambda: bool(told),
        )
        return told[0]


@pytest.fixture(scope="session")
def pcscd() -> Iterator[Pcscd]:
    """The daemon, one for the session: its clients in this process know one address only."""
    why = missing()
    if why:
        pytest.skip(why)  # not Debian as root; CI fails it
    PCSCD.mkdir()
    started = Pcscd(PCSCD)
    assert os.environ["PCSCLITE_CSOCK_NAME"] == str(started.address)
    yield started
    started.close()
    shutil.rmtree(PCSCD, ignore_errors=True)


@pytest.fixture
def daemon(pcscd: Pcscd) -> Iterator[Daemon]:
    """Two readers of the real pcscd."""
    made = Daemon(pcscd)
    yield made
    for at in (0, 1):
        made.remove(at)


@pytest.fixture(params=["in-process", "pcscd"])
def desk(request: pytest.FixtureRequest) -> Desk:
    """Two readers: virtual ones in this process, and those of the real pcscd."""
    if request.param == "in-process":
        return InProcess()
    found: Desk = request.getfixturevalue("daemon")
    return found


def held_again(desk: Desk, at: int = 0) -> Held:
    """Hold the card of a reader that was busy or empty a moment ago."""
    found: list[Held] = []

    def hold() -> bool:
        try:
            found.append(desk.hold(at))
        except (CardMissing, ReaderMissing, ReaderBusy):
            return False
        return True

    eventually(hold)
    return found[0]
