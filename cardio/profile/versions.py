"""The versions of the card: algorithm, records, and what must be proven before what may be read.

What is free on which version is from field code; access conditions of normative text are not public (LD/T 32-2015).
"""

from enum import Enum
from typing import NamedTuple

from cardio.commands.iso import Dialect
from cardio.errors import AlgorithmUnknown, BadAnswer
from cardio.files import tlv

NAME = bytes.fromhex("7378312E73682EC9E7BBE1B1A3D5CF")
"""sx1.sh.社会保障 in GBK, the application's name."""
PRODUCT = 0x9F0C
"""The tag of the FCI that tells the algorithm, as 86 01 xx within."""


class Algorithm(Enum):
    """What the card computes with, by the number in its FCI."""

    TRIPLE_DES = 0x01
    SSF33 = 0x02
    SM4 = 0x03


class Profile(NamedTuple):
    """A version of the card."""

    version: str
    algorithm: Algorithm
    """Where the FCI does not say."""
    dialects: tuple[Dialect, Dialect]
    """In the order in which they are tried."""
    has_name_more: bool
    """Whether EF06 has the extension of the name (4E)."""
    holder_needs_key: bool
    """Whether EF06 is read only after EXTERNAL AUTHENTICATE."""


_BY_NUMBER = (Dialect.NUMBER, Dialect.TAG)
PROFILES = {
    one.version: one
    for one in (
        Profile("1.00", Algorithm.TRIPLE_DES, _BY_NUMBER, has_name_more=False, holder_needs_key=False),
        Profile("2.00", Algorithm.TRIPLE_DES, _BY_NUMBER, has_name_more=True, holder_needs_key=False),
        Profile("3.00", Algorithm.SM4, _BY_NUMBER, has_name_more=True, holder_needs_key=True),
    )
}


def profile_of(version: str) -> Profile:
    """Return the profile of a version as EF05 says it ("2.00"); raises BadAnswer for one that is none."""
    found = PROFILES.get(f"{version[:1]}.00") if len(version) == 4 and version[1] == "." else None  # noqa: PLR2004
    if found is None:
        raise BadAnswer
    return found


def algorithm_of(fci: bytes, profile: Profile) -> Algorithm:
    """Return the algorithm that the FCI names, or that of the profile; raises AlgorithmUnknown or BadAnswer."""
    product = tlv.find(fci, PRODUCT)
    named = tlv.find(product, 0x86) if product is not None else None
    if named is None:
        return profile.algorithm
    try:
        return Algorithm(int.from_bytes(named))
    except ValueError:
        raise AlgorithmUnknown from None
