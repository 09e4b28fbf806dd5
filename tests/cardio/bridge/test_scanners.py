"""Serial and keyboard scanners, read as the devices give them."""

import asyncio
import os
import pty
import termios
import threading
import time
import tty
from collections.abc import Callable
from pathlib import Path

import pytest

from cardio.bridge.agent import SCANS
from cardio.bridge.device import ScannerSettings
from cardio.bridge.link import Link
from cardio.bridge.scanners import EVENT, KEYS, watch
from cardio.bridge.scans import Scan
from tests.cardio.bridge.desk import Desk, Tray, enrolled

CODE = "EC1:%69 VD92EX0/*$."


def scanned(scanner: ScannerSettings, scan: Callable[[], None], count: int) -> tuple[list[str], int]:
    """Return the lines that a scanner gives while `scan` goes on in a thread, and how often it was missing."""
    lines, missing = list[str](), list[int]()

    async def listen() -> None:
        enough = asyncio.Event()

        def take(line: str) -> None:
            lines.append(line)
            if len(lines) == count:
                enough.set()

        watching = asyncio.create_task(watch(scanner, take, lambda: missing.append(1)))
        thread = threading.Thread(target=scan)
        thread.start()
        async with asyncio.timeout(10):
            await enough.wait()
        watching.cancel()
        await asyncio.to_thread(thread.join)

    asyncio.run(listen())
    return lines, len(missing)


def test_a_serial_scanner_gives_lines_whatever_ends_them_and_however_they_are_cut() -> None:
    master, slave = pty.openpty()
    tty.setraw(master)

    def scan() -> None:
        # What came before the port was set up is dropped: an old scan is nobody's.
        while termios.tcgetattr(slave)[4] != termios.B9600:
            time.sleep(0.01)
        for part in (CODE[:5], CODE[5:] + "\r", "\r\n9123\n", "x" * 5000, "tail\r", "last\r"):
            os.write(master, part.encode())

    lines, _ = scanned(ScannerSettings(kind="serial", device=os.ttyname(slave)), scan, 3)
    assert lines == [CODE, "9123", "last"]
    os.close(master)
    os.close(slave)


def events(text: str) -> bytes:
    """Return what an event device gives while a scanner types: key down, key up, and a mark after each."""
    codes = {char: (code, shifted) for code, pair in KEYS.items() for shifted, char in enumerate(pair)}
    typed = b""
    for char in text:
        code, shifted = (28, 0) if char == "\n" else codes[char]
        keys = [(42, 1), (code, 1), (code, 0), (42, 0)] if shifted else [(code, 1), (code, 0)]
        typed += b"".join(EVENT.pack(0, 0, 1, *key) + EVENT.pack(0, 0, 0, 0, 0) for key in keys)
    return typed


def test_a_keyboard_scanner_is_read_from_its_events_with_shift_and_in_pieces(tmp_path: Path) -> None:
    device = tmp_path / "event7"
    os.mkfifo(device)

    def scan() -> None:
        with device.open("wb", buffering=0) as typed:
            data = events(f"{CODE}\n") + events("9123\n")
            for start in range(0, len(data), 37):
                typed.write(data[start : start + 37])

    lines, _ = scanned(ScannerSettings(kind="keyboard", device=str(device)), scan, 2)
    assert lines == [CODE, "9123"]


def test_a_scanner_that_is_not_there_is_said_once_and_read_when_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cardio.bridge.scanners._AGAIN", 0.02)
    device = tmp_path / "ttyACM0"

    def plug() -> None:
        threading.Event().wait(0.1)
        os.mkfifo(device)
        with device.open("wb", buffering=0) as typed:
            typed.write(events("9123\n"))

    lines, missing = scanned(ScannerSettings(kind="keyboard", device=str(device)), plug, 1)
    assert (lines, missing) == (["9123"], 1)


def test_what_is_scanned_while_nobody_takes_it_is_bounded_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, taken, hangs = tmp_path / "event0", list[str](), threading.Event()
    os.mkfifo(device)
    desk = Desk(enrolled(tmp_path), lambda: "http://127.0.0.1:9", Tray())

    async def hanging(_: Link, scan: Scan) -> None:
        taken.append(scan.kind)
        await asyncio.to_thread(hangs.wait, 10)

    monkeypatch.setattr(Link, "scanned", hanging)
    with desk.running(scanners=[ScannerSettings(kind="keyboard", device=str(device))]):
        try:
            with device.open("wb", buffering=0) as typed:
                for _ in range(3 * SCANS):
                    typed.write(events("9123\n"))
                desk.sees("扫码过快")
        finally:
            hangs.set()
        deadline = time.monotonic() + 10
        while len(taken) < SCANS and time.monotonic() < deadline:
            time.sleep(0.01)
    assert SCANS <= len(taken) < 3 * SCANS
