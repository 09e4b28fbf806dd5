"""The real daemon: restarted, killed, readers plugged in and gone, held by somebody else, and used for long."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Self

import psutil
import pytest

from cardio import reading
from cardio.errors import CardError, CardRemoved, ReaderBusy, ReaderMissing, ServiceDown
from cardio.script import run
from cardio.transport.pcsc import PcscReaders
from cardio.virtual.card import VirtualCard
from cardio.virtual.data import CardData
from cardio.virtual.vpcd import Inserted, connected
from tests.cardio.acts import identify
from tests.cardio.conftest import Daemon
from tests.cardio.pcscd import FIRST, NAMES, SECOND, Pcscd

CYCLES = 1000
Seen = Mapping[str, bytes | None] | CardError


class Watch:
    """What a watch has told so far."""

    def __init__(self) -> None:
        self.told: list[Seen] = []
        self._changed = threading.Condition()
        self._stop = False
        self._thread = threading.Thread(target=PcscReaders().watch, args=(self._hear, lambda: self._stop))

    def _hear(self, seen: Seen) -> None:
        with self._changed:
            self.told.append(seen)
            self._changed.notify_all()

    def until(self, what: Callable[[Seen], bool], seconds: float = 10) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: bool(self.told) and what(self.told[-1]), seconds), self.told[-1:]

    def until_in(self, name: str, atr: bytes | None) -> None:
        self.until(lambda seen: not isinstance(seen, CardError) and name in seen and seen[name] == atr)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop = True
        self._thread.join(5)
        assert not self._thread.is_alive()


def test_a_watch_tells_cards_in_and_out_of_several_readers(daemon: Daemon) -> None:
    first, second = VirtualCard(CardData(serial=1)), VirtualCard(CardData(serial=2), t0=True)
    with Watch() as watch:
        watch.until(lambda seen: seen == dict.fromkeys(daemon.readers.names()))
        daemon.insert(first, 0)
        watch.until_in(NAMES[0], first.atr)
        daemon.insert(second, 1)
        watch.until_in(NAMES[1], second.atr)
        daemon.remove(0)
        watch.until_in(NAMES[0], None)
        watch.until_in(NAMES[1], second.atr)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_of_the_daemon_is_survived(daemon: Daemon, how: signal.Signals) -> None:
    card = VirtualCard()
    daemon.insert(card)
    with Watch() as watch:
        watch.until_in(NAMES[0], card.atr)
        reader = daemon.hold()
        daemon.pcscd.stop(how)
        with pytest.raises((ServiceDown, CardRemoved)):
            identify(reader)
        reader.close()
        assert reader.ended
        watch.until(lambda seen: isinstance(seen, ServiceDown))
        with pytest.raises(ServiceDown):
            daemon.hold()
        with pytest.raises(ServiceDown):
            daemon.readers.names()
        daemon.pcscd.start()
        watch.until_in(NAMES[0], None)
        daemon.insert(card)
        watch.until_in(NAMES[0], card.atr)
    with daemon.hold() as reader:
        assert identify(reader)


def test_a_reader_goes_while_its_card_is_used_and_is_plugged_in_again(daemon: Daemon) -> None:
    """A reader that is declared in the daemon's configuration goes and comes with its restart."""
    daemon.insert(VirtualCard(), 1)
    with Watch() as watch:
        watch.until(lambda seen: not isinstance(seen, CardError) and NAMES[1] in seen)
        reader = daemon.hold(1)
        daemon.pcscd.unplug("Counter B")
        daemon.pcscd.stop()
        daemon.pcscd.start()
        watch.until(lambda seen: not isinstance(seen, CardError) and NAMES[1] not in seen)
        with pytest.raises((ServiceDown, ReaderMissing, CardRemoved)):
            identify(reader)
        assert reader.ended
        with pytest.raises(ReaderMissing):
            daemon.hold(1)
        daemon.pcscd.plug("Counter B", SECOND)
        daemon.pcscd.stop()
        daemon.pcscd.start()
        watch.until(lambda seen: not isinstance(seen, CardError) and NAMES[1] in seen)
    daemon.insert(VirtualCard(), 1)
    with daemon.hold(1) as reader:
        assert identify(reader)


HOLDS = """
import sys
from cardio.transport.pcsc import PcscReaders
with PcscReaders().hold(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_reader_that_another_process_holds_is_busy(daemon: Daemon) -> None:
    daemon.insert(VirtualCard())
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, NAMES[0]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(ReaderBusy):
            daemon.hold()
        other.stdin.close()
        assert other.wait(10) == 0
    with daemon.hold() as reader:
        assert identify(reader)


def test_a_card_of_the_command_line_is_read_until_it_is_interrupted(daemon: Daemon) -> None:
    command = daemon.pcscd.inside(
        sys.executable, "-m", "cardio.virtual", "--port", str(FIRST), "--name", "测试乙", "--protocol", "T0"
    )
    with Watch() as watch, subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as card:
        assert card.stdout is not None
        assert "已插卡 · inserted" in card.stdout.readline()
        watch.until(lambda seen: not isinstance(seen, CardError) and bool(seen.get(NAMES[0])))
        with daemon.hold() as reader:
            assert identify(reader)[1].name == "测试乙"
        for child in psutil.Process(card.pid).children():
            child.send_signal(signal.SIGINT)
        assert card.wait(10) == 0
        watch.until_in(NAMES[0], None)


MORE = tuple("CDEFGH")
"""Six more readers of two slots each: sixteen slots, as many as the daemon takes."""


@contextlib.contextmanager
def many_slots(pcscd: Pcscd, watch: Watch) -> Iterator[list[tuple[str, int]]]:
    """Yield the names and ports of sixteen slots."""
    ports = {"A": FIRST, "B": SECOND} | {letter: SECOND + 10 * at for at, letter in enumerate(MORE, 1)}
    for letter in MORE:
        pcscd.plug(f"Counter {letter}", ports[letter])
    pcscd.stop()
    pcscd.start()
    slots = [(f"Counter {letter} 00 0{n}", port + n) for letter, port in ports.items() for n in (0, 1)]
    watch.until(lambda seen: not isinstance(seen, CardError) and all(name in seen for name, _ in slots))
    yield slots
    for letter in MORE:
        pcscd.unplug(f"Counter {letter}")
    pcscd.stop()
    pcscd.start()


def held(process: psutil.Process) -> tuple[int, int, float]:
    """Return a process's open files, threads, and memory in MB."""
    return process.num_fds(), process.num_threads(), process.memory_info().rss / 2**20


def test_a_thousand_cards_in_and_out_leave_no_handle_and_no_memory(daemon: Daemon) -> None:
    """In sixteen slots at once: the daemon looks for a card every 0.4 s, which twice a cycle is most of its time."""
    ours = psutil.Process(os.getpid())
    read: list[str] = []
    with Watch() as watch, many_slots(daemon.pcscd, watch) as slots:
        theirs = daemon.pcscd.process()

        def cycles(name: str, port: int, count: int) -> None:
            for at in range(count):
                card = VirtualCard(CardData(serial=port + at), t0=bool(at % 2))
                inserted: Inserted = daemon.pcscd.insert(card, port)
                watch.until_in(name, card.atr)
                with daemon.readers.hold(name) as reader:
                    read.append(run(reading.recognise(), reader).card_id.hex() + identify(reader)[1].name)
                inserted.remove()
                watch.until_in(name, None)

        def all_slots(count: int) -> None:
            threads = [threading.Thread(target=cycles, args=(*slot, count)) for slot in slots]
            for one in threads:
                one.start()
            for one in threads:
                one.join(400)

        all_slots(5)
        before = held(ours), held(theirs)
        all_slots(-(-CYCLES // len(slots)))
        after = held(ours), held(theirs)
    assert len(read) >= CYCLES + 5 * len(slots)
    for (files, threads, memory), (files_now, threads_now, memory_now) in zip(before, after, strict=True):
        assert files_now <= files
        assert threads_now <= threads
        assert memory_now - memory < 8


def test_nothing_of_the_daemon_is_reachable_from_outside(pcscd: Pcscd) -> None:
    ports = {FIRST, FIRST + 1, SECOND, SECOND + 1}
    assert not ports & {one.laddr.port for one in psutil.net_connections("tcp") if one.laddr}
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            connected(port=port, patience=0)
    pcscd.connect().close()
