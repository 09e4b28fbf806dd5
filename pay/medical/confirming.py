"""Settling: begun in the books, then the region's agency is asked, then its answer is booked.

No lock and no connection is held while it is asked. An agency that does not answer leaves the settlement waiting, and
is asked what became of it until it says so (`again`): what it never had is sent again, under the same reference.
"""

import logging
from typing import NamedTuple
from uuid import UUID

import asyncpg

from ecard.callers import Terminal
from ecard.desk.errors import VisitOver
from ecard.errors import EcardError
from ecard.ids import new_id
from pay.banks.bank import Credit
from pay.medical import asks, service, store
from pay.medical.agency import Agency, Asked, Said, Silent, Verdict
from pay.medical.connector import Agencies
from pay.medical.errors import CashNotPaid, FeesChanged, NotWaiting, TrialStale
from pay.medical.model import MedicalState
from pay.medical.schemas import MedicalSettlement
from pay.medical.service import Clinic
from pay.orders.asking import Till, ask

log = logging.getLogger("pay.medical")
FIRST_CHECK = 15
"""Seconds after which an agency that did not answer is asked what became of it."""
_REASON = "就医结算退款"


class Ward(NamedTuple):
    """What settlements are carried out with: the clinic's parts, the agencies, and the banks that pay cash back."""

    clinic: Clinic
    agencies: Agencies
    till: Till


async def confirm(ward: Ward, number: UUID, split: str, by: Terminal) -> MedicalSettlement:
    """Settle what a trial said; the same again is answered with how it stands.

    Raises NotFound, TrialStale, FeesChanged, CashNotPaid, NotWaiting, VisitOver (the patient disputes it).
    """
    pool = ward.clinic.runtime.pool
    one, asking = await service.held(pool, number, by), new_id()
    outcome = await store.confirm(pool, number, bytes.fromhex(split), asking, FIRST_CHECK)
    if outcome == "ok":
        await carry_out(ward, asking)
    elif outcome != "again":
        raise _refusal(outcome, one)
    return service.view(await service.found(pool, number))


def _refusal(outcome: str, one: store.Settlement) -> EcardError:
    match outcome:
        case "cash_missing":
            return CashNotPaid(cash=one.cash_due)
        case "fees_changed":
            return FeesChanged()
        case "disputed":
            return VisitOver()
        case "not_open":
            return NotWaiting(state=MedicalState(one.state).value)
        case _:
            return TrialStale()


async def carry_out(ward: Ward, asking: UUID) -> None:
    """Send what was committed to be asked, and book the answer; cash that is to go back begins to."""
    pool = ward.clinic.runtime.pool
    row = await asks.asked(pool, asking)
    if row is None:
        return
    agency = await ward.agencies.of(pool, row.region)
    said = await _said(agency, _asked(ward.clinic, row), first=row.checks == 0)
    try:
        await asks.book(pool, asking, said)
        await give_back(ward, row.settlement)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        log.warning("an answer of an agency was not booked: %s", type(error).__name__)


async def _said(agency: Agency, asked: Asked, *, first: bool) -> Said:
    """Return what an agency says: of a new request, or of one that it may have had."""
    try:
        if not first:
            said = await agency.query(asked.ref)
            if said.verdict is not Verdict.UNKNOWN:
                return said
        return await agency.send(asked)
    except Silent:
        return Said(Verdict.UNKNOWN)


def _asked(clinic: Clinic, row: asks.AskRow) -> Asked:
    fees = [] if row.lines is None else [line.code for line in service.opened(clinic, row.lines)]
    return Asked(
        ref=row.subject.hex,
        kind=row.kind,
        of=row.settlement.hex,
        encounter=row.encounter.hex,
        scheme=row.scheme,
        care=row.care,
        total=row.total,
        legs=row.parts,
        fees=fees,
    )


async def again(ward: Ward) -> int:
    """Ask what became of what is due; return how many were asked about."""
    due = await asks.due(ward.clinic.runtime.pool)
    for one in due:
        await carry_out(ward, one)
    return len(due)


async def give_back(ward: Ward, settlement: UUID | None = None) -> None:
    """Refund the cash of orders that is to go back: of one settlement, or of all."""
    for due in await asks.give_back(ward.clinic.runtime.pool, settlement):
        credit = Credit(due.bank_ref, due.of_ref, due.amount, _REASON)
        await ask(ward.till, due.bank, due.attempt, credit)
