"""Handing a month's allowances in as a disbursement, once."""

import datetime
import itertools
from uuid import UUID

from ecard.audit import store as audit
from ecard.db import Db, Tx
from ecard.errors import Invalid, NotFound
from ecard.runtime import Runtime
from pay.disbursement import intake, lines
from pay.disbursement import service as disbursement
from pay.disbursement.model import MOST_LINES, BenefitBatchState
from pay.disbursement.schemas import BenefitBatch
from pay.settlements.model import BEIJING
from vouchers.allowances import store
from vouchers.allowances.errors import AllowanceUnset, NothingDue
from vouchers.allowances.model import LIVING, TRAVEL, Terms, due, month
from vouchers.allowances.schemas import AllowanceBatch, AllowanceTerms

_ITEM = "A1-77"


async def set_terms(tx: Tx, programme: UUID, asked: AllowanceTerms, by: UUID) -> None:
    """Set what a programme pays its learners, from the next month that is handed in.

    Raises NotFound (no such programme, or benefit programme) and Invalid: that pays another item, does not name the
    agency, or lacks a component.
    """
    benefit = await disbursement.programme(tx, asked.benefit)
    wanted = {name for name, worth in ((LIVING, asked.living), (TRAVEL, asked.travel)) if worth}
    if benefit.item != _ITEM or not wanted or not wanted <= set(benefit.components):
        raise Invalid(pointer="/benefit")
    if asked.agency not in benefit.agencies:
        raise Invalid(pointer="/agency")
    terms = Terms(asked.benefit, asked.agency, asked.living, asked.travel, asked.most_days)
    if not await store.put(tx, programme, terms, by):
        raise NotFound
    detail: dict[str, object] = {"programme": str(programme), "benefit": str(asked.benefit)}
    await audit.insert(tx, kind="allowance_terms", outcome="ok", actor=by, detail=detail)


async def terms(db: Db, programme: UUID) -> AllowanceTerms:
    """Return what a programme pays its learners; raises AllowanceUnset."""
    found = await store.terms(db, programme)
    if found is None:
        raise AllowanceUnset
    return AllowanceTerms(**found._asdict())


async def hand_in(tx: Tx, runtime: Runtime, programme: UUID, period: str, by: UUID) -> AllowanceBatch:
    """Make the lines of a month's allowances and hand them in; a month that was handed in is returned as it stands.

    What was rejected there is counted afresh. Raises AllowanceUnset, AllowanceTooEarly, NothingDue and what
    `pay.disbursement` refuses.
    """
    found = await store.terms(tx, programme)
    if found is None:
        raise AllowanceUnset
    first = month(period, datetime.datetime.fromtimestamp(runtime.clock.time(), BEIJING).date())
    batch = await _opened(tx, found, programme, period, by)
    if batch.state is not BenefitBatchState.DRAFT:
        return _seen(batch)
    wanted = [
        intake.Due(one.holder, one.component, one.amount, f"{period} x {one.days}")
        for one in due(found, await store.days(tx, programme, first))
    ]
    if not wanted:
        raise NothingDue
    await lines.drop(tx, batch.id, 1, MOST_LINES)
    await intake.add(tx, batch.id, 1, wanted)
    return _seen(await disbursement.hand_in(tx, runtime, batch.id, by=by))


async def _opened(tx: Tx, found: Terms, programme: UUID, period: str, by: UUID) -> BenefitBatch:
    """Return the month's batch: the one that there is, unless it was withdrawn; else a new one."""
    for n in itertools.count(1):
        number = f"allowance-{programme.hex[-12:]}-{period}-{n}"
        batch = await intake.open_batch(tx, found.benefit, found.agency, period, number, by=by)
        opened = await disbursement.batch(tx, batch)
        if opened.state is not BenefitBatchState.CANCELLED:
            break
    return opened


def _seen(batch: BenefitBatch) -> AllowanceBatch:
    return AllowanceBatch(
        batch=batch.id, state=batch.state.value, manifest=batch.manifest, lines=batch.lines, total=batch.total
    )
