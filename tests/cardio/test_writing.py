"""What A1-04 and A2-52 write is on the card afterwards, whole, whatever tears it on the way."""

import contextlib
from collections.abc import Mapping

import pytest

from cardio import reading, writing
from cardio.commands.iso import Dialect
from cardio.errors import CardRemoved, Refused, ValueUnfit, WriteUndone
from cardio.files.tables import CERTIFICATE, SETTLEMENTS
from cardio.keys.model import READ_DF02, READ_DF04, UPDATE_DF02, UPDATE_DF04
from cardio.script import run
from cardio.virtual.card import VirtualCard
from cardio.virtual.faults import Fault, Faults, Kind
from cardio.writing import Mended, Written
from tests.cardio.acts import IDS, KINDS, opened
from tests.cardio.conftest import Desk, InProcess

FIRST = {"certificate_no": "11990020260001", "issuing_area": "119900", "issued_on": "20260105", "status": "3"}
SECOND = {"status": "1", "employer": "测试厂", "registered_on": "20260301"}
SETTLEMENT = dict(SETTLEMENTS.vectors[0][1])
BLANK = {one.name: "" for one in CERTIFICATE}


def write(desk: Desk, values: Mapping[str, str]) -> Written:
    with desk.hold() as reader:
        seen = run(reading.recognise(), reader)
        return run(writing.write_certificate(seen, values, opened(reader, seen, UPDATE_DF02)), reader)


def read(desk: Desk) -> writing.Certificate:
    with desk.hold() as reader:
        seen = run(reading.recognise(), reader)
        return run(writing.read_certificate(seen, opened(reader, seen, READ_DF02)), reader)


def settle(desk: Desk, values: Mapping[str, str]) -> Written:
    with desk.hold() as reader:
        seen = run(reading.recognise(), reader)
        return run(writing.write_settlement(seen, values, opened(reader, seen, UPDATE_DF04)), reader)


def newest(desk: Desk) -> writing.Newest:
    with desk.hold() as reader:
        seen = run(reading.recognise(), reader)
        return run(writing.read_settlement(seen, opened(reader, seen, READ_DF04)), reader)


@pytest.mark.parametrize(("version", "dialect", "t0"), KINDS, ids=IDS)
def test_each_kind_of_card_is_written_and_read_back(desk: Desk, version: str, dialect: Dialect, *, t0: bool) -> None:
    card = VirtualCard(version=version, dialect=dialect, t0=t0)
    desk.insert(card)
    assert write(desk, FIRST) == (True, Mended.NOTHING)
    assert write(desk, SECOND) == (True, Mended.NOTHING)
    assert write(desk, SECOND) == (False, Mended.NOTHING)
    assert read(desk) == ({**BLANK, **FIRST, **SECOND}, False)
    assert settle(desk, SETTLEMENT) == (True, Mended.NOTHING)
    assert settle(desk, SETTLEMENT) == (False, Mended.NOTHING)
    assert settle(desk, {**SETTLEMENT, "serial": "S2"}).changed
    assert newest(desk).values == {**SETTLEMENT, "serial": "S2"}
    assert [SETTLEMENTS.decode(one[2:-4])["serial"] for one in card.storage.cycle[:2]] == ["S2", "S1"]


def torn_card(written: VirtualCard, fault: Fault) -> tuple[InProcess, VirtualCard]:
    """Return a desk with a card as `written` is, on which something goes wrong."""
    desk, card = InProcess(), VirtualCard()
    card.storage = written.storage.copy()
    card.faults = Faults(fault)
    desk.insert(card)
    return desk, card


def written_once() -> VirtualCard:
    desk, card = InProcess(), VirtualCard()
    desk.insert(card)
    write(desk, FIRST)
    return card


TEARS = (Kind.TORN, Kind.REMOVED, Kind.ANSWER_LOST)
LONGEST = 70
"""More commands than any of these acts takes."""


@pytest.mark.parametrize("kind", TEARS)
def test_a_certificate_torn_at_any_command_is_finished_by_the_same_write(kind: Kind) -> None:
    torn, before = 0, written_once()
    for at in range(1, LONGEST):
        desk, card = torn_card(before, Fault(kind, at))
        with contextlib.suppress(CardRemoved):
            write(desk, SECOND)
        desk.insert(card)
        found = read(desk)
        assert found.values in ({**BLANK, **FIRST}, {**BLANK, **FIRST, **SECOND})
        torn += found.torn
        assert write(desk, SECOND).mended is (Mended.FINISHED if found.torn else Mended.NOTHING)
        assert read(desk) == ({**BLANK, **FIRST, **SECOND}, False)
    assert torn >= len(CERTIFICATE.items)


@pytest.mark.parametrize("kind", TEARS)
def test_a_torn_certificate_is_undone_even_where_undoing_tears(kind: Kind) -> None:
    before = written_once()
    for at in range(1, LONGEST):
        desk, card = torn_card(before, Fault(Kind.TORN, 34))
        with pytest.raises(CardRemoved):
            write(desk, SECOND)
        card.faults = Faults(Fault(kind, at))
        desk.insert(card)
        with contextlib.suppress(CardRemoved):
            write(desk, {})
        desk.insert(card)
        assert write(desk, {}).changed is False
        assert read(desk) == ({**BLANK, **FIRST}, False)


@pytest.mark.parametrize("kind", TEARS)
def test_a_settlement_torn_at_any_command_is_there_once(kind: Kind) -> None:
    torn = 0
    before = VirtualCard()
    settle(torn_card(before, Fault(kind, LONGEST))[0], SETTLEMENT)
    for at in range(1, 30):
        desk, card = torn_card(before, Fault(kind, at))
        with contextlib.suppress(CardRemoved):
            settle(desk, SETTLEMENT)
        desk.insert(card)
        torn += newest(desk).torn
        settle(desk, SETTLEMENT)
        assert newest(desk).values == SETTLEMENT
        assert card.storage.cycle[1:] == [SETTLEMENTS.blank()] * (SETTLEMENTS.slots - 1)
    assert torn == (kind is Kind.TORN)


def test_a_torn_settlement_gives_way_to_another() -> None:
    desk, before = InProcess(), VirtualCard()
    desk.insert(before)
    settle(desk, SETTLEMENT)
    for at in range(1, 30):
        desk, card = torn_card(before, Fault(Kind.TORN, at))
        with contextlib.suppress(CardRemoved):
            settle(desk, {**SETTLEMENT, "serial": "TORN"})
        desk.insert(card)
        if newest(desk).torn:
            break
    assert settle(desk, {**SETTLEMENT, "serial": "S9"}) == (True, Mended.UNDONE)
    assert [SETTLEMENTS.decode(one[2:-4])["serial"] for one in card.storage.cycle[:2]] == ["S9", "S1"]


def test_a_card_that_writes_something_else_is_found_out_and_undone() -> None:
    for at in range(1, LONGEST):
        desk, card = torn_card(written_once(), Fault(Kind.MISWRITTEN, at))
        try:
            write(desk, SECOND)
        except WriteUndone:
            assert read(desk) == ({**BLANK, **FIRST}, False)
        else:
            assert read(desk).values == {**BLANK, **FIRST, **SECOND}
        card.faults = Faults(Fault(Kind.MISWRITTEN, 1, stays=True))
        with pytest.raises(WriteUndone):
            settle(desk, SETTLEMENT)


@pytest.mark.parametrize(
    "values",
    [
        {"employer": "厂" * 36},
        {"issued_on": "20260230"},
        {"issuing_area": "11990x"},
        {"salary": "1"},
        {"employer": "a\nb"},
        {"employer": "a "},
    ],
)
def test_what_does_not_fit_is_not_sent(values: dict[str, str]) -> None:
    desk, card = InProcess(), VirtualCard()
    desk.insert(card)
    with desk.hold() as reader:
        seen = run(reading.recognise(), reader)
        sent = card.commands
        with pytest.raises(ValueUnfit):
            run(writing.write_certificate(seen, values, bytes(16)), reader)
        with pytest.raises(ValueUnfit):
            run(writing.write_settlement(seen, {**SETTLEMENT, "total": "-1"}, bytes(16)), reader)
        assert card.commands == sent


def test_nothing_is_written_without_the_update_key_and_nothing_read_without_a_pin_or_key(desk: Desk) -> None:
    desk.insert(VirtualCard())
    with desk.hold() as reader:
        seen = run(reading.recognise(), reader)
        with pytest.raises(Refused):
            run(writing.read_certificate(seen), reader)
        run(reading.verify_pin("123456"), reader)
        assert not run(writing.read_certificate(seen), reader).torn
        with pytest.raises(Refused):
            run(writing.write_certificate(seen, FIRST, bytes(16)), reader)
        assert run(writing.read_settlement(seen), reader) == (None, False, b"")
