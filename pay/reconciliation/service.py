"""Loading a day file, comparing it, and closing what differs."""

import asyncio
import datetime
import hashlib
import itertools
from collections.abc import Callable, Iterator
from io import BufferedReader, BytesIO
from typing import NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from ecard.db import Db, Pool, Tx, begin
from ecard.errors import EcardError, NotFound
from ecard.ids import new_id
from pay.ledger.service import command, declared
from pay.reconciliation import store
from pay.reconciliation.errors import (
    BreakNotOpen,
    DayLoaded,
    DayOpen,
    FileRefused,
    NoMerchant,
    NothingProposed,
    SamePerson,
)
from pay.reconciliation.layouts import LAYOUTS, DayFile
from pay.reconciliation.model import BEIJING, Bad, HeaderWrong, Line
from pay.reconciliation.schemas import Break, BreakDecision, BreakProposal, Reconciliation

CHUNK = 20_000
"""Lines that are read and copied at once."""
Source = BufferedReader | BytesIO
Told = Callable[[int], None]
_REFUSALS: dict[str, type[EcardError]] = {
    "not_found": NotFound,
    "not_open": BreakNotOpen,
    "not_proposed": NothingProposed,
    "no_merchant": NoMerchant,
    "same_person": SamePerson,
}


class _Chunk(NamedTuple):
    lines: bytes
    wrong: list[Bad]


async def reconcile(
    pool: Pool,
    source: Source,
    *,
    bank: str,
    day: datetime.date,
    now: float,
    by: UUID | None = None,
    told: Told = lambda _: None,
) -> Reconciliation:
    """Load a day file and compare it; the same bytes again change nothing and return what came of them.

    `now` is in Unix seconds; `told` hears the bytes read so far. Raises NotFound (no such bank), DayOpen, FileRefused,
    DayLoaded.
    """
    if day >= datetime.datetime.fromtimestamp(now, BEIJING).date():
        raise DayOpen
    file = await load(pool, source, bank=bank, day=day, by=by, told=told)
    await compare(pool, file, bank)
    return await report(pool, file)


async def load(pool: Pool, source: Source, *, bank: str, day: datetime.date, by: UUID | None, told: Told) -> UUID:
    """Load a file's lines, once; return the file. Bad lines are noted by place and reason, and stop nothing."""
    layout = await store.layout_of(pool, bank)
    if layout is None:
        raise NotFound
    if layout not in LAYOUTS:
        raise FileRefused(reason="layout")
    sha256 = await asyncio.to_thread(_digest, source)
    before = await store.known(pool, sha256)
    if before is not None:
        return before
    day_file = _opened(source, layout, bank, day)
    async with begin(pool) as tx:
        await store.be_patient(tx, bank)
        file = new_id()
        if not await store.add(tx, file, bank, day, sha256, by):
            return await store.known(tx, sha256) or file
        bad = await _staged(tx, file, day_file, source, told)
        if not await store.keep(tx, file, bank, day, day_file.lines, bad, whole=day_file.whole):
            raise DayLoaded
    return file


def _digest(source: Source) -> bytes:
    source.seek(0)
    return hashlib.file_digest(source, "sha256").digest()


def _opened(source: Source, layout: str, bank: str, day: datetime.date) -> DayFile:
    source.seek(0)
    try:
        opened = DayFile(source, layout)
    except HeaderWrong:
        raise FileRefused(reason="header") from None
    if opened.header.bank != bank:
        raise FileRefused(reason="bank")
    if opened.header.day != day:
        raise FileRefused(reason="day")
    return opened


async def _staged(tx: Tx, file: UUID, day_file: DayFile, source: Source, told: Told) -> int:
    """Copy the lines, some thousands at once, read in a thread; return how many were bad."""
    read, bad = iter(day_file), 0
    while chunk := await asyncio.to_thread(_chunk, read):
        await store.stage(tx, chunk.lines)
        if chunk.wrong:
            await store.note_bad(tx, file, chunk.wrong)
        bad += len({one.place for one in chunk.wrong})
        told(source.tell())
    return bad


def _chunk(read: Iterator[Line | Bad]) -> _Chunk | None:
    """Return the next lines, None where there are none."""
    found = list(itertools.islice(read, CHUNK))
    wrong = [one for one in found if isinstance(one, Bad)]
    return _Chunk(store.as_text(one for one in found if isinstance(one, Line)), wrong) if found else None


async def compare(pool: Pool, file: UUID, bank: str) -> None:
    """Resolve the orders whose outcome the file tells, then book what differs; what was compared is not again."""
    async with begin(pool) as tx:
        await store.be_patient(tx, bank)
        found = await store.answers(tx, file)
    resolved = 0
    for attempt in found:
        # Each by itself: no order waits for another, and none for the file.
        resolved += await command(pool, lambda tx, one=attempt: store.book(tx, one))  # type: ignore[misc] # bound now

    async def match(tx: Tx) -> None:
        await store.be_patient(tx, bank)
        await store.match(tx, file, resolved)

    await command(pool, match)


async def report(db: Db, file: UUID) -> Reconciliation:
    """Return what came of a file; raises NotFound."""
    row = await store.file(db, file)
    if row is None:
        raise NotFound
    bad = [dict(one) for one in await store.bad_lines(db, file)]
    return msgspec.convert({**row, "bad_lines": bad}, Reconciliation)


async def reports(db: Db, bank: str | None, limit: int) -> list[Reconciliation]:
    """Return the youngest files, without their bad lines."""
    return [msgspec.convert({**row, "bad_lines": []}, Reconciliation) for row in await store.files(db, bank, limit)]


async def breaks(
    db: Db, bank: str | None, state: str | None, day: datetime.date | None, after: UUID | None, limit: int
) -> list[Break]:
    """Return breaks, oldest first."""
    return [msgspec.convert(dict(row), Break) for row in await store.breaks(db, bank, state, day, after, limit)]


async def propose(tx: Tx, wanted: UUID, asked: BreakProposal, by: UUID) -> Break:
    """Say how a break is to be closed; raises NotFound, BreakNotOpen, NoMerchant."""
    _checked(await store.propose(tx, wanted, by, asked.how, asked.note))
    return await _break(tx, wanted)


async def decide(tx: Tx, wanted: UUID, asked: BreakDecision, by: UUID) -> Break:
    """Carry out what another operator proposed, or refuse it.

    Raises NotFound, NothingProposed, SamePerson, BalanceShort (the merchant has too little).
    """
    try:
        _checked(await store.decide(tx, wanted, by, agree=asked.agree))
    except asyncpg.PostgresError as error:
        raise declared(error) from None
    return await _break(tx, wanted)


def _checked(outcome: str) -> None:
    if outcome != "ok":
        raise _REFUSALS[outcome]


async def _break(tx: Tx, wanted: UUID) -> Break:
    return msgspec.convert(dict(await store.break_of(tx, wanted) or {}), Break)
