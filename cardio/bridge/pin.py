"""The PIN, entered at the counter and nowhere else: on this PC's console, or by the program of a pinpad.

It goes from here to the card. It is in no frame, no log, no exception; what the backend learns is whether the
card took it and how many tries are left.
"""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from cardio.bridge.errors import PinCancelled
from cardio.errors import Text

DIGITS = 6
_POLL = 0.1
_CANCEL = {"\x03", "\x04", "\x1b"}
_ENTER = {"\r", "\n"}
_BACK = {"\x7f", "\x08"}


class Asked(NamedTuple):
    """What the holder is told with the question: which reader, the tries left (None where the card does not say)."""

    reader: str
    left: int | None
    wrong: bool = False
    """Whether an earlier try of this session was wrong."""

    def text(self) -> Text:
        """Return the question."""
        zh, en = [], []
        if self.wrong:
            zh, en = ["密码错误"], ["wrong PIN"]
        if self.left == 1:
            zh.append("只剩最后 1 次, 再错卡片将锁定")
            en.append("the last try: a wrong one locks the card")
        elif self.left is not None:
            zh.append(f"还可尝试 {self.left} 次")
            en.append(f"{self.left} tries left")
        zh.append("请持卡人输入 6 位社保卡密码, Esc 取消")
        en.append("the holder enters the card's PIN, Esc cancels")
        return Text("; ".join(zh), "; ".join(en))


class PinPad(Protocol):
    """Where a holder enters a PIN: the console, or a pinpad's program."""

    async def ask(self, asked: Asked) -> str:
        """Return the six digits; raises PinCancelled. With one try left it asks to confirm first."""
        ...


class ConsolePad:
    """The console of this PC: digits are not echoed, stars are."""

    async def ask(self, asked: Asked) -> str:
        """Return the six digits; raises PinCancelled."""
        over = threading.Event()
        try:
            return await asyncio.to_thread(self._ask, asked, over)
        finally:
            # Where the card was taken out meanwhile, the thread must not take keys that are meant for others.
            over.set()

    def _ask(self, asked: Asked, over: threading.Event) -> str:
        if not sys.stdin.isatty():
            raise PinCancelled
        with _unechoed():
            text = asked.text()
            _write(f"\n{text.zh}\n{text.en}\n")
            if asked.left == 1:
                _write("确认继续请按 y · press y to go on: ")
                if next(_keys(over), "") not in {"y", "Y"}:
                    raise PinCancelled
                _write("y\n")
            return self._digits(over)

    @staticmethod
    def _digits(over: threading.Event) -> str:
        typed = ""
        _write("PIN: ")
        for key in _keys(over):
            if key in _CANCEL:
                break
            if key in _ENTER and len(typed) == DIGITS:
                _write("\n")
                return typed
            if key in _BACK and typed:
                typed = typed[:-1]
                _write("\b \b")
            elif key.isascii() and key.isdecimal() and len(typed) < DIGITS:
                typed += key
                _write("*")
        _write("\n")
        raise PinCancelled


class ProgramPad:
    """A pinpad's program: it is told the reader and the tries left, and prints the six digits or ends with 1."""

    def __init__(self, command: list[str]) -> None:
        self._command = command

    async def ask(self, asked: Asked) -> str:
        """Return the six digits; raises PinCancelled."""
        told = {"ECARD_READER": asked.reader, "ECARD_TRIES_LEFT": "" if asked.left is None else str(asked.left)}
        program = await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, env={**os.environ, **told}
        )
        try:
            printed, _ = await program.communicate()
        finally:
            if program.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    program.kill()
        digits = printed.decode("ascii", "replace").strip()
        if program.returncode != 0 or not (digits.isascii() and digits.isdecimal() and len(digits) == DIGITS):
            raise PinCancelled
        return digits


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


@contextlib.contextmanager
def _unechoed() -> Iterator[None]:
    """Have the console give keys as they come, unseen; keys typed before the question do not count."""
    if sys.platform == "win32":
        yield
        return
    import termios  # noqa: PLC0415 - exists on POSIX alone
    import tty  # noqa: PLC0415 - as termios

    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin, termios.TCSAFLUSH)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _keys(over: threading.Event) -> Iterator[str]:
    """Yield keys until the question is over or the console ends."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - exists there alone

        while not over.wait(_POLL):
            while msvcrt.kbhit():
                yield msvcrt.getwch()
        return
    import select  # noqa: PLC0415 - of no use on Windows' console

    while not over.is_set():
        ready, _, _ = select.select([sys.stdin], [], [], _POLL)
        if ready:
            key = os.read(sys.stdin.fileno(), 1)
            if not key:
                return
            yield key.decode("latin-1")
