"""Whatever a card says: what parses it returns or raises a declared error; what is written is what is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardio.commands.apdu import Command, Response
from cardio.commands.words import explain, tries_left
from cardio.errors import BadAnswer, NotAllowed, ValueUnfit
from cardio.files import fields, tlv
from cardio.files.fields import Kind
from cardio.keys.model import serial_of
from cardio.virtual.card import atr
from tests.fuzz.targets import TARGETS

BYTES = st.binary(max_size=300)
FRAMED = st.lists(st.binary(max_size=255), max_size=12).map(lambda all_: b"".join(bytes((len(b),)) + b for b in all_))
COMMANDS = st.builds(
    Command,
    *[st.integers(0, 255)] * 4,
    data=st.binary(max_size=255),
    le=st.none() | st.integers(1, 256),
)


@pytest.mark.parametrize("target", TARGETS)
@given(data=BYTES | FRAMED)
def test_anything_at_all_raises_only_declared_errors(target: str, data: bytes) -> None:
    TARGETS[target](data)


@given(COMMANDS)
def test_a_command_is_read_as_it_was_written(command: Command) -> None:
    assert Command.parse(command.encode()) == command


@given(st.binary(max_size=3))
def test_less_than_four_bytes_are_no_command(raw: bytes) -> None:
    with pytest.raises(NotAllowed):
        Command.parse(raw)


@given(st.binary(max_size=1) | st.binary(min_size=259, max_size=400))
def test_an_answer_without_a_status_word_or_longer_than_any_is_none(raw: bytes) -> None:
    with pytest.raises(BadAnswer):
        Response.parse(raw)


@given(st.sampled_from(list(Kind)), st.text("0123456789Ff 测试甲·\n\x00\u3000𠮷", max_size=20), st.integers(1, 40))
def test_what_is_written_into_a_field_is_what_is_read(kind: Kind, value: str, length: int) -> None:
    try:
        raw = fields.encode(kind, value, length)
    except ValueUnfit:
        return
    if kind is Kind.MONEY:
        assert int(fields.decode(kind, raw)) == int(value) % 10 ** (2 * length)
    elif kind is Kind.HEX:
        assert fields.decode(kind, raw) == bytes.fromhex(value).hex().upper()
    else:
        assert fields.decode(kind, raw) == value


@given(st.integers(0, 255), st.binary(max_size=253))
def test_a_record_is_read_as_it_was_written(tag: int, value: bytes) -> None:
    assert tlv.decode(tag, tlv.encode(tag, value)) == value


@given(st.integers(0, 0xFFFF))
def test_every_status_word_is_explained(sw: int) -> None:
    said = explain(sw)
    assert said.zh
    assert said.en
    assert (tries_left(sw) is None) == (sw != 0x6983 and sw >> 4 != 0x63C)


@given(st.integers(0, 0xFFFFFF), st.booleans())
def test_the_last_eight_historical_bytes_are_the_chips_own_in_either_protocol(serial: int, t0: bool) -> None:  # noqa: FBT001 - generated
    assert serial_of(atr(serial, t0=t0)) == bytes.fromhex("119900") + serial.to_bytes(5)


def test_nothing_shows_what_a_command_or_an_answer_carries() -> None:
    shown = repr(Command(0, 0x20, 0, 0, bytes.fromhex("123456"))) + repr(Response(b"119900199001011232", 0x9000))
    assert "1234" not in shown
    assert "x12" not in shown
    assert "119900" not in shown
