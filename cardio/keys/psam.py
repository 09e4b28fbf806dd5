"""A PSAM in a second slot: a card that keeps a terminal's master keys and computes with them itself.

SELECT D15600000590, then for each authentication two commands, as terminals in the field have them:
`BF DE <usage> <key> 18 <serial 8><area 8><factor 8>` derives a process key inside, `80 FA 00 00 08 <original 8>`
returns the cryptogram.
"""

from cardio.commands.apdu import Command, Response
from cardio.commands.words import SECURITY_NOT_SATISFIED
from cardio.errors import BadAnswer, CardError, KeyMissing, KeyServiceDown
from cardio.keys.model import HALF, INTERNAL_KEY, Answered, Asked
from cardio.transport.reader import Reader

NAME = bytes.fromhex("D15600000590")
NO_KEY = (0x6A88, 0x9403, SECURITY_NOT_SATISFIED)
DERIVE, CRYPT = (0xBF, 0xDE), (0x80, 0xFA)


class Psam:
    """A PSAM whose reader is held (see `KeyModule`); its algorithm's number is the usage that is asked of it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def answer(self, asked: Asked) -> Answered:
        """Return what was asked; raises KeyMissing, KeyServiceDown."""
        internal = external = None
        if asked.internal is not None:
            internal = self._cryptogram(asked, INTERNAL_KEY, asked.internal)
        if asked.external is not None:
            external = self._cryptogram(asked, asked.usage, asked.external) + asked.external[HALF:]
        return Answered(internal, external)

    def _cryptogram(self, asked: Asked, key: int, challenge: bytes) -> bytes:
        factors = asked.serial + asked.area + challenge[:HALF]
        commands = (
            Command(0x00, 0xA4, 0x04, 0x00, NAME),
            Command(*DERIVE, asked.algorithm.value, key, factors),
            Command(*CRYPT, 0x00, 0x00, challenge[HALF:], HALF),
        )
        try:
            answers = [Response.parse(one) for one in self._reader.exchange([one.encode() for one in commands])]
        except CardError as error:
            raise KeyServiceDown from error
        last = answers[-1]
        if last.sw in NO_KEY:
            raise KeyMissing
        if len(answers) != len(commands) or not last.ok or len(last.data) != HALF:
            raise KeyServiceDown from BadAnswer()
        return last.data
