"""Readers and cards in this process, for everything that needs no daemon: insert, remove, plug, unplug."""

import threading
from collections.abc import Callable
from typing import Protocol

from cardio.errors import CardError, CardMissing, CardMute, CardRemoved, ReaderBusy, ReaderMissing
from cardio.transport.held import Held
from cardio.transport.reader import MUTE, Seen

_LOOK = 0.1
"""Seconds after which a watch asks whether it shall stop."""


class Powered(Protocol):
    """A card that can be put into a virtual reader."""

    @property
    def atr(self) -> bytes:
        """Its answer to reset; empty if it is mute."""
        ...

    @property
    def t0(self) -> bool:
        """Whether it speaks T=0 (else T=1)."""
        ...

    def reset(self) -> None:
        """Forget what was selected and proven."""
        ...

    def transmit(self, command: bytes) -> bytes:
        """Return the answer; raises CardRemoved where it takes itself out."""
        ...


class VirtualReaders:
    """Virtual readers, named when made (see `cardio.transport.reader.Readers`)."""

    def __init__(self, *names: str) -> None:
        self._changed = threading.Condition()
        self._cards: dict[str, Powered | None] = dict.fromkeys(names or ("Virtual",))
        self._held: dict[str, Held] = {}
        self._journal: list[dict[str, bytes | None]] = []
        with self._changed:
            self._note()

    def names(self) -> list[str]:
        """Return the readers' names."""
        with self._changed:
            return list(self._cards)

    def insert(self, card: Powered, name: str | None = None) -> None:
        """Put a card into a reader, the first unless named."""
        with self._changed:
            card.reset()
            self._cards[name or next(iter(self._cards))] = card
            self._note()

    def remove(self, name: str | None = None) -> None:
        """Take the card out."""
        with self._changed:
            self._cards[name or next(iter(self._cards))] = None
            self._note()

    def went(self, card: Powered) -> None:
        """Note that a card took itself out, unless another is in its place."""
        with self._changed:
            for name in [name for name, there in self._cards.items() if there is card]:
                self._cards[name] = None
                self._note()

    def plug(self, name: str) -> None:
        """Add a reader."""
        with self._changed:
            self._cards[name] = None
            self._note()

    def unplug(self, name: str) -> None:
        """Take a reader away."""
        with self._changed:
            del self._cards[name]
            self._note()

    def hold(self, name: str) -> Held:
        """Take the card in a reader."""
        with self._changed:
            before = self._held.get(name)
            if before is not None and not before.ended:
                raise ReaderBusy
        held = Held(name, _Channel(self, name))
        with self._changed:
            self._held[name] = held
        return held

    def watch(self, seen: Seen, stopped: Callable[[], bool]) -> None:
        """Tell of each change until stopped."""
        told = len(self._journal) - 1
        while not stopped():
            with self._changed:
                if len(self._journal) == told:
                    self._changed.wait(_LOOK)
                news = self._journal[told:]
            told += len(news)
            for one in news:
                seen(one)

    def card_in(self, name: str) -> Powered:
        """Return the card in a reader; raises ReaderMissing or CardMissing."""
        with self._changed:
            if name not in self._cards:
                raise ReaderMissing
            card = self._cards[name]
            if card is None:
                raise CardMissing
            return card

    def _note(self) -> None:
        self._journal.append({name: None if card is None else card.atr or MUTE for name, card in self._cards.items()})
        self._changed.notify_all()


class _Channel:
    def __init__(self, readers: VirtualReaders, name: str) -> None:
        self._readers, self._name = readers, name
        self._card: Powered | None = None

    def connect(self) -> tuple[bytes, bool]:
        card = self._readers.card_in(self._name)
        if not card.atr:
            raise CardMute
        card.reset()
        self._card = card
        return card.atr, card.t0

    def transmit(self, command: bytes) -> bytes:
        card = self._card
        try:
            there = self._readers.card_in(self._name) is card
        except CardError:
            there = False
        if card is None or not there:
            raise CardRemoved
        try:
            return card.transmit(command)
        except CardRemoved:
            self._readers.went(card)
            raise

    def disconnect(self) -> None:
        if self._card is not None:
            self._card.reset()
        self._card = None
