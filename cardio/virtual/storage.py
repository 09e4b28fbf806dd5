"""The files of a virtual card: records by number or by tag, and the access that each file asks for."""

import copy
from collections.abc import Callable, Mapping
from typing import Self

from cardio.commands.iso import Dialect
from cardio.files.tables import CERTIFICATE, HOLDER, ISSUER, JOURNAL, SEAL, SETTLEMENTS
from cardio.keys.model import READ_DF02, READ_DF04, READ_SSSE, UPDATE_DF02, UPDATE_DF04

FileId = tuple[int, int]
Allowed = Callable[..., bool]
APPEND = 0xE2
_ISSUER, _HOLDER = (ISSUER.df, ISSUER.ef), (HOLDER.df, HOLDER.ef)
_CERTIFICATE, _SETTLEMENTS = (CERTIFICATE.df, CERTIFICATE.ef), (SETTLEMENTS.df, SETTLEMENTS.ef)
_READ_KEYS = {_HOLDER: READ_SSSE, _CERTIFICATE: READ_DF02, _SETTLEMENTS: READ_DF04}
_UPDATE_KEYS = {_CERTIFICATE: UPDATE_DF02, _SETTLEMENTS: UPDATE_DF04}
_RECORDS = {item.record: item.tag for file in (ISSUER, HOLDER) for item in file}


class Word(Exception):
    """The card says this status word."""

    def __init__(self, sw: int) -> None:
        super().__init__(f"{sw:04X}")
        self.sw = sw


class Storage:
    """Files by DF and EF; which is selected."""

    def __init__(self, records: Mapping[FileId, Mapping[int, bytes]], dialect: Dialect) -> None:
        self._dialect = dialect
        self.records = {file: dict(tags) for file, tags in records.items()}
        certificate = self.records[_CERTIFICATE]
        certificate.update({one.tag: one.encode("00" * one.length) for one in (SEAL, *JOURNAL)})
        self._numbers = {
            file: {item.record: item.tag for item in items}
            for file, items in ((_ISSUER, ISSUER), (_HOLDER, HOLDER), (_CERTIFICATE, (*CERTIFICATE, SEAL, *JOURNAL)))
        }
        self.cycle: list[bytes] = [SETTLEMENTS.blank()] * SETTLEMENTS.slots
        """The settlements, newest first."""
        self._df, self._ef = 0, 0

    def copy(self) -> Self:
        """Return all files once more."""
        return copy.deepcopy(self)

    def deselect(self) -> None:
        """Go to the application itself, with no file selected."""
        self._df, self._ef = 0, 0

    def enter(self, df: int) -> bool:
        """Select a DF."""
        self._df, self._ef = df, 0
        return True

    def select(self, ef: int) -> bool:
        """Select an EF of the current DF; return whether there is one."""
        if (self._df, ef) not in self._numbers and (self._df, ef) != _SETTLEMENTS:
            return False
        self._ef = ef
        return True

    def check_read(self, allowed: Allowed) -> None:
        """Raise 6982 unless what the file asks for is proven."""
        if self._file != _ISSUER and not (
            allowed(self._file, _READ_KEYS[self._file], pin=self._file != _HOLDER)
            or allowed(self._file, _UPDATE_KEYS.get(self._file, -1), pin=False)
        ):
            raise Word(0x6982)

    def check_write(self, allowed: Allowed) -> None:
        """Raise 6982 unless the file may be written, and its key is proven."""
        key = _UPDATE_KEYS.get(self._file)
        if key is None or not allowed(self._file, key, pin=False):
            raise Word(0x6982)

    def read(self, p1: int, p2: int) -> bytes:
        """Return a record; raises Word."""
        if self._file == _SETTLEMENTS:
            return self.cycle[self._slot(p1, p2)]
        return self.records[self._file][self._tag(p1, p2)]

    def write(self, ins: int, p1: int, p2: int, record: bytes, *, stops_at: int | None = None) -> None:
        """Change a record, or append one to the cyclic file; only its first bytes where the power stops."""
        if self._file == _SETTLEMENTS:
            at = 0 if ins == APPEND else self._slot(p1, p2)
            if ins == APPEND:
                self.cycle = [SETTLEMENTS.blank(), *self.cycle[:-1]]
            self.cycle[at] = _written(self.cycle[at], record, stops_at)
            return
        if ins == APPEND:
            raise Word(0x6981)
        tag = self._tag(p1, p2)
        self.records[self._file][tag] = _written(self.records[self._file][tag], record, stops_at)

    @property
    def _file(self) -> FileId:
        if not self._ef:
            raise Word(0x6986)
        return self._df, self._ef

    def _tag(self, p1: int, p2: int) -> int:
        if p2 != self._dialect.value:
            raise Word(0x6A86)
        tag = p1 if self._dialect is Dialect.TAG else self._numbers[self._file].get(p1, -1)
        if tag not in self.records[self._file]:
            raise Word(0x6A83)
        return tag

    def _slot(self, p1: int, p2: int) -> int:
        """Return a place in the cycle: by number, or the newest by the tag of its records."""
        if p2 != self._dialect.value:
            raise Word(0x6A86)
        if self._dialect is Dialect.TAG and p1 == SETTLEMENTS.tag:
            return 0
        if self._dialect is Dialect.NUMBER and 1 <= p1 <= SETTLEMENTS.slots:
            return p1 - 1
        raise Word(0x6A83)


def _written(before: bytes, record: bytes, stops_at: int | None) -> bytes:
    if len(record) != len(before) or record[:2] != before[:2]:
        raise Word(0x6A80)
    # Tag and length are the file's own structure: what tears is the value.
    stop = len(record) if stops_at is None else max(2, stops_at)
    return record[:stop] + before[stop:]
