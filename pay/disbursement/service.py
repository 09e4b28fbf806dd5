"""Programmes, what becomes of a batch (handed in, approved twice, released, closed), and what is decided of lines."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from ecard import workdays
from ecard.audit import store as audit
from ecard.catalogue.model import Catalogue
from ecard.db import Db, Tx
from ecard.errors import EcardError, NotFound
from ecard.ids import new_id
from ecard.runtime import Runtime
from pay.disbursement import lines, proofs, store
from pay.disbursement.errors import (
    AgencyNotOfProgramme,
    BatchClosed,
    BatchEmpty,
    BatchNotDraft,
    BatchUnderWay,
    ClawbackDiffers,
    LineElsewhere,
    LineNotOpen,
    ManifestChanged,
    ManifestStale,
    NotApproved,
    NoticeRunning,
    NotUnderReview,
    ProgrammeEnded,
    SameApprover,
    WrongLevel,
)
from pay.disbursement.model import BenefitBatchState, check_certifying, check_receivable, is_pseudonymous
from pay.disbursement.schemas import (
    BenefitApprovalRequest,
    BenefitBatch,
    BenefitBudgetRequest,
    BenefitClawback,
    BenefitClawbackRequest,
    BenefitDecision,
    BenefitLine,
    BenefitProgramme,
    BenefitProgrammeRequest,
    BenefitRecoveryRequest,
    BenefitRejectionRequest,
)
from pay.ledger.service import declared

_REFUSALS: Mapping[str, type[EcardError]] = {
    "not_found": NotFound,
    "not_open": NotUnderReview,
    "stale": ManifestStale,
    "notice": NoticeRunning,
    "wrong_level": WrongLevel,
    "same_person": SameApprover,
    "not_approved": NotApproved,
    "under_way": BatchUnderWay,
}
_OF_LINE: Mapping[str, type[EcardError]] = {
    "not_found": NotFound,
    "not_open": LineNotOpen,
    "not_paid": LineNotOpen,
    "not_returned": LineNotOpen,
    "closed": BatchClosed,
    "duplicate": LineElsewhere,
    "same_person": SameApprover,
    "differs": ClawbackDiffers,
    "too_much": ClawbackDiffers,
}


async def add_programme(tx: Tx, catalogue: Catalogue, asked: BenefitProgrammeRequest, by: UUID) -> BenefitProgramme:
    """Add a programme.

    Raises ItemUnknown, ItemNotReceived, ItemNotCertifying, NotFound (an agency), ProgrammeExists.
    """
    item = catalogue.get(asked.item)
    check_receivable(item)
    for code in asked.certified_by:
        check_certifying(catalogue.get(code))
    if await store.unknown_agency(tx, asked.agencies):
        raise NotFound(pointer="/agencies")
    number = new_id()
    await store.add_programme(tx, number, asked, by, pseudonymous=is_pseudonymous(item))
    await _record(tx, "benefit_programme_added", by, programme=number, item=asked.item)
    return await programme(tx, number)


async def programmes(db: Db) -> list[BenefitProgramme]:
    """Return all programmes, oldest first."""
    return [msgspec.convert(dict(row), BenefitProgramme) for row in await store.programmes(db)]


async def programme(db: Db, number: UUID) -> BenefitProgramme:
    """Return a programme; raises NotFound."""
    for row in await store.programmes(db, number):
        return msgspec.convert(dict(row), BenefitProgramme)
    raise NotFound


async def fund(tx: Tx, number: UUID, asked: BenefitBudgetRequest, by: UUID) -> BenefitProgramme:
    """Give a programme money; raises NotFound."""
    if not await store.budget(tx, new_id(), number, asked.source, asked.amount, by):
        raise NotFound
    await _record(tx, "benefit_budget", by, programme=number, source=asked.source, amount=asked.amount)
    return await programme(tx, number)


async def end(tx: Tx, number: UUID, by: UUID) -> None:
    """Let a programme take no new batch; raises NotFound."""
    if not await store.end(tx, number):
        raise NotFound
    await _record(tx, "benefit_programme_ended", by, programme=number)


async def batch(db: Db, number: UUID, *, agency: UUID | None = None) -> BenefitBatch:
    """Return a batch; with `agency`, one of theirs. Raises NotFound."""
    row = await store.batch(db, number)
    if row is None or agency not in {None, row["agency"]}:
        raise NotFound
    return await _with_figures(db, row)


async def batches(db: Db, state: str | None, agency: UUID | None, limit: int) -> list[BenefitBatch]:
    """Return the youngest batches, drafts only of an agency that is named."""
    return [await _with_figures(db, row) for row in await store.batches(db, state, agency, limit)]


async def _with_figures(db: Db, row: dict[str, Any]) -> BenefitBatch:
    return msgspec.convert({**row, **await store.figures(db, row["id"])}, BenefitBatch)


async def hand_in(
    tx: Tx, runtime: Runtime, number: UUID, *, by: UUID | None, agency: UUID | None = None
) -> BenefitBatch:
    """Hand a draft in: its manifest is fixed, and the public notice begins. Again changes nothing.

    Raises NotFound, AgencyNotOfProgramme, ProgrammeEnded, BatchNotDraft (cancelled), BatchEmpty.
    """
    row = await store.lock(tx, number)
    if row is None:
        raise NotFound
    if agency not in {None, row.agency}:
        raise AgencyNotOfProgramme
    if row.state == BenefitBatchState.CANCELLED:
        raise BatchNotDraft
    if row.state == BenefitBatchState.DRAFT:
        if row.ended:
            raise ProgrammeEnded
        await store.be_patient(tx)
        manifest = await proofs.manifest(tx, row.id, row.programme, row.period)
        if not manifest.lines:
            raise BatchEmpty
        ends_at = workdays.ends_at(runtime.clock.time(), row.notice_days)
        await store.hand_in(tx, row, manifest, ends_at, by)
        await _record(tx, "benefit_handed_in", by, batch=number, manifest=manifest.root.hex(), lines=manifest.lines)
    return await batch(tx, number)


async def approve(tx: Tx, runtime: Runtime, number: UUID, asked: BenefitApprovalRequest, by: UUID) -> BenefitDecision:
    """Approve a batch at a level, as its manifest says it stands; at the second level the manifest is signed.

    Raises NotFound, NotUnderReview, ManifestStale, NoticeRunning, WrongLevel, SameApprover.
    """
    outcome = await store.approve(tx, number, by, asked.level, bytes.fromhex(asked.manifest))
    if outcome == "ok" and asked.level == 2:  # noqa: PLR2004 - the last level
        await proofs.sign(tx, runtime, number)
    return await _decided(tx, number, outcome, "benefit_approved", by, level=asked.level, manifest=asked.manifest)


async def reject(tx: Tx, number: UUID, asked: BenefitRejectionRequest, by: UUID) -> BenefitDecision:
    """Send a batch back to its agency; raises NotFound, NotUnderReview, ManifestStale."""
    outcome = await store.reject(tx, number, bytes.fromhex(asked.manifest), asked.reason)
    return await _decided(tx, number, outcome, "benefit_rejected", by, manifest=asked.manifest)


async def release(tx: Tx, number: UUID, manifest: str, by: UUID) -> BenefitDecision:
    """Set a batch's money aside and let it be paid, if its lines still give what was approved. Again changes nothing.

    Raises NotFound, NotApproved, ManifestStale, ManifestChanged, BalanceShort (the fund has too little).
    """
    row = await store.lock(tx, number)
    if row is None:
        raise NotFound
    wanted = bytes.fromhex(manifest)
    if row.state == BenefitBatchState.LEVEL2:
        await store.be_patient(tx)
        if (await proofs.manifest(tx, row.id, row.programme, row.period)).root != wanted:
            raise ManifestChanged if (await store.approved(tx, number)).root == wanted else ManifestStale
    try:
        outcome = await store.release(tx, number, by, wanted)
    except asyncpg.PostgresError as error:
        raise declared(error) from None
    return await _decided(tx, number, outcome, "benefit_released", by, manifest=manifest)


async def close(tx: Tx, number: UUID, by: UUID) -> BenefitDecision:
    """End a batch: what was not paid is cancelled, its money the fund's.

    Raises NotFound, NotUnderReview, BatchUnderWay.
    """
    await store.be_patient(tx)
    return await _decided(tx, number, await store.close(tx, number), "benefit_closed", by)


async def cancel(tx: Tx, number: UUID, by: UUID, *, agency: UUID | None = None) -> BenefitDecision:
    """Give up a batch that is not released; raises NotFound, AgencyNotOfProgramme, NotUnderReview."""
    if agency is not None:
        row = await store.lock(tx, number)
        if row is not None and row.agency != agency:
            raise AgencyNotOfProgramme
    await store.be_patient(tx)
    return await _decided(tx, number, await store.cancel(tx, number), "benefit_cancelled", by)


async def _decided(tx: Tx, number: UUID, outcome: str, kind: str, by: UUID, **detail: object) -> BenefitDecision:
    if outcome in _REFUSALS:
        raise _refusal(outcome, await store.batch(tx, number))
    if outcome == "ok":
        await _record(tx, kind, by, batch=number, **detail)
    row = await store.batch(tx, number)
    return BenefitDecision(batch=number, state=BenefitBatchState((row or {})["state"]))


def _refusal(outcome: str, row: dict[str, Any] | None) -> EcardError:
    error = _REFUSALS[outcome]
    if error is NoticeRunning and row:
        return NoticeRunning(ends_at=row["notice_ends_at"].isoformat())
    if error is WrongLevel and row:
        return WrongLevel(level=row["approvals"] + 1)
    return error()


async def cancel_line(tx: Tx, number: UUID, by: UUID) -> BenefitLine:
    """Give up a line that is released and not paid; raises NotFound, LineNotOpen."""
    return await _of_line(tx, number, await lines.cancel(tx, number), "benefit_line_cancelled", by)


async def redrive(tx: Tx, number: UUID, by: UUID) -> BenefitLine:
    """Pay a returned line again, once its account was verified; return the line that was returned.

    Raises NotFound, LineNotOpen, BatchClosed, LineElsewhere.
    """
    return await _of_line(tx, number, await lines.redrive(tx, number, new_id()), "benefit_redriven", by)


async def claw_back(tx: Tx, number: UUID, asked: BenefitClawbackRequest, by: UUID) -> BenefitClawback:
    """Say that a line was overpaid, or confirm what another operator said.

    Raises NotFound, LineNotOpen, SameApprover, ClawbackDiffers.
    """
    outcome = await lines.claw(tx, number, by, asked.amount, asked.reason)
    found = await _of_line(tx, number, outcome, "benefit_clawback", by, amount=asked.amount, state=outcome)
    state = "proposed" if outcome == "proposed" else "confirmed"
    return BenefitClawback(line=number, state=state, amount=asked.amount, recovered=found.recovered)


async def recover(tx: Tx, number: UUID, asked: BenefitRecoveryRequest, by: UUID) -> BenefitLine:
    """Book what came back of an overpaid line, once for its reference at the bank.

    Raises NotFound (nothing is owed back, or no such bank), LineNotOpen (not confirmed), ClawbackDiffers.
    """
    try:
        outcome = await lines.recover(tx, number, by, asked.amount, asked.bank, asked.bank_ref)
    except asyncpg.ForeignKeyViolationError:
        raise NotFound(pointer="/bank") from None
    return await _of_line(tx, number, outcome, "benefit_recovered", by, amount=asked.amount, bank=asked.bank)


async def _of_line(tx: Tx, number: UUID, outcome: str, kind: str, by: UUID, **detail: object) -> BenefitLine:
    if outcome in _OF_LINE:
        raise _OF_LINE[outcome]
    if outcome != "again":
        await _record(tx, kind, by, line=number, **detail)
    found = await lines.find(tx, number)
    if found is None:
        raise NotFound
    return found


async def _record(tx: Tx, kind: str, by: UUID | None, **detail: object) -> None:
    told = {key: str(value) if isinstance(value, UUID) else value for key, value in detail.items()}
    await audit.insert(tx, kind=kind, outcome="ok", actor=by, detail=told)
