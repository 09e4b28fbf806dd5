"""A virtual card: versions 1.0, 2.0 and 3.0, both dialects, T=0 and T=1, and a bank's application beside it.

Keys, PIN and the retry counter are real; the keys are the sandbox's, diversified as for any card. It does what a card
does, and what it should not (`cardio.virtual.faults`).
"""

import os
from collections import deque
from collections.abc import Callable, Mapping
from typing import Self

from cardio.commands.apdu import MAX_LE, Command
from cardio.commands.iso import CHALLENGE, INTERNAL, Dialect
from cardio.errors import CardRemoved, KeyMissing, NotAllowed
from cardio.files.tables import HOLDER
from cardio.keys.derive import KEY, cryptogram, opening
from cardio.keys.model import INTERNAL_KEY, READ_SSSE, Asked
from cardio.keys.software import NUMBERS, SoftwareKeys, sandbox_keys
from cardio.profile.versions import NAME, PROFILES, Algorithm
from cardio.virtual import bank
from cardio.virtual.data import FOLDERS, CardData
from cardio.virtual.faults import Faults, Kind
from cardio.virtual.storage import Storage, Word

TRIES = 6
"""Wrong PINs until the card locks."""
_GET_RESPONSE = 0xC0
_READS, _WRITES = 0xB2, (0xDC, 0xE2)


class VirtualCard:
    """A card. `keys` personalises it; a copy of its files has none (see `copy_of_files`)."""

    def __init__(
        self,
        data: CardData | None = None,
        *,
        version: str = "3.00",
        dialect: Dialect = Dialect.NUMBER,
        t0: bool = False,
        algorithm: Algorithm | None = None,
        pin: str = "123456",
        keys: SoftwareKeys | None = None,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.data = data or CardData()
        self.profile = PROFILES[version]
        self.algorithm = algorithm or self.profile.algorithm
        self.dialect, self.t0, self.random = dialect, t0, random
        self.atr = atr(self.data.serial, t0=t0)
        self.storage = Storage(self.data.records(version, name_more=self.profile.has_name_more), dialect)
        self.keys = personalised(keys or sandbox_keys(), self.data.card_id, self.atr, self.algorithm)
        self.faults = Faults()
        self.commands = 0
        """APDUs since reset."""
        self._pin, self.tries = bytes.fromhex(pin), TRIES
        self.reset()

    def reset(self) -> None:
        """Power on: nothing selected, nothing proven."""
        self.commands = 0
        self._app = b""
        self._verified = False
        self._proven: set[int] = set()
        self._challenges: deque[bytes] = deque(maxlen=2)
        self._rest = b""
        self.storage.deselect()

    def copy_of_files(self) -> Self:
        """Return a clone: same ATR, every file, same PIN, and keys of its own, since keys cannot be read."""
        clone = type(self)(
            self.data,
            version=self.profile.version,
            dialect=self.dialect,
            t0=self.t0,
            algorithm=self.algorithm,
            pin=self._pin.hex(),
        )
        clone.storage = self.storage.copy()
        clone.keys = {number: os.urandom(KEY) for number in self.keys}
        return clone

    def transmit(self, raw: bytes) -> bytes:
        """Return the answer to an APDU as the card's protocol has it; raises CardRemoved where a fault says so."""
        self.commands += 1
        instead = self.faults.before(self.commands)
        if instead is not None:
            return instead
        try:
            answer = self._framed(Command.parse(raw))
        except NotAllowed:
            answer = b"\x67\x00"
        return self.faults.after(self.commands, answer)

    def _framed(self, command: Command) -> bytes:
        if command.ins == _GET_RESPONSE and self._rest:
            data, self._rest = self._rest, b""
            return self._lengths(command, data, 0x9000)
        self._rest = b""
        data, sw = self._answer(command)
        if not data:
            return sw.to_bytes(2)
        if self.t0 and command.data:
            self._rest = data
            return bytes((0x61, len(data) & 0xFF))
        if command.le is None:
            # T=1: nothing was asked for. T=0 has no such case: four bytes with an answer are P3 = 0.
            return sw.to_bytes(2)
        return self._lengths(command, data, sw)

    def _lengths(self, command: Command, data: bytes, sw: int) -> bytes:
        le = command.le or MAX_LE
        exact = self.t0 and le != len(data)
        if len(data) > le or (exact and command.ins != _GET_RESPONSE):
            if command.ins == _GET_RESPONSE:
                self._rest = data
            return bytes((0x6C, len(data) & 0xFF))
        return data + sw.to_bytes(2)

    def _answer(self, command: Command) -> tuple[bytes, int]:
        if command.ins == 0xA4 and command.cla == 0x00:  # noqa: PLR2004 - SELECT
            return self._select(command)
        if self._app == bank.NAME:
            return bank.answer(command, self.data.pan)
        if command.cla != 0x00:
            return b"", 0x6E00
        if not self._app:
            return b"", 0x6985
        try:
            return self._ssse(command)
        except Word as word:
            return b"", word.sw

    def _ssse(self, command: Command) -> tuple[bytes, int]:
        match command.ins:
            case 0x20:
                return b"", self._verify(command.data)
            case 0x84:
                if command.le != CHALLENGE:
                    return b"", 0x6700
                self._challenges.append(self.random(CHALLENGE))
                return self._challenges[-1], 0x9000
            case 0x88:
                return self._internal(command)
            case 0x82:
                return b"", self._external(command)
            case 0xB2:
                self.storage.check_read(self._allowed)
                return self.storage.read(command.p1, command.p2), 0x9000
            case 0xDC | 0xE2:
                self.storage.check_write(self._allowed)
                return b"", self._write(command)
        return b"", 0x6D00

    def _write(self, command: Command) -> int:
        record = command.data
        match self.faults.at(self.commands, Kind.TORN, Kind.MISWRITTEN):
            case Kind.TORN:
                self.storage.write(command.ins, command.p1, command.p2, record, stops_at=len(record) // 2)
                raise CardRemoved
            case Kind.MISWRITTEN:
                record = record[:-1] + bytes((record[-1] ^ 0x01,))
        self.storage.write(command.ins, command.p1, command.p2, record)
        return 0x9000

    def _allowed(self, file: tuple[int, int], key: int, *, pin: bool) -> bool:
        """Return whether what a file asks for is proven."""
        free = file == (HOLDER.df, HOLDER.ef) and not self.profile.holder_needs_key
        return free or key in self._proven or (pin and self._verified)

    def _select(self, command: Command) -> tuple[bytes, int]:
        if command.p1 == 0x04:  # noqa: PLR2004 - by name
            self._verified = False
            self._proven.clear()
            self._challenges.clear()
            self.storage.deselect()
            if command.data == NAME:
                self._app = NAME
                named = bank.ber("86", bytes((self.algorithm.value,)))
                return bank.ber("6F", bank.ber("84", NAME) + bank.ber("A5", bank.ber("9F0C", named))), 0x9000
            if command.data == bank.NAME and self.data.pan:
                self._app = bank.NAME
                return bank.description(), 0x9000
            self._app = b""
            return b"", 0x6A82
        if self._app != NAME or len(command.data) != 2:  # noqa: PLR2004 - an identifier
            return b"", 0x6A82
        identifier = int.from_bytes(command.data)
        found = self.storage.enter(identifier) if identifier in FOLDERS else self.storage.select(identifier)
        return b"", 0x9000 if found else 0x6A82

    def _verify(self, pin: bytes) -> int:
        if self.tries == 0:
            return 0x6983
        if not pin:
            return 0x9000 if self._verified else 0x63C0 | self.tries
        if len(pin) != len(self._pin):
            return 0x6700
        self._verified = pin == self._pin
        self.tries = TRIES if self._verified else self.tries - 1
        if self._verified:
            return 0x9000
        return 0x63C0 | self.tries if self.tries else 0x6983

    def _internal(self, command: Command) -> tuple[bytes, int]:
        key = self.keys.get(command.p2) if command.p2 == INTERNAL_KEY else None
        if key is None:
            return b"", 0x9403
        if len(command.data) != INTERNAL:
            return b"", 0x6700
        return cryptogram(self.algorithm, key, command.data), 0x9000

    def _external(self, command: Command) -> int:
        key = self.keys.get(command.p2)
        if key is None or command.p2 < READ_SSSE:
            return 0x9403
        if len(self._challenges) != 2:  # noqa: PLR2004 - factor and original
            return 0x6984
        # Challenges are good for one try: an overheard answer opens nothing again.
        random = b"".join(self._challenges)
        self._challenges.clear()
        if command.data != opening(self.algorithm, key, random):
            return 0x6300
        self._proven.add(command.p2)
        return 0x9000


def atr(serial: int, *, t0: bool) -> bytes:
    """Return 3B 6D 00 00 and 13 historical bytes, the last eight of them the chip's own; T=1 adds TD1 and a check."""
    historical = bytes.fromhex("9054311686") + bytes.fromhex("119900") + serial.to_bytes(5)
    if t0:
        return bytes.fromhex("3B6D0000") + historical
    body = bytes.fromhex("8D01") + historical
    check = 0
    for byte in body:
        check ^= byte
    return b"\x3b" + body + bytes((check,))


def personalised(keys: SoftwareKeys, card_id: bytes, answer: bytes, algorithm: Algorithm) -> Mapping[int, bytes]:
    """Return a card's keys by number; none that the module has not."""
    asked = Asked(card_id, answer, algorithm)
    found = {}
    for number in NUMBERS:
        try:
            found[number] = keys.card_key(asked, number)
        except KeyMissing:
            continue
    return found
