"""脱网结算队列: settlements made while the backend could not be reached (A2-52), on this PC until they are kept.

A file that only grows: a frame for each record, and one for each acknowledgement. A frame is

    length (4) ‖ nonce (12) ‖ AES-256-GCM( entry ) with its tag (16)

under a key derived from the device's, with the frame's number as associated data: frames cannot be read,
changed, moved or taken out of the middle without the device key. `append` returns once the frame is on the
disk, so what was promised survives kill -9 and a power cut. Half a frame at the end was never promised: it is
put aside in a file beside the queue. When everything is acknowledged, the file begins anew, and the numbers of
the records go on. Several processes may append; each does so under the file's lock.
"""

import contextlib
import os
import secrets
import struct
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from uuid import UUID, uuid4

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cardio.bridge.errors import QueueBroken
from cardio.bridge.files import locked, sync_directory
from cardio.bridge.messages import Record, Settlement

_LENGTH = struct.Struct(">I")
_NONCE = 12
_TAG = 16
_LONGEST = 16 * 1024
"""Bytes of the longest frame; more is no frame of ours."""
_TIDY_BYTES = 64 * 1024
"""The file begins anew once it is longer than this and everything in it is acknowledged."""


class _Begun(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="begun"):
    """The first frame of a file that began anew: how many records there were before."""

    seq: int


class _Made(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="made"):
    record: Record


class _KeptOnce(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="kept"):
    id: UUID


_ENTRY: msgspec.json.Decoder[_Begun | _Made | _KeptOnce] = msgspec.json.Decoder(_Begun | _Made | _KeptOnce)


class _Contents:
    """What the frames of a file say together."""

    def __init__(self) -> None:
        self.frames = 0
        self.end = 0
        self.seq = 0
        self.pending: dict[UUID, Record] = {}

    def take(self, entry: _Begun | _Made | _KeptOnce, end: int) -> None:
        """Add one entry, whose frame ends at byte `end`."""
        self.frames, self.end = self.frames + 1, end
        match entry:
            case _Begun(seq):
                self.seq = seq
            case _Made(record):
                self.seq = record.seq
                self.pending[record.id] = record
            case _KeptOnce(known):
                self.pending.pop(known, None)


class Queue:
    """The queue in one file under one key of 32 bytes; both are the device's (`cardio.bridge.device`)."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._path, self._aead = path, AESGCM(key)
        self._seen: tuple[tuple[int, int, int], list[Record]] | None = None

    def append(self, settlement: Settlement, *, card_id: str | None) -> Record:
        """Put a settlement at the end and return its record, on the disk; raises QueueBroken."""
        with self._opened() as file:
            contents = self._read(file)
            record = Record(
                id=uuid4(),
                seq=contents.seq + 1,
                item="A2-52",
                made_at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
                card_id=card_id,
                settlement=settlement,
            )
            self._write(file, contents, _Made(record))
        return record

    def pending(self) -> list[Record]:
        """Return the records that are not acknowledged, in their order; raises QueueBroken."""
        if not self._path.exists():
            return []
        # The running bridge asks every second: an unchanged file is not read again.
        mark = self._mark()
        if self._seen is None or self._seen[0] != mark:
            with self._opened() as file:
                self._seen = self._mark(), list(self._read(file).pending.values())
        return list(self._seen[1])

    def acknowledge(self, record: UUID) -> None:
        """Remember that the backend keeps a record; one that is not pending changes nothing."""
        with self._opened() as file:
            contents = self._read(file)
            if record not in contents.pending:
                return
            self._write(file, contents, _KeptOnce(record))
            contents.pending.pop(record)
            if not contents.pending and contents.end > _TIDY_BYTES:
                self._begin_anew(contents.seq)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        # The lock is on a file of its own: the queue itself may be replaced by one that begins anew.
        with locked(self._path.with_suffix(".lock")):
            opened = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
            with os.fdopen(opened, "r+b", buffering=0) as file:
                yield file

    def _mark(self) -> tuple[int, int, int]:
        found = self._path.stat()
        return found.st_ino, found.st_size, found.st_mtime_ns

    def _read(self, file: BinaryIO) -> _Contents:
        data, contents, at = file.read(), _Contents(), 0
        while at < len(data):
            body = data[at + _LENGTH.size : at + _LENGTH.size + self._length(data, at)]
            end = at + _LENGTH.size + self._length(data, at)
            try:
                entry = _ENTRY.decode(self._aead.decrypt(body[:_NONCE], body[_NONCE:], self._place(contents.frames)))
            except (InvalidTag, ValueError) as error:
                # Each frame is on the disk before the next: no more than the last one can be torn.
                if end < len(data) or end - at > _LENGTH.size + _LONGEST:
                    raise QueueBroken from error
                self._put_aside(file, data, at)
                break
            contents.take(entry, end)
            at = end
        return contents

    @staticmethod
    def _length(data: bytes, at: int) -> int:
        head = data[at : at + _LENGTH.size]
        length: int = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else _LONGEST
        # A length that no frame has was written halfway (zeros after a power cut): then all that follows is torn.
        return length if _NONCE + _TAG < length <= _LONGEST else len(data)

    @staticmethod
    def _place(number: int) -> bytes:
        return b"ecard-bridge queue %d" % number

    def _put_aside(self, file: BinaryIO, data: bytes, at: int) -> None:
        aside = self._path.with_suffix(f".torn-{time.time_ns()}")
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as kept:
            kept.write(data[at:])
        file.truncate(at)
        os.fsync(file.fileno())

    def _frame(self, number: int, entry: _Begun | _Made | _KeptOnce) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        body = nonce + self._aead.encrypt(nonce, msgspec.json.encode(entry), self._place(number))
        return _LENGTH.pack(len(body)) + body

    def _write(self, file: BinaryIO, contents: _Contents, entry: _Made | _KeptOnce) -> None:
        file.seek(contents.end)
        frame = self._frame(contents.frames, entry)
        file.write(frame)
        os.fsync(file.fileno())
        if contents.frames == 0:
            sync_directory(self._path.parent)
        contents.frames, contents.end = contents.frames + 1, contents.end + len(frame)

    def _begin_anew(self, seq: int) -> None:
        fresh = self._path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(self._frame(0, _Begun(seq)))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        sync_directory(self._path.parent)
