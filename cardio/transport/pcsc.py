"""Readers through PC/SC: pcscd on Linux, the system's service elsewhere.

A card is held EXCLUSIVE, by a context that nobody else has meanwhile, in a thread of its own
(`cardio.transport.held`), and reset when it is let go, so that nothing proven to it outlives the session. A lost card
is never reconnected to: another may be in.

pyscard is imported when readers are first asked for, so that whoever reads no cards needs neither it nor swig. Its
own CardMonitor ends silently with the daemon; `watch` asks by itself, and again after any error.
"""

import functools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any, NamedTuple

from cardio.errors import (
    BadAnswer,
    CardError,
    CardMissing,
    CardMute,
    CardRemoved,
    LibraryMissing,
    ReaderBusy,
    ReaderMissing,
    ServiceDown,
    TimedOut,
)
from cardio.transport.held import Held
from cardio.transport.reader import MUTE, Seen

_POLL = 0.2
"""Seconds after which a watch asks whether it shall stop, which readers there are, and whether PC/SC is back.

PC/SC's own notification of new readers stands for a reader in its calls, and then the sixteenth has no room.
"""
_TIMEOUT = 0x8010000A
_NO_READERS = 0x8010002E
_COUNT_SHIFT = 16
"""The upper half of a reader's state counts its cards going in and out (pcsc-lite; zero elsewhere)."""
_ERRORS: Mapping[int, type[CardError]] = {
    0x8010001D: ServiceDown,  # no service
    0x8010001E: ServiceDown,  # service stopped: on Windows also when the last reader is unplugged
    0x80100013: ServiceDown,  # communication error, when the daemon dies
    0x80100014: ServiceDown,  # unknown internal error, likewise
    0x80100003: ServiceDown,  # invalid handle: of a daemon that was restarted
    0x80100009: ReaderMissing,
    0x80100017: ReaderMissing,  # unplugged
    _NO_READERS: ReaderMissing,
    0x8010000C: CardMissing,
    0x80100069: CardRemoved,
    0x80100068: CardRemoved,  # reset by somebody else
    0x80100016: CardRemoved,  # not transacted: it went meanwhile
    0x8010002F: CardRemoved,  # as before, of other drivers
    0x80100066: CardMute,
    0x80100067: CardMute,  # no power
    0x80100065: CardMute,  # not supported
    0x8010000F: CardMute,  # no protocol in common
    0x8010000B: ReaderBusy,
    0x80100008: BadAnswer,  # longer than any answer
    _TIMEOUT: TimedOut,
}


@functools.cache
def _scard() -> ModuleType:
    try:
        from smartcard import scard  # noqa: PLC0415 - only who reads cards needs it
    except ImportError:
        raise LibraryMissing from None
    module: ModuleType = scard
    return module


def _check(result: int) -> None:
    code = result & 0xFFFFFFFF
    if code:
        raise _ERRORS.get(code, CardError)


@contextmanager
def _context() -> Iterator[Any]:
    scard = _scard()
    result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    _check(result)
    try:
        yield context
    finally:
        scard.SCardReleaseContext(context)


def _names(context: Any) -> list[str]:
    result, names = _scard().SCardListReaders(context, [])
    if result & 0xFFFFFFFF == _NO_READERS:
        return []
    _check(result)
    return list(names)


class PcscReaders:
    """The readers of PC/SC (see `cardio.transport.reader.Readers`)."""

    def __init__(self) -> None:
        self._hanging: dict[str, Held] = {}
        self._idle: list[Any] = []

    def names(self) -> list[str]:
        """Return the readers' names; none where there is no reader."""
        with _context() as context:
            return _names(context)

    def hold(self, name: str) -> Held:
        """Take the card in a reader; raises CardError."""
        before = self._hanging.pop(name, None)
        if before is not None and not before.ended:
            # A command of before hangs in the daemon, and whoever asked for this card would hang behind it.
            self._hanging[name] = before
            raise ReaderBusy
        _scard()
        held = self._hanging[name] = Held(name, _Channel(name, self._idle))
        return held

    def watch(self, seen: Seen, stopped: Callable[[], bool]) -> None:
        """Tell of each change until stopped."""
        told: object = None
        while not stopped():
            try:
                with _context() as context:
                    told = _watch(context, seen, stopped, told)
            except ReaderMissing:
                continue  # unplugged while it was asked about: what is left is told next
            except CardError as error:
                if type(error) is not told:
                    told = type(error)
                    seen(error)
                time.sleep(_POLL)


class _State(NamedTuple):
    """Of a reader: the card in it, and how often one went in or out."""

    atr: bytes | None
    events: int


def _watch(context: Any, seen: Seen, stopped: Callable[[], bool], told: object) -> object:
    scard = _scard()
    known: dict[str, int] = {}
    states: dict[str, _State] | None = told if isinstance(told, dict) else None
    while not stopped():
        names = _names(context)
        asked = [(name, known.get(name, scard.SCARD_STATE_UNAWARE)) for name in names]
        result, answers = scard.SCardGetStatusChange(context, round(_POLL * 1000), asked) if asked else (_TIMEOUT, [])
        if result & 0xFFFFFFFF != _TIMEOUT:
            _check(result)
        if not asked:
            time.sleep(_POLL)
        known = {name: event & ~scard.SCARD_STATE_CHANGED for name, event, _ in answers}
        now = {name: _state(scard, event, atr) for name, event, atr in answers}
        if now != states:
            _tell(seen, states or {}, now, first=states is None)
            states = now
    return states


def _state(scard: ModuleType, event: int, atr: list[int]) -> _State:
    there = event & scard.SCARD_STATE_PRESENT
    return _State((bytes(atr) if atr else MUTE) if there else None, event >> _COUNT_SHIFT & 0xFFFF)


def _tell(seen: Seen, before: Mapping[str, _State], now: Mapping[str, _State], *, first: bool) -> None:
    cards = {name: state.atr for name, state in now.items()}
    swapped = {
        name
        for name, state in now.items()
        if name in before and None not in {state.atr, before[name].atr} and state.events != before[name].events
    }
    if swapped:
        seen({name: None if name in swapped else atr for name, atr in cards.items()})
    if swapped or first or cards != {name: state.atr for name, state in before.items()}:
        seen(cards)


class _Channel:
    """One card through PC/SC, all calls from one thread.

    Its context comes from those that earlier cards left idle, and goes back there: making one has the daemon start a
    thread, which takes a third of a quick read. A context that saw an error is never used again.
    """

    def __init__(self, name: str, idle: list[Any]) -> None:
        self._name, self._idle = name, idle
        self._context: Any = None
        self._card: Any = None
        self._header: Any = None
        self._lost = False

    def connect(self) -> tuple[bytes, bool]:
        scard = _scard()
        either = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        asked = self._name, scard.SCARD_SHARE_EXCLUSIVE, either
        with suppress(IndexError):
            self._context = self._idle.pop()
            result, card, protocol = scard.SCardConnect(self._context, *asked)
            if _ERRORS.get(result & 0xFFFFFFFF) is ServiceDown:
                # The daemon that it belonged to is gone; there may be another.
                self._release()
        if self._context is None:
            result, self._context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
            _check(result)
            result, card, protocol = scard.SCardConnect(self._context, *asked)
        self._lost = bool(result)
        _check(result)
        self._card, self._header = card, protocol
        result, _, _, _, atr = scard.SCardStatus(card)
        _check(result)
        return bytes(atr), protocol == scard.SCARD_PROTOCOL_T0

    def transmit(self, command: bytes) -> bytes:
        self._lost = True
        result, answer = _scard().SCardTransmit(self._card, self._header, list(command))
        _check(result)
        if not answer:
            # No card answers without a status word: the driver lost it, and the daemon has not looked yet.
            raise CardRemoved
        self._lost = False
        return bytes(answer)

    def disconnect(self) -> None:
        scard = _scard()
        if self._card is not None:
            # A reset that fails has pcscd 1.9 take the reader for empty, and never see a card that comes at once.
            result = scard.SCardDisconnect(self._card, scard.SCARD_LEAVE_CARD if self._lost else scard.SCARD_RESET_CARD)
            self._card, self._lost = None, self._lost or bool(result)
        if self._context is not None and not self._lost:
            self._idle.append(self._context)
            self._context = None
        self._release()

    def _release(self) -> None:
        if self._context is not None:
            _scard().SCardReleaseContext(self._context)
            self._context = None
