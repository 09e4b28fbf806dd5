"""Making programmes, giving them money, ending them."""

from uuid import UUID

import asyncpg
import msgspec

from ecard.audit import store as audit
from ecard.db import Db, Row, Tx
from ecard.errors import NotFound
from ecard.ids import new_id
from pay.ledger.service import declared
from vouchers.programmes import store
from vouchers.programmes.errors import InstitutionUnknown, ProgrammeEnded, ValidityTooLong
from vouchers.programmes.model import VALIDITY_DAYS
from vouchers.programmes.schemas import Budget, BudgetRequest, Programme, ProgrammeRequest


async def create(tx: Tx, asked: ProgrammeRequest, by: UUID | None) -> Programme:
    """Make a programme; `by` is None for the command line.

    Raises ValidityTooLong, InstitutionUnknown, ProgrammeExists.
    """
    if asked.validity_days > VALIDITY_DAYS and asked.longer_by is None:
        raise ValidityTooLong(pointer="/validity_days", longest=VALIDITY_DAYS)
    place = await store.unknown_institution(tx, asked.institutions)
    if place is not None:
        raise InstitutionUnknown(pointer=f"/institutions/{place}")
    programme = new_id()
    await store.insert(tx, programme, asked, by)
    await _note(tx, "voucher_programme", by, programme)
    return _programme(await store.find(tx, programme))


async def programmes(db: Db, after: UUID | None, limit: int) -> list[Programme]:
    """Return up to `limit` programmes, youngest first, those made before `after`."""
    return [_programme(row) for row in await store.every(db, after, limit)]


async def programme(db: Db, wanted: UUID) -> Programme:
    """Return a programme with its funds; raises NotFound."""
    return _programme(await store.find(db, wanted))


async def budget(tx: Tx, programme: UUID, asked: BudgetRequest, by: UUID | None) -> Budget:
    """Give a programme money of a source, or give it back.

    Raises NotFound, ProgrammeEnded (only for more money), BalanceShort (more is given back than is there).
    """
    found = _programme(await store.find(tx, programme))
    if found.ended_at is not None and not asked.returned:
        raise ProgrammeEnded
    try:
        journal = await store.budget(tx, programme, asked.source, -asked.amount if asked.returned else asked.amount)
    except asyncpg.PostgresError as error:
        raise declared(error) from None
    await _note(tx, "voucher_budget", by, programme, source=asked.source, journal=str(journal))
    return Budget(journal=journal, source=asked.source, available=await store.available(tx, programme, asked.source))


async def end(tx: Tx, programme: UUID, by: UUID | None) -> None:
    """End a programme, once: no more batches or claims; what was claimed stays good. Raises NotFound."""
    if not await store.end(tx, programme):
        raise NotFound
    await _note(tx, "voucher_programme_ended", by, programme)


async def _note(tx: Tx, kind: str, by: UUID | None, programme: UUID, **more: object) -> None:
    detail = {"programme": str(programme), **more}
    await audit.insert(tx, kind=kind, outcome="ok", actor=by, detail=detail)


def _programme(row: Row | None) -> Programme:
    if row is None:
        raise NotFound
    return msgspec.convert(dict(row), Programme)
