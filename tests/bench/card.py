"""A whole proven read of a card under the real pcscd, beside the same commands sent bare through PC/SC.

Both take the card, say the same, and let it go. Our read may take 1.2 times as long: a ratio of 0.83 in reads a second.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from cardio.errors import CardError
from cardio.keys.software import sandbox_keys
from cardio.transport.pcsc import PcscReaders
from cardio.transport.virtual import VirtualReaders
from cardio.virtual.card import VirtualCard
from tests.cardio.acts import identify
from tests.cardio.pcscd import FIRST, NAMES, Pcscd, missing

ROUNDS = 5
READS = 150


class Recorded(VirtualCard):
    """A card that keeps what it was told; its challenges are always the same, so all of it may be said again."""

    def __init__(self) -> None:
        self.told: list[bytes] = []
        super().__init__(random=lambda count: b"\x5a" * count)

    def transmit(self, raw: bytes) -> bytes:
        """Note the command, and answer it."""
        self.told.append(raw)
        return super().transmit(raw)


def compare() -> tuple[list[float], list[float]] | None:
    """Return reads a second in each round, ours and bare; None, said in a line, where there is no pcscd."""
    why = missing()
    if why:
        print(why)  # noqa: T201 - the report
        return None
    place = Path(tempfile.mkdtemp(prefix="ecard-bench-pcscd-"))
    pcscd = Pcscd(place)
    os.environ["PCSCLITE_CSOCK_NAME"] = str(pcscd.address)
    try:
        return _measured(pcscd)
    finally:
        pcscd.close()
        shutil.rmtree(place, ignore_errors=True)


SERVES = """
from cardio.virtual.card import VirtualCard
from cardio.virtual.vpcd import connected, serve
serve(VirtualCard(random=lambda count: bytes([90]) * count), connected(port={port}))
"""
"""The card, in a process of its own; its challenges are always the same, so that all may be said again."""


def _measured(pcscd: Pcscd) -> tuple[list[float], list[float]]:
    commands = _commands()
    served = subprocess.Popen(pcscd.inside(sys.executable, "-c", SERVES.format(port=FIRST)))
    try:
        return _rounds(commands)
    finally:
        for one in psutil.Process(served.pid).children():
            one.terminate()
        served.wait(10)


def _commands() -> list[list[int]]:
    """Return what is said to a card in a whole read."""
    card, readers = Recorded(), VirtualReaders(NAMES[0])
    readers.insert(card)
    _ours(readers)
    return [list(one) for one in card.told]


def _rounds(commands: list[list[int]]) -> tuple[list[float], list[float]]:
    readers = PcscReaders()
    deadline = time.monotonic() + 10
    while True:
        try:
            _ours(readers)
            break
        except CardError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
    ours, bare = [], []
    for _ in range(ROUNDS):
        mine, other = _rates(lambda: _ours(readers), lambda: _bare(commands))
        ours.append(mine)
        bare.append(other)
    return ours, bare


def _rates(*reads: Callable[[], None]) -> list[float]:
    """Return reads a second of each, by turns and by the median: what else the machine does befalls both."""
    times: list[list[float]] = [[] for _ in reads]
    for _ in range(READS):
        for read, taken in zip(reads, times, strict=True):
            started = time.perf_counter()
            read()
            taken.append(time.perf_counter() - started)
    return [1 / statistics.median(taken) for taken in times]


KEYS = sandbox_keys()


def _ours(readers: PcscReaders | VirtualReaders) -> None:
    with readers.hold(NAMES[0]) as reader:
        identify(reader, KEYS)


def _bare(commands: list[list[int]]) -> None:
    from smartcard import scard  # noqa: PLC0415 - where there is a pcscd, there is pyscard

    _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    _, card, protocol = scard.SCardConnect(context, NAMES[0], scard.SCARD_SHARE_EXCLUSIVE, scard.SCARD_PROTOCOL_T1)
    for command in commands:
        result, answer = scard.SCardTransmit(card, protocol, command)
        assert result == 0
        assert answer[-2:] == [0x90, 0x00]
    scard.SCardDisconnect(card, scard.SCARD_RESET_CARD)
    scard.SCardReleaseContext(context)
