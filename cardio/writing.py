"""Scripts that write: what A1-04 and A2-52 ask to be written, and nothing else.

A card that is taken out in the middle of a write is torn. Each write leaves on the card what it takes to see that,
and to finish or undo it, at any counter:

- The certificate (A1-04) is several records. Before they change, what they hold is copied to a journal in the same
  file, and a seal says that a write is under way, from what to what. The seal is closed when all was read back. An
  open seal is a torn write: the same write again finishes it, any other first undoes it from the journal.
- A settlement (A2-52) is one record of a cyclic file, with a check at its end. A newest record whose check is wrong is
  a torn write, and is written over. One that holds the very settlement was written before its answer was lost, and is
  not written twice.

The checks find tears, not forgers: who may write is decided by the card's update key.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from cardio.commands import iso, words
from cardio.commands.apdu import Command, Response
from cardio.commands.iso import Dialect
from cardio.errors import BadAnswer, Refused, ValueUnfit, WriteUndone
from cardio.files import tlv
from cardio.files.tables import CERTIFICATE, CHECK, JOURNAL, SEAL, SETTLEMENTS, Item
from cardio.keys.model import READ_DF02, READ_DF04, UPDATE_DF02, UPDATE_DF04
from cardio.reading import Recognised
from cardio.script import Script, batch

_OPEN, _CLOSED = b"\x01", b"\x00"
_DIGEST = 8
_NAMED = sum(SETTLEMENTS.items[at].length for at in range(2))
"""Bytes that name a settlement: institution and serial."""
_RECORDS = (*CERTIFICATE, SEAL, *JOURNAL)


class Mended(Enum):
    """What was done about a torn write that was found."""

    NOTHING = "nothing"
    FINISHED = "finished"
    UNDONE = "undone"


class Written(NamedTuple):
    """`changed` is False where the card held it already; `mended` says what was found before."""

    changed: bool
    mended: Mended


class Certificate(NamedTuple):
    """The certificate on a card: before the torn write, where one is found."""

    values: Mapping[str, str]
    torn: bool


class _Seal(NamedTuple):
    open: bool
    before: bytes
    after: bytes

    def encode(self) -> bytes:
        body = (_OPEN if self.open else _CLOSED) + self.before + self.after
        return tlv.encode(SEAL.tag, body + _check(body))

    @classmethod
    def decode(cls, record: bytes) -> "_Seal | None":
        """Return the seal, or None: never written, or torn itself, when the records were whole."""
        body, check = (value := tlv.decode(SEAL.tag, record))[:-CHECK], value[-CHECK:]
        if len(body) != 1 + 2 * _DIGEST or not hmac.compare_digest(check, _check(body)):
            return None
        return cls(body[:1] == _OPEN, body[1 : 1 + _DIGEST], body[1 + _DIGEST :])


class _State(NamedTuple):
    records: dict[str, bytes]
    journal: dict[str, bytes]
    seal: _Seal | None

    @property
    def torn(self) -> bool:
        return self.seal is not None and self.seal.open

    def before(self) -> dict[str, bytes]:
        """Return the records from before a torn write; raises BadAnswer where the journal is not what was sealed."""
        records = {one.name: tlv.encode(one.tag, self.journal[one.name][2:]) for one in CERTIFICATE}
        if self.seal is None or _digest(records) != self.seal.before:
            raise BadAnswer
        return records


def read_certificate(seen: Recognised, opening: bytes | None = None) -> Script[Certificate]:
    """Read DF02/EF09, after the PIN, or with `opening` of key READ_DF02; raises Refused, BadAnswer."""
    state = yield from _state(seen.dialect, READ_DF02, opening)
    records = state.before() if state.torn else state.records
    return Certificate({one.name: one.decode(records[one.name]) for one in CERTIFICATE}, state.torn)


def write_certificate(seen: Recognised, values: Mapping[str, str], opening: bytes) -> Script[Written]:
    """Write fields of DF02/EF09 (A1-04) and read them back; the others stay.

    `opening` is of key UPDATE_DF02. A torn write is finished if this is the same, else undone first. Raises ValueUnfit
    before anything is sent, WriteUndone where what was read back differs, Refused, BadAnswer.
    """
    if not set(values) <= {one.name for one in CERTIFICATE}:
        raise ValueUnfit
    new = {name: CERTIFICATE[name].encode(value) for name, value in values.items()}
    state = yield from _state(seen.dialect, UPDATE_DF02, opening)
    mended = Mended.NOTHING
    before = state.records
    if state.torn:
        before = state.before()
        finishes = state.seal is not None and _digest({**before, **new}) == state.seal.after
        mended = Mended.FINISHED if finishes else Mended.UNDONE
        if not finishes:
            yield from _change(seen.dialect, before, before, sealed=True)
    after = {**before, **new}
    if after == before and (mended is not Mended.FINISHED):
        return Written(changed=False, mended=mended)
    try:
        yield from _change(seen.dialect, before, after, sealed=mended is Mended.FINISHED)
    except (Refused, WriteUndone):
        yield from _change(seen.dialect, before, before, sealed=True)
        raise WriteUndone from None
    return Written(changed=True, mended=mended)


def undo_certificate(seen: Recognised, opening: bytes) -> Script[Written]:
    """Undo a torn write of DF02/EF09, if there is one; raises as `write_certificate`."""
    return (yield from write_certificate(seen, {}, opening))


def _change(dialect: Dialect, before: Mapping[str, bytes], after: Mapping[str, bytes], *, sealed: bool) -> Script[None]:
    """Journal, seal, write, read back, close the seal; raises WriteUndone where the card holds something else.

    What is `sealed` already has its journal, and an open seal that must not be written over: a tear in it would hide
    the one that is being mended.
    """
    opened = _Seal(open=True, before=_digest(before), after=_digest(after))
    closed = opened._replace(open=False)
    first = []
    if not sealed:
        first = [(item, tlv.encode(item.tag, before[item.name][2:])) for item in JOURNAL]
        first.append((SEAL, opened.encode()))
    writes = [(item, after[item.name]) for item in CERTIFICATE]
    commands = [_update(dialect, *one) for one in (*first, *writes)]
    answers = yield batch(*commands, *(_read(dialect, item) for item, _ in writes))
    _all_of(answers, len(commands) + len(writes))
    if [one.data for one in answers[len(commands) :]] != [record for _, record in writes]:
        raise WriteUndone
    answers = yield batch(_update(dialect, SEAL, closed.encode()), _read(dialect, SEAL))
    _all_of(answers, 2)
    if answers[1].data != closed.encode():
        raise WriteUndone


def _state(dialect: Dialect, key: int, opening: bytes | None) -> Script[_State]:
    opens = [iso.external_authenticate(key, opening)] if opening else []
    head = [iso.select_df(CERTIFICATE.df), *opens, iso.select_ef(CERTIFICATE.ef)]
    answers = yield batch(*head, *(_read(dialect, item) for item in _RECORDS))
    _all_of(answers, len(head) + len(_RECORDS))
    raw = [one.data for one in answers[len(head) :]]
    for item, record in zip(_RECORDS, raw, strict=True):
        if len(tlv.decode(item.tag, record)) != item.length:
            raise BadAnswer
    count = len(CERTIFICATE.items)
    names = [one.name for one in CERTIFICATE]
    return _State(
        dict(zip(names, raw[:count], strict=True)),
        dict(zip(names, raw[count + 1 :], strict=True)),
        _Seal.decode(raw[count]),
    )


class Newest(NamedTuple):
    """The newest record of the cyclic file: its fields, None where it is blank or torn."""

    values: Mapping[str, str] | None
    torn: bool
    raw: bytes = b""


def read_settlement(seen: Recognised, opening: bytes | None = None) -> Script[Newest]:
    """Read the newest settlement, after the PIN, or with `opening` of key READ_DF04; raises Refused, BadAnswer."""
    return (yield from _newest(seen.dialect, READ_DF04, opening))


def write_settlement(seen: Recognised, values: Mapping[str, str], opening: bytes) -> Script[Written]:
    """Append a settlement to DF04/EF08 (A2-52) and read it back; the oldest of its places is given up.

    `opening` is of key UPDATE_DF04. Raises ValueUnfit before anything is sent, WriteUndone (the record is then blank),
    Refused, BadAnswer.
    """
    body = SETTLEMENTS.encode(values)
    record = tlv.encode(SETTLEMENTS.tag, body + _check(body))
    newest = yield from _newest(seen.dialect, UPDATE_DF04, opening)
    if newest.values is not None and SETTLEMENTS.encode(newest.values) == body:
        return Written(changed=False, mended=Mended.NOTHING)
    mended = Mended.NOTHING
    if newest.torn:
        mended = Mended.FINISHED if newest.raw[:_NAMED] == body[:_NAMED] else Mended.UNDONE
    place = _place(seen.dialect)
    again = iso.update_record(seen.dialect, place, record)
    look = iso.read_record(seen.dialect, place, SETTLEMENTS.length + CHECK)
    for command in (again if newest.torn else iso.append_record(record), again):
        answers = yield batch(command, look)
        if len(answers) == 2 and answers[1].data == record:  # noqa: PLR2004 - written, and read back
            return Written(changed=True, mended=mended)
        if not answers[0].ok and answers[0].sw in _NEVER:
            words.ask(answers[0])
    yield batch(iso.update_record(seen.dialect, place, SETTLEMENTS.blank()))
    raise WriteUndone


_NEVER = (words.SECURITY_NOT_SATISFIED, *words.NOT_FOUND, 0x6981, 0x6A80, 0x6D00)
"""Words after which nothing was written, and nothing will be."""


def _newest(dialect: Dialect, key: int, opening: bytes | None) -> Script[Newest]:
    opens = [iso.external_authenticate(key, opening)] if opening else []
    head = [iso.select_df(SETTLEMENTS.df), *opens, iso.select_ef(SETTLEMENTS.ef)]
    answers = yield batch(*head, iso.read_record(dialect, _place(dialect), SETTLEMENTS.length + CHECK))
    if len(answers) == len(head) + 1 and answers[-1].sw == words.NO_RECORD:
        return Newest(None, torn=False)
    _all_of(answers, len(head) + 1)
    value = tlv.decode(SETTLEMENTS.tag, answers[-1].data)
    if len(value) != SETTLEMENTS.length + CHECK:
        raise BadAnswer
    body, check = value[:-CHECK], value[-CHECK:]
    if not any(value) or value == b"\xff" * len(value):
        return Newest(None, torn=False)
    if not hmac.compare_digest(check, _check(body)):
        return Newest(None, torn=True, raw=body)
    return Newest(SETTLEMENTS.decode(body), torn=False, raw=body)


def _place(dialect: Dialect) -> int:
    return 1 if dialect is Dialect.NUMBER else SETTLEMENTS.tag


def _read(dialect: Dialect, item: Item) -> Command:
    return iso.read_record(dialect, item.record if dialect is Dialect.NUMBER else item.tag, item.length)


def _update(dialect: Dialect, item: Item, record: bytes) -> Command:
    return iso.update_record(dialect, item.record if dialect is Dialect.NUMBER else item.tag, record)


def _all_of(answers: Sequence[Response], count: int) -> None:
    for one in answers:
        words.ask(one)
    if len(answers) != count:
        raise BadAnswer


def _digest(records: Mapping[str, bytes]) -> bytes:
    whole = b"".join(records[one.name] for one in CERTIFICATE)
    return hashlib.sha256(whole).digest()[:_DIGEST]


def _check(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:CHECK]
