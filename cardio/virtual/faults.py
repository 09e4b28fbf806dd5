"""Faults on demand: what a broken or hostile card, or a hurried holder, does at a chosen command."""

import threading
from enum import Enum
from typing import NamedTuple

from cardio.errors import CardRemoved


class Kind(Enum):
    """What goes wrong."""

    REMOVED = "removed"
    """The card is gone before it answers."""
    ANSWER_LOST = "answer_lost"
    """The command is carried out, and the card is gone before its answer is out."""
    TORN = "torn"
    """A write stops in the middle of the record, and the card is gone."""
    MISWRITTEN = "miswritten"
    """A write says 9000, and wrote something else."""
    EMPTY = "empty"
    SHORT = "short"
    OVERSIZED = "oversized"
    GARBAGE = "garbage"
    """A status word and a length that are right, over data that are not."""
    ENDLESS = "endless"
    """61xx, and again, and again."""
    HANGS = "hangs"
    """No answer until `Faults.let_go`."""


class Fault(NamedTuple):
    """Something that goes wrong at command number `at`, counted from reset from 1 on; from there on if `stays`."""

    kind: Kind
    at: int
    stays: bool = False


class Faults:
    """The faults of one card; a removal happens once."""

    def __init__(self, *faults: Fault) -> None:
        self._faults = list(faults)
        self._released = threading.Event()

    def at(self, number: int, *kinds: Kind) -> Kind | None:
        """Return what goes wrong at this command, of these kinds."""
        for one in self._faults:
            if one.kind in kinds and (one.at == number or (one.stays and number > one.at)):
                if not one.stays:
                    self._faults.remove(one)
                return one.kind
        return None

    def let_go(self) -> None:
        """End every wait of a card that hangs."""
        self._released.set()

    def before(self, number: int) -> bytes | None:
        """Return an answer in place of the card's, raise CardRemoved, or None to go on."""
        match self.at(number, Kind.REMOVED, Kind.EMPTY, Kind.SHORT, Kind.OVERSIZED, Kind.ENDLESS, Kind.HANGS):
            case Kind.REMOVED:
                raise CardRemoved
            case Kind.EMPTY:
                return b""
            case Kind.SHORT:
                return b"\x90"
            case Kind.OVERSIZED:
                return bytes(300) + b"\x90\x00"
            case Kind.ENDLESS:
                return b"\x61\x10"
            case Kind.HANGS:
                self._released.wait(30)
                raise CardRemoved
        return None

    def after(self, number: int, answer: bytes) -> bytes:
        """Return the answer that is given in place of the right one."""
        match self.at(number, Kind.ANSWER_LOST, Kind.GARBAGE):
            case Kind.ANSWER_LOST:
                raise CardRemoved
            case Kind.GARBAGE:
                return bytes((at * 73 + 5) & 0xFF for at in range(len(answer) - 2)) + answer[-2:]
        return answer
