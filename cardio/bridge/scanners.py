"""Scanners that the bridge reads itself: serial ones, and keyboards that only this bridge hears.

A scanner that types into the page needs nothing of this. One that the bridge reads works whichever window is in
front, and its scans are told apart before anything sees them (`cardio.bridge.scans`). A keyboard scanner is read
from its event device, grabbed, so that a payment code is not typed into whatever has the focus.
"""

import asyncio
import contextlib
import os
import struct
import sys
from collections.abc import Callable, Iterator

from cardio.bridge.device import ScannerSettings
from cardio.bridge.errors import ScannerMissing

_AGAIN = 2.0
"""Seconds until a scanner that went away is looked for again."""
_LONGEST_LINE = 4096

# struct input_event of linux/input.h on 64-bit machines: seconds, microseconds, type, code, value.
EVENT = struct.Struct("llHHi")
_EV_KEY, _DOWN, _UP = 1, 1, 0
_EVIOCGRAB = 0x40044590
_SHIFTS = {42, 54}
_ENTERS = {28, 96}
# Key codes of linux/input-event-codes.h on the US layout, which scanners type by default; unshifted, shifted.
_ROWS = {2: ("1234567890-=", "!@#$%^&*()_+"), 16: ("qwertyuiop[]", "QWERTYUIOP{}")}
_ROWS |= {30: ("asdfghjkl;'`", 'ASDFGHJKL:"~'), 43: ("\\zxcvbnm,./", "|ZXCVBNM<>?"), 57: (" ", " ")}
_ROWS |= {71: ("789-456+1230.", "789-456+1230.")}
KEYS = {first + n: pair for first, row in _ROWS.items() for n, pair in enumerate(zip(*row, strict=True))}


class Lines:
    """Lines out of bytes, as they come; a line longer than any code is dropped whole."""

    def __init__(self) -> None:
        self._begun = b""
        self._dropping = False

    def feed(self, data: bytes) -> Iterator[str]:
        """Take bytes; yield each line that is complete, its end (CR, LF or both) and empty lines left out."""
        self._begun += data
        *whole, self._begun = self._begun.replace(b"\r", b"\n").split(b"\n")
        for line in whole:
            if 0 < len(line) <= _LONGEST_LINE and not self._dropping:
                yield line.decode("utf-8", "replace")
            self._dropping = False
        if len(self._begun) > _LONGEST_LINE:
            self._begun, self._dropping = b"", True


class Keyboard:
    """What a keyboard types, out of its events."""

    def __init__(self) -> None:
        self._begun = b""
        self._shifted = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take bytes of events, cut anywhere; yield what is typed."""
        self._begun += data
        whole = len(self._begun) // EVENT.size * EVENT.size
        events, self._begun = self._begun[:whole], self._begun[whole:]
        for _, _, kind, code, value in EVENT.iter_unpack(events):
            if kind == _EV_KEY and code in _SHIFTS:
                self._shifted = value != _UP
            elif kind == _EV_KEY and value == _DOWN:
                yield b"\n" if code in _ENTERS else KEYS.get(code, ("", ""))[self._shifted].encode()


async def watch(scanner: ScannerSettings, scanned: Callable[[str], None], missing: Callable[[], None]) -> None:
    """Read a scanner for ever, calling `scanned` with each line; `missing` once each time it is not there."""
    told = False
    while True:
        try:
            with _opened(scanner) as opened:
                told = False
                await _read(opened, scanner, scanned)
        except OSError:
            if not told:
                missing()
            told = True
        await asyncio.sleep(_AGAIN)


async def _read(opened: int, scanner: ScannerSettings, scanned: Callable[[str], None]) -> None:
    keyboard, lines = Keyboard() if scanner.kind == "keyboard" else None, Lines()
    while data := await _some(opened):
        for part in keyboard.feed(data) if keyboard else (data,):
            for line in lines.feed(part):
                scanned(line)


async def _some(opened: int) -> bytes:
    """Return the next bytes; b"" at the end."""
    if sys.platform == "win32":
        return await asyncio.to_thread(os.read, opened, _LONGEST_LINE)
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(opened, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(opened)
    return os.read(opened, _LONGEST_LINE)


@contextlib.contextmanager
def _opened(scanner: ScannerSettings) -> Iterator[int]:
    """Open the device; OSError where it is not there."""
    flags = os.O_RDONLY | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    opened = os.open(scanner.device, flags)
    try:
        if sys.platform != "win32":
            if scanner.kind == "serial":
                _set_serial(opened, scanner.baud)
            else:
                _grab(opened)
        yield opened
    finally:
        os.close(opened)


def _set_serial(opened: int, baud: int) -> None:
    """Have a tty give bytes as they come: 8 data bits, no parity, no echo, no line editing."""
    if sys.platform == "win32":
        return
    import termios  # noqa: PLC0415 - exists on POSIX alone
    import tty  # noqa: PLC0415 - as termios

    speed = getattr(termios, f"B{baud}", None)
    if speed is None:
        raise ScannerMissing
    tty.setraw(opened)
    settings = termios.tcgetattr(opened)
    settings[4] = settings[5] = speed
    termios.tcsetattr(opened, termios.TCSANOW, settings)


def _grab(opened: int) -> None:
    """Keep a keyboard's events from every other program (EVIOCGRAB)."""
    if sys.platform == "win32":
        return
    import fcntl  # noqa: PLC0415 - exists on POSIX alone

    # A pipe that gives events is no input device and has no other listeners.
    with contextlib.suppress(OSError):
        fcntl.ioctl(opened, _EVIOCGRAB, 1)
