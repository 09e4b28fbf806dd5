"""The PIN: asked at the counter, sent to the card alone, and never without saying how many tries are left."""

import asyncio
import contextlib
import logging
import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cardio.bridge import messages
from cardio.bridge.errors import PinCancelled
from cardio.bridge.pin import Asked, ProgramPad
from tests.cardio.bridge.desk import SELECT, Desk, NotedCard

PIN = "246810"


def ask(desk: Desk, *entered: str, n: int = 2) -> messages.PinEntered:
    """Have the holder enter something; return what the backend is told."""
    desk.pad.ready.extend(entered)
    session = desk.peer.open("identify_pin")
    desk.peer.ask(session, SELECT)
    desk.peer.send(messages.AskPin(session=session, n=n))
    answer = desk.peer.hear(messages.PinEntered)
    assert (answer.session, answer.n) == (session, n)
    desk.peer.send(messages.Close(session=session))
    return answer


def test_the_card_is_asked_how_many_tries_are_left_before_the_holder_is(card: NotedCard, running: Desk) -> None:
    card.left = 3
    assert ask(running, PIN).verified
    assert [one.left for one in running.pad.asked] == [3]
    assert (card.noted[:2], card.noted[-1]) == ([SELECT, "00200000"], f"0020000003{PIN}")


@pytest.mark.usefixtures("card")
def test_a_wrong_pin_is_told_with_the_tries_left_and_the_session_goes_on(running: Desk) -> None:
    running.pad.ready.extend(["135791", PIN])
    session = running.peer.open("identify_pin")
    running.peer.ask(session, SELECT)
    for n, expected in ((1, (False, 5)), (2, (True, None))):
        running.peer.send(messages.AskPin(session=session, n=n))
        answer = running.peer.hear(messages.PinEntered)
        assert (answer.verified, answer.left) == expected
    assert [(one.left, one.wrong) for one in running.pad.asked] == [(6, False), (5, True)]


def test_with_one_try_left_the_question_says_so_in_both_languages() -> None:
    last = Asked("r", 1).text()
    assert ("最后 1 次" in last.zh, "last try" in last.en) == (True, True)
    assert "3" in Asked("r", 3).text().zh


def test_a_locked_pin_is_not_asked_for(card: NotedCard, running: Desk) -> None:
    card.left = 0
    session = running.peer.open("identify_pin")
    running.peer.send(messages.Apdus(session=session, n=1, commands=[SELECT]))
    running.peer.send(messages.AskPin(session=session, n=2))
    assert running.peer.refused(session) == "pin_locked"
    assert running.pad.asked == []


def test_the_last_wrong_try_locks_and_is_told_as_locked(card: NotedCard, running: Desk) -> None:
    card.left = 1
    running.pad.ready.append("000000")
    session = running.peer.open("identify_pin")
    running.peer.send(messages.AskPin(session=session, n=2))
    assert running.peer.refused(session) == "pin_locked"


def test_a_holder_who_cancels_ends_the_session_and_spends_no_try(card: NotedCard, running: Desk) -> None:
    session = running.peer.open("identify_pin")
    running.peer.send(messages.AskPin(session=session, n=2))
    assert running.peer.refused(session) == "pin_cancelled"
    assert card.left == 6


@pytest.mark.usefixtures("card")
def test_a_card_that_is_taken_out_takes_the_question_away(running: Desk) -> None:
    running.pad.waits = True
    session = running.peer.open("identify_pin")
    running.peer.send(messages.AskPin(session=session, n=2))
    while not running.pad.asked:
        time.sleep(0.01)
    running.tray.put(None)
    assert running.peer.refused(session) == "card_removed"


def test_a_policy_without_pin_asks_for_none(card: NotedCard, running: Desk) -> None:
    session = running.peer.open("identify")
    running.peer.send(messages.AskPin(session=session, n=2))
    assert running.peer.refused(session) == "not_allowed"
    assert (running.pad.asked, card.noted) == ([], [])


def test_the_pin_is_in_no_frame_no_log_and_not_on_the_screen(
    card: NotedCard, running: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ask(running, PIN)
    ask(running, "135791")
    said = caplog.text + running.shown.getvalue() + str(list(running.peer.heard.queue))
    assert f"0020000003{PIN}" in card.noted
    assert not any(pin in said for pin in (PIN, "135791"))


def test_a_pinpads_program_is_told_the_tries_and_its_digits_are_taken(tmp_path: Path) -> None:
    program = tmp_path / "pinpad"
    program.write_text('#!/bin/sh\n[ "$ECARD_TRIES_LEFT" = 3 ] && echo 246810\n')
    program.chmod(0o700)
    pad = ProgramPad([str(program)])
    assert asyncio.run(pad.ask(Asked("r", 3))) == PIN
    with pytest.raises(PinCancelled):
        asyncio.run(pad.ask(Asked("r", 2)))
    with pytest.raises(PinCancelled):
        asyncio.run(ProgramPad(["echo", "12345"]).ask(Asked("r", 3)))


CONSOLE = """
import asyncio, sys
from cardio.bridge.errors import PinCancelled
from cardio.bridge.pin import Asked, ConsolePad
try:
    digits = asyncio.run(ConsolePad().ask(Asked("r", int(sys.argv[1]))))
except PinCancelled:
    digits = "cancelled"
open(sys.argv[2], "w").write(digits)
"""


class Terminal:
    """The bridge's console, at which a test types."""

    def __init__(self, left: int, written: Path) -> None:
        self.master, slave = pty.openpty()
        arguments = [sys.executable, "-c", CONSOLE, str(left), str(written)]
        self.process = subprocess.Popen(arguments, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        self.shown = b""

    def see(self, words: str) -> None:
        """Wait until the words are shown."""
        while words.encode() not in self.shown:
            self.shown += os.read(self.master, 1000)

    def type(self, keys: str) -> None:
        """Type keys."""
        os.write(self.master, keys.encode())


@contextlib.contextmanager
def console(left: int, written: Path) -> Iterator[Terminal]:
    """Ask for a PIN on a console of its own."""
    opened = Terminal(left, written)
    try:
        yield opened
        assert opened.process.wait(5) == 0
        with contextlib.suppress(OSError):
            while more := os.read(opened.master, 1000):
                opened.shown += more
    finally:
        opened.process.kill()
        opened.process.wait()
        os.close(opened.master)


def test_the_console_shows_stars_and_the_tries_left(tmp_path: Path) -> None:
    with console(5, tmp_path / "digits") as terminal:
        terminal.see("PIN: ")
        terminal.type("24x69\x7f\x7f6810\r")
    assert (tmp_path / "digits").read_text() == PIN
    shown = terminal.shown.decode()
    assert "还可尝试 5 次" in shown
    assert "5 tries left" in shown
    assert not any(digit in shown.partition("PIN: ")[2] for digit in PIN)


def test_the_console_asks_to_confirm_the_last_try(tmp_path: Path) -> None:
    with console(1, tmp_path / "digits") as terminal:
        terminal.see("press y")
        assert "最后 1 次" in terminal.shown.decode()
        terminal.type("n")
    assert (tmp_path / "digits").read_text() == "cancelled"
    with console(1, tmp_path / "digits") as terminal:
        terminal.see("press y")
        terminal.type("y")
        terminal.see("PIN: ")
        terminal.type("246810\n")
    assert (tmp_path / "digits").read_text() == PIN


def test_escape_cancels_at_the_console(tmp_path: Path) -> None:
    with console(6, tmp_path / "digits") as terminal:
        terminal.see("PIN: ")
        terminal.type("246\x1b")
    assert (tmp_path / "digits").read_text() == "cancelled"
