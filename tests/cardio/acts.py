"""What a counter does with a card, from its first command to its last."""

from itertools import product

from cardio import reading
from cardio.commands.iso import Dialect
from cardio.keys.model import Asked, KeyModule, check
from cardio.keys.software import sandbox_keys
from cardio.reading import Holder, Recognised
from cardio.script import run
from cardio.transport.reader import Reader

VERSIONS = ("1.00", "2.00", "3.00")
KINDS = tuple(product(VERSIONS, Dialect, (True, False)))
IDS = [f"{version} {dialect.name.lower()} {'T=0' if t0 else 'T=1'}" for version, dialect, t0 in KINDS]
CHALLENGE = bytes(range(16))


def identify(reader: Reader, keys: KeyModule | None = None, challenge: bytes = CHALLENGE) -> tuple[Recognised, Holder]:
    """Recognise a card, have it prove itself, open it and read its holder."""
    seen = run(reading.recognise(), reader)
    proof = run(reading.prove(seen, challenge), reader)
    answered = (keys or sandbox_keys()).answer(
        Asked(seen.card_id, reader.atr, seen.algorithm, proof.challenge, proof.random)
    )
    check(proof, answered)
    return seen, run(reading.holder(seen, answered.external), reader)


def opened(reader: Reader, seen: Recognised, usage: int) -> bytes:
    """Return what opens a card for a key, computed by the sandbox's key module."""
    random = run(reading.challenges(), reader)
    answered = sandbox_keys().answer(Asked(seen.card_id, reader.atr, seen.algorithm, external=random, usage=usage))
    assert answered.external is not None
    return answered.external
