"""The commands that social security cards know, as functions (LD/T 32.5-2015; shapes as seen in terminals)."""

from enum import Enum

from cardio.commands.apdu import MAX_LE, Command
from cardio.errors import PinMalformed

PIN_DIGITS = 6
CHALLENGE = 8
"""Bytes of one GET CHALLENGE."""
INTERNAL = 16
"""Bytes of INTERNAL AUTHENTICATE: a process factor and an original, 8 each; its answer has 8."""
GPO_DATA = bytes.fromhex("8309000000000000000156")
"""What a terminal says to the bank application: no amount, currency 156."""


class Dialect(Enum):
    """How a record is named: both are in the field, and a card knows one of them or both."""

    NUMBER = 0x04
    """P1 is the record's number, P2 is 04."""
    TAG = 0x00
    """P1 is the data object's tag, P2 is 00."""


def select_name(name: bytes) -> Command:
    """Return SELECT by the name of an application; the answer describes it (FCI)."""
    return Command(0x00, 0xA4, 0x04, 0x00, name, MAX_LE)


def select_df(identifier: int) -> Command:
    """Return SELECT of a DF by its identifier (DF01 …)."""
    return Command(0x00, 0xA4, 0x00, 0x00, identifier.to_bytes(2))


def select_ef(identifier: int) -> Command:
    """Return SELECT of an EF of the current DF (EF05 …)."""
    return Command(0x00, 0xA4, 0x02, 0x00, identifier.to_bytes(2))


def read_record(dialect: Dialect, place: int, length: int) -> Command:
    """Return READ RECORD of `place`, a number or a tag by the dialect; `length` is that of the value alone."""
    return Command(0x00, 0xB2, place, dialect.value, le=min(length + 2, MAX_LE))


def read_sfi(sfi: int, number: int) -> Command:
    """Return READ RECORD of a file by its short identifier."""
    return Command(0x00, 0xB2, number, sfi << 3 | 0x04, le=MAX_LE)


def update_record(dialect: Dialect, place: int, record: bytes) -> Command:
    """Return UPDATE RECORD of `place`; `record` is tag, length, value."""
    return Command(0x00, 0xDC, place, dialect.value, record)


def append_record(record: bytes) -> Command:
    """Return APPEND RECORD: in a cyclic file it takes the place of the oldest and becomes number 1."""
    return Command(0x00, 0xE2, 0x00, 0x00, record)


def verify(pin: str) -> Command:
    """Return VERIFY with six digits as packed BCD; raises PinMalformed."""
    if len(pin) != PIN_DIGITS or not (pin.isascii() and pin.isdigit()):
        raise PinMalformed
    return Command(0x00, 0x20, 0x00, 0x00, bytes.fromhex(pin))


def ask_tries() -> Command:
    """Return VERIFY without data: the card says how many tries are left, and none is used."""
    return Command(0x00, 0x20, 0x00, 0x00)


def get_challenge() -> Command:
    """Return GET CHALLENGE of 8 bytes."""
    return Command(0x00, 0x84, 0x00, 0x00, le=CHALLENGE)


def internal_authenticate(key: int, challenge: bytes) -> Command:
    """Return INTERNAL AUTHENTICATE of 16 bytes under the key of this number; the answer has 8 bytes."""
    return Command(0x00, 0x88, 0x00, key, challenge, le=8)


def external_authenticate(key: int, proof: bytes) -> Command:
    """Return EXTERNAL AUTHENTICATE: a cryptogram of 8 bytes, and what was encrypted."""
    return Command(0x00, 0x82, 0x00, key, proof)


def get_processing_options() -> Command:
    """Return GET PROCESSING OPTIONS of the bank application."""
    return Command(0x80, 0xA8, 0x00, 0x00, GPO_DATA, le=MAX_LE)
