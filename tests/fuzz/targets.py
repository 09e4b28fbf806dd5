"""What parses a card's answers, given anything: it returns, or raises a declared error, and nothing else."""

import contextlib
from collections.abc import Callable, Iterator, Mapping

from cardio import reading, writing
from cardio.commands.apdu import Command, Response
from cardio.commands.resolve import resolve
from cardio.errors import CardError
from cardio.files import tlv
from cardio.files.tables import CERTIFICATE, FILES, JOURNAL, SEAL, SETTLEMENTS
from cardio.keys.model import serial_of
from cardio.profile.versions import PROFILES, algorithm_of
from cardio.reading import Recognised
from cardio.script import Script
from cardio.transport.held import CardClosed
from cardio.virtual.card import VirtualCard

SEEN = Recognised(
    card_id=bytes(16),
    region="119900",
    card_no="A99000001",
    version="3.00",
    algorithm=PROFILES["3.00"].algorithm,
    issuer="",
    issued=None,
    expires=None,
    dialect=PROFILES["3.00"].dialects[0],
    profile=PROFILES["3.00"],
)


def parts(data: bytes) -> Iterator[bytes]:
    """Cut bytes into pieces, each after a byte of its length: answers of a card; then no card any more."""
    at = 0
    while at < len(data):
        yield data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]


def tags(data: bytes) -> None:
    """Data objects of a card: its own, and BER-TLV."""
    with contextlib.suppress(CardError):
        list(tlv.objects(data))
    with contextlib.suppress(CardError):
        tlv.find(data, reading.PAN_TAG)
    with contextlib.suppress(CardError):
        algorithm_of(data, PROFILES["3.00"])
    serial_of(data)


def apdus(data: bytes) -> None:
    """Commands, answers, and answers that go on and on."""
    with contextlib.suppress(CardError):
        assert Command.parse(data).encode() == data
    with contextlib.suppress(CardError):
        assert Response.parse(data).encode() == data
    answers = parts(data)

    def transmit(_: bytes) -> bytes:
        found = next(answers, None)
        if found is None:
            raise CardClosed
        return found

    for t0 in (True, False):
        with contextlib.suppress(CardError):
            resolve(transmit, b"\x00\xb2\x01\x04\x10", t0=t0)
    card = VirtualCard(t0=True)
    for command in parts(data):
        with contextlib.suppress(CardError):
            Response.parse(card.transmit(command))


def records(data: bytes) -> None:
    """Records of every file, and whole scripts fed with them."""
    for file in (*FILES, (SEAL, *JOURNAL)):
        for item in file:
            with contextlib.suppress(CardError):
                value = item.decode(data)
                assert item.decode(item.encode(value)) == value
    with contextlib.suppress(CardError):
        SETTLEMENTS.decode(data)
    for script in (
        reading.recognise(),
        reading.prove(SEEN, bytes(16)),
        reading.holder(SEEN, bytes(16)),
        reading.pan(),
        reading.verify_pin("123456"),
        writing.read_certificate(SEEN),
        writing.write_certificate(SEEN, {one.name: "" for one in CERTIFICATE}, bytes(16)),
        writing.read_settlement(SEEN),
        writing.write_settlement(SEEN, SETTLEMENTS.vectors[0][1], bytes(16)),
    ):
        with contextlib.suppress(CardError):
            fed(script, parts(data))


def fed(script: Script[object], answers: Iterator[bytes]) -> None:
    """Give a script these answers, 9000 behind each, until there are none."""
    try:
        batch = next(script)
        while True:
            given = [Response(one, 0x9000) for one, _ in zip(answers, batch.commands, strict=False)]
            if not given:
                return
            batch = script.send(given)
    except StopIteration:
        return
    finally:
        script.close()


TARGETS: Mapping[str, Callable[[bytes], None]] = {"tlv": tags, "apdu": apdus, "record": records}
