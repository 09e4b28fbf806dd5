"""A key module in software, for the sandbox and for tests: its keys are invented and open no real card."""

import functools
import hashlib
from collections.abc import Mapping

from cardio.errors import KeyMissing
from cardio.keys.derive import KEY, cryptogram, diversify, opening
from cardio.keys.model import (
    INTERNAL_KEY,
    READ_DF02,
    READ_DF04,
    READ_SSSE,
    UPDATE_DF02,
    UPDATE_DF04,
    Answered,
    Asked,
)
from cardio.profile.versions import Algorithm

NUMBERS = (INTERNAL_KEY, READ_SSSE, READ_DF02, READ_DF04, UPDATE_DF02, UPDATE_DF04)
Masters = Mapping[tuple[Algorithm, int], bytes]
"""Master keys of 16 bytes, by algorithm and number."""


class SoftwareKeys:
    """Master keys in this process (see `KeyModule`)."""

    def __init__(self, masters: Masters) -> None:
        self._masters = masters
        # The key of an area, between a master key and a card's: there are some thousands, and each is asked for often.
        self._area_key = functools.lru_cache(4096)(diversify)

    def answer(self, asked: Asked) -> Answered:
        """Return what was asked; raises KeyMissing."""
        internal = external = None
        if asked.internal is not None:
            internal = cryptogram(asked.algorithm, self.card_key(asked, INTERNAL_KEY), asked.internal)
        if asked.external is not None:
            external = opening(asked.algorithm, self.card_key(asked, asked.usage), asked.external)
        return Answered(internal, external)

    def card_key(self, asked: Asked, number: int) -> bytes:
        """Return a card's key: what a personalisation machine writes into it; raises KeyMissing."""
        master = self._masters.get((asked.algorithm, number))
        if master is None:
            raise KeyMissing
        return diversify(asked.algorithm, self._area_key(asked.algorithm, master, asked.area), asked.serial)


def sandbox_masters() -> dict[tuple[Algorithm, int], bytes]:
    """Return the invented master keys of the sandbox: the same everywhere, and secret nowhere."""
    return {
        (algorithm, number): hashlib.sha256(f"ecard sandbox {algorithm.name} {number:02X}".encode()).digest()[:KEY]
        for algorithm in (Algorithm.TRIPLE_DES, Algorithm.SM4)
        for number in NUMBERS
    }


def sandbox_keys() -> SoftwareKeys:
    """Return the sandbox's key module."""
    return SoftwareKeys(sandbox_masters())
