"""What a session's policy lets through to the card; everything else is refused before it is sent.

The backend decides what it wants of a card; the counter's PC keeps a list of its own of what may be wanted, so
that a backend in wrong hands cannot change, debit or re-key the cards of a whole region through its counters.
A policy names the applications that may be selected, the data objects that may be read, the file that may be
written, the keys that may be used, and whether a PIN may be asked for. PINs are sent by the bridge alone:
VERIFY, CHANGE PIN, UNBLOCK, debit, and every command that is not named here have no policy that lets them through.

>>> guard = Guard("identify")
>>> guard.admit(bytes.fromhex("00A404000F7378312E73682EC9E7BBE1B1A3D5CF"))
>>> guard.admit(bytes.fromhex("0020000003123456"))
Traceback (most recent call last):
    ...
cardio.errors.NotAllowed: not_allowed
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cardio.commands.apdu import Command
from cardio.commands.iso import CHALLENGE, GPO_DATA, INTERNAL, Dialect
from cardio.errors import NotAllowed
from cardio.files import tables
from cardio.keys.model import INTERNAL_KEY, READ_DF02, READ_DF04, READ_SSSE, UPDATE_DF02, UPDATE_DF04
from cardio.profile.versions import NAME
from cardio.reading import BANK_NAMES

SSSE, BANK = 0, -1
"""Applications: the social security one and its DFs by their identifiers, and the bank's."""
File = tuple[int, int]
"""An elementary file: its application, and the number of its identifier EFxx."""
EVERY = frozenset(range(1, 0x100))
_SELECT = 0xA4
_BY_NAME, _BY_IDENTIFIER = 0x04, {0x00, 0x01, 0x02}
_EF = 0xEF


class Policy(NamedTuple):
    """What one policy lets through."""

    reads: Mapping[File, frozenset[int]]
    """The tags that may be read of each file; a record number counts as the tag that stands there."""
    writes: frozenset[File] = frozenset()
    keys: frozenset[int] = frozenset({READ_SSSE})
    """The keys by which the card may be opened."""
    bank: bool = False
    pin: bool = False
    item: str | None = None
    """The one item that it is for: one that writes is not lent to another."""

    def has(self, app: int) -> bool:
        """Whether an application may be selected."""
        return self.bank if app == BANK else any(file[0] == app for file in (*self.reads, *self.writes))


class State(NamedTuple):
    """Where the card is: the application and file that its last successful SELECTs named."""

    app: int | None = None
    file: int | None = None


def _place(file: tables.File | tables.Cyclic) -> File:
    return file.df, file.ef & 0xFF


def _tags(file: tables.File, *names: str) -> frozenset[int]:
    return frozenset(one.tag for one in file if not names or one.name in names)


RECORDS: Mapping[File, Mapping[int, int]] = {
    _place(file): {one.record: one.tag for one in file} for file in (tables.ISSUER, tables.HOLDER)
}
"""The tag at each record number of a file of which not everything may be read."""
IDENTITY: Mapping[File, frozenset[int]] = {
    _place(tables.ISSUER): _tags(tables.ISSUER),
    _place(tables.HOLDER): _tags(tables.HOLDER, "number", "name", "name_more", "sex"),
}
"""What identifying takes: the card's own data; of the holder no nation, no birthplace, no birth date."""
CERTIFICATE, SETTLEMENTS = _place(tables.CERTIFICATE), _place(tables.SETTLEMENTS)

POLICIES: Mapping[str, Policy] = {
    "identify": Policy(IDENTITY),
    "identify_pin": Policy(IDENTITY, pin=True),
    "pan": Policy(IDENTITY, bank=True, pin=True),
    "write_a1_04": Policy(
        {**IDENTITY, CERTIFICATE: EVERY},
        writes=frozenset({CERTIFICATE}),
        keys=frozenset({READ_SSSE, READ_DF02, UPDATE_DF02}),
        pin=True,
        item="A1-04",
    ),
    "settle_a2_52": Policy(
        {**IDENTITY, SETTLEMENTS: EVERY},
        writes=frozenset({SETTLEMENTS}),
        keys=frozenset({READ_SSSE, READ_DF04, UPDATE_DF04}),
        pin=True,
        item="A2-52",
    ),
}
"""The policies by their names on the wire."""


class Guard:
    """Lets the commands of one session through, and follows which file of the card they are about."""

    def __init__(self, policy: str) -> None:
        self.policy = POLICIES[policy]
        self._state = State()

    def admit_all(self, commands: Sequence[bytes]) -> None:
        """Refuse a batch of which one command is not let through, each SELECT taken as successful (NotAllowed)."""
        state = self._state
        for raw in commands:
            state = self._after(state, Command.parse(raw))

    def admit(self, raw: bytes) -> None:
        """Refuse a command that is not let through where the card now is (NotAllowed)."""
        self._after(self._state, Command.parse(raw))

    def succeeded(self, raw: bytes) -> None:
        """Follow a command that the card has carried out."""
        self._state = self._after(self._state, Command.parse(raw))

    def _after(self, state: State, command: Command) -> State:
        if (command.cla, command.ins) == (0, _SELECT):
            return self._selected(state, command)
        if state.app is None or not self._passes(state, command):
            raise NotAllowed
        return state

    def _passes(self, state: State, command: Command) -> bool:
        length, zeros = len(command.data), (command.p1, command.p2) == (0, 0)
        match command.cla, command.ins:
            case 0x00, 0xB2:  # READ RECORD
                return length == 0 and self._may_read(state, command)
            case 0x00, 0x84:  # GET CHALLENGE
                return zeros and (length, command.le) == (0, CHALLENGE)
            case 0x00, 0x88:  # INTERNAL AUTHENTICATE
                return (command.p1, command.p2, length) == (0, INTERNAL_KEY, INTERNAL)
            case 0x00, 0x82:  # EXTERNAL AUTHENTICATE
                return command.p1 == 0 and command.p2 in self.policy.keys and length == INTERNAL
            case 0x80, 0xA8:  # GET PROCESSING OPTIONS
                return state.app == BANK and zeros and command.data == GPO_DATA
            case 0x00, 0xDC | 0xE2:  # UPDATE RECORD, APPEND RECORD
                return length > 0 and _file(state, command.p2) in self.policy.writes
        return False

    def _selected(self, state: State, command: Command) -> State:
        """Return where a SELECT leads (P2 00: first occurrence, FCI)."""
        name = command.data
        if command.p2 != 0:
            raise NotAllowed
        if command.p1 == _BY_NAME:
            app = SSSE if name == NAME else BANK if name in BANK_NAMES else None
        elif command.p1 in _BY_IDENTIFIER and len(name) == 2:  # noqa: PLR2004 - a file identifier
            if name[0] == _EF and state.app is not None:
                return self._entered(state.app, name[1])
            # A DF lies in the social security application: it is reached from there, or from its neighbour.
            app = int.from_bytes(name) if state.app not in {None, BANK} else None
        else:
            raise NotAllowed
        if app is None or not self.policy.has(app):
            raise NotAllowed
        return State(app)

    def _entered(self, app: int, number: int) -> State:
        if (app, number) not in self.policy.reads and (app, number) not in self.policy.writes:
            raise NotAllowed
        return State(app, number)

    def _may_read(self, state: State, command: Command) -> bool:
        dialect = command.p2 & 0x07
        if dialect not in {Dialect.NUMBER.value, Dialect.TAG.value}:
            return False
        if state.app == BANK:
            return dialect == Dialect.NUMBER.value
        file = _file(state, command.p2)
        if file is None:
            return False
        allowed = self.policy.reads.get(file, frozenset())
        by_number = dialect == Dialect.NUMBER.value and file in RECORDS
        return (RECORDS[file].get(command.p1) if by_number else command.p1) in allowed


def _file(state: State, p2: int) -> File | None:
    """Return the file that a record's P2 names: by its short identifier, or the current one."""
    number = p2 >> 3 or state.file
    return (state.app, number) if state.app is not None and number else None
