"""What every transport gives: a card held by this process alone, and the readers of this PC."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from cardio.errors import CardError

LIMIT = 2.0
"""Seconds that a command may take, its fetches and repetitions included."""
MUTE = b""
"""Stands where the ATR would, of a card that gave none."""

Seen = Callable[[Mapping[str, bytes | None] | CardError], None]
"""Is told the readers and the ATR of the card in each (None: no card; MUTE: one that does not answer), or why none."""


class Reader(Protocol):
    """A reader whose card is held exclusively. Its calls block, for LIMIT at most for each command."""

    @property
    def name(self) -> str:
        """The reader's name."""
        ...

    @property
    def atr(self) -> bytes:
        """The card's answer to reset."""
        ...

    def transmit(self, command: bytes) -> bytes:
        """Return the card's answer, status word last, 61xx and 6Cxx resolved; raises CardError.

        After any CardError but NotAllowed and BadAnswer the reader is released, and each later call raises it again.
        """
        ...

    def exchange(self, commands: Sequence[bytes], *, stop_on_error: bool = True) -> list[bytes]:
        """Return the answers to a batch: fewer than asked, where it stops at the first that is not 9000."""
        ...

    def close(self) -> None:
        """Let go of the card, which forgets what was proven to it; does nothing the second time."""
        ...


class Readers(Protocol):
    """The readers of this PC: those of PC/SC, or virtual ones."""

    def names(self) -> list[str]:
        """Return their names; raises ServiceDown."""
        ...

    def hold(self, name: str) -> Reader:
        """Take the card in the reader of this name for this process alone; raises CardError."""
        ...

    def watch(self, seen: Seen, stopped: Callable[[], bool]) -> None:
        """Call `seen` now and after each change, in this thread, until `stopped` says so.

        It survives whatever befalls the readers' service: `seen` is told ServiceDown, and the readers once it is back.
        A card that was taken out and put back between two looks is told as gone first, then as there.
        """
        ...
