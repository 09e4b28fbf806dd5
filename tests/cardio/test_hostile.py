"""Broken cards, hostile cards and hurried holders: a named error within two seconds, and the reader is free again."""

import threading
import time
from collections.abc import Iterator

import pytest

from cardio import reading
from cardio.errors import (
    BadAnswer,
    CardError,
    CardMute,
    CardRemoved,
    KeyMissing,
    KeyServiceDown,
    NotAllowed,
    NotAuthentic,
    ReaderBusy,
    TimedOut,
)
from cardio.keys.hsm import Hsm, serve
from cardio.keys.model import KeyModule
from cardio.keys.psam import Psam
from cardio.keys.software import SoftwareKeys, sandbox_keys
from cardio.script import run
from cardio.transport.reader import LIMIT, Reader
from cardio.virtual.card import VirtualCard
from cardio.virtual.faults import Fault, Faults, Kind
from cardio.virtual.psam import VirtualPsam
from tests.cardio.acts import identify
from tests.cardio.conftest import Daemon, Desk, InProcess, held_again


def whole(reader: Reader) -> str:
    """Read everything that a counter reads."""
    _, holder = identify(reader)
    run(reading.verify_pin("123456"), reader)
    return holder.name + run(reading.pan(), reader)


def card_with(kind: Kind, at: int, *, t0: bool = True, stays: bool = False) -> VirtualCard:
    card = VirtualCard(t0=t0)
    card.faults = Faults(Fault(kind, at, stays))
    return card


def length_of_a_read(*, t0: bool) -> int:
    desk, card = InProcess(), VirtualCard(t0=t0)
    desk.insert(card)
    with desk.hold() as reader:
        whole(reader)
        return card.commands


def faults() -> Iterator[tuple[bool, int]]:
    for t0 in (True, False):
        for at in range(1, length_of_a_read(t0=t0) + 1):
            yield t0, at


@pytest.mark.parametrize("kind", [Kind.REMOVED, Kind.ANSWER_LOST])
def test_a_card_taken_out_at_any_command_is_said_to_be(kind: Kind) -> None:
    for t0, at in faults():
        desk = InProcess()
        desk.insert(card_with(kind, at, t0=t0))
        with desk.hold() as reader, pytest.raises(CardRemoved):
            whole(reader)
        assert reader.ended
        desk.insert(VirtualCard(t0=t0))
        with desk.hold() as reader:
            assert whole(reader)


def test_a_card_taken_out_of_a_real_reader_at_any_command_is_said_to_be(daemon: Daemon) -> None:
    """In two readers by turns: while one card is used, the daemon finds the other."""
    steps = range(1, length_of_a_read(t0=True) + 1)
    for pair in zip(steps[::2], [*steps[1::2], 1], strict=False):
        cards = [card_with(Kind.REMOVED, at) for at in pair]
        daemon.insert_all(cards)
        for at, card in enumerate(cards):
            started = time.monotonic()
            with daemon.hold(at) as reader, pytest.raises(CardRemoved):
                whole(reader)
            assert time.monotonic() - started < LIMIT
            assert reader.ended
            assert card.commands == pair[at]
    daemon.insert(VirtualCard(), 0)
    with daemon.hold(0) as reader:
        assert whole(reader)


@pytest.mark.parametrize("kind", [Kind.EMPTY, Kind.SHORT, Kind.OVERSIZED, Kind.GARBAGE, Kind.ENDLESS])
def test_nonsense_at_any_command_is_a_named_error_or_changes_nothing(kind: Kind) -> None:
    refused = 0
    for t0, at in faults():
        desk = InProcess()
        desk.insert(card_with(kind, at, t0=t0))
        with desk.hold() as reader:
            try:
                assert whole(reader)
            except (BadAnswer, CardError):
                refused += 1
        desk.insert(VirtualCard(t0=t0))
        with desk.hold() as reader:
            assert whole(reader)
    assert refused


@pytest.mark.parametrize("kind", [Kind.EMPTY, Kind.SHORT, Kind.OVERSIZED, Kind.GARBAGE, Kind.ENDLESS])
def test_a_card_that_never_makes_sense_is_a_named_error(desk: Desk, kind: Kind) -> None:
    card = card_with(kind, 2, t0=False, stays=True)
    desk.insert(card)
    started = time.monotonic()
    with desk.hold() as reader, pytest.raises(CardError) as said:
        whole(reader)
    assert type(said.value) is not CardError
    assert time.monotonic() - started < LIMIT + 0.5
    card.faults = Faults()
    desk.insert(VirtualCard())
    with held_again(desk) as reader:
        assert whole(reader)


def test_a_card_that_hangs_times_out_and_its_reader_is_busy_until_it_is_taken_out(desk: Desk) -> None:
    card = card_with(Kind.HANGS, 5, t0=False)
    desk.insert(card)
    started = time.monotonic()
    reader = desk.hold()
    with pytest.raises(TimedOut):
        whole(reader)
    assert LIMIT <= time.monotonic() - started < LIMIT + 0.5
    with pytest.raises(TimedOut):
        run(reading.recognise(), reader)
    started = time.monotonic()
    with pytest.raises(ReaderBusy):
        desk.hold()
    reader.close()
    assert time.monotonic() - started < LIMIT + 0.5
    card.faults.let_go()
    desk.insert(VirtualCard())
    with held_again(desk) as again:
        assert whole(again)


def test_less_than_a_command_never_reaches_a_reader(desk: Desk) -> None:
    """One byte is an order to vpcd: 0 blocks for ever, 4 is answered with the ATR as if a card had said it."""
    card = VirtualCard()
    desk.insert(card)
    with desk.hold() as reader:
        for raw in (b"", b"\x00", b"\x04", b"\x00\xa4\x04", b"\x00\xa4\x04\x00\x05abc"):
            with pytest.raises(NotAllowed):
                reader.transmit(raw)
        assert card.commands == 0
        assert whole(reader)


def test_a_mute_card_is_said_to_be_mute() -> None:
    desk, card = InProcess(), VirtualCard()
    card.atr = b""
    desk.insert(card)
    with pytest.raises(CardMute):
        desk.hold()


def test_a_card_is_held_by_one_at_a_time(desk: Desk) -> None:
    desk.insert(VirtualCard())
    with desk.hold() as reader:
        with pytest.raises(ReaderBusy):
            desk.hold()
        assert whole(reader)
    with desk.hold() as reader:
        assert whole(reader)


def test_two_readers_are_used_at_once(desk: Desk) -> None:
    desk.insert(VirtualCard(t0=True), 0)
    desk.insert(VirtualCard(t0=False), 1)
    read: list[str] = []

    def use(at: int) -> None:
        for _ in range(5):
            with desk.hold(at) as reader:
                read.append(whole(reader))

    threads = [threading.Thread(target=use, args=(at,)) for at in (0, 1)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(20)
    assert len(read) == 10


def key_modules(desk: Desk) -> Iterator[KeyModule]:
    yield sandbox_keys()
    yield Hsm(lambda line: serve(line, sandbox_keys()))
    for t0 in (True, False):
        desk.insert(VirtualPsam(t0=t0), 1)
        with desk.hold(1) as slot:
            yield Psam(slot)


@pytest.mark.parametrize("version", ["2.00", "3.00"])
def test_every_key_module_knows_the_card_from_its_copy(desk: Desk, version: str) -> None:
    genuine = VirtualCard(version=version)
    for keys in key_modules(desk):
        desk.insert(genuine, 0)
        with desk.hold() as reader:
            assert identify(reader, keys)[1].name == genuine.data.name
    desk.insert(genuine.copy_of_files(), 0)
    for keys in key_modules(desk):
        with desk.hold() as reader, pytest.raises(NotAuthentic):
            identify(reader, keys)


def test_a_key_module_without_the_key_says_so_and_one_that_fails_says_that() -> None:
    desk = InProcess()
    desk.insert(VirtualCard(), 0)
    desk.insert(VirtualPsam(masters={}), 1)

    def silent(_: str) -> str:
        raise TimeoutError

    for keys, expected in (
        (SoftwareKeys({}), KeyMissing),
        (Hsm(lambda line: serve(line, SoftwareKeys({}))), KeyMissing),
        (Psam(desk.hold(1)), KeyMissing),
        (Hsm(silent), KeyServiceDown),
        (Hsm(lambda _: "00|00|"), KeyServiceDown),
        (Hsm(lambda _: "what"), KeyServiceDown),
    ):
        with desk.hold(0) as reader, pytest.raises(expected):
            identify(reader, keys)
    removed = InProcess()
    removed.insert(VirtualPsam())
    psam = Psam(removed.hold())
    removed.remove()
    with desk.hold(0) as reader, pytest.raises(KeyServiceDown):
        identify(reader, psam)
