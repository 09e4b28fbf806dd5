"""脱网记录 (A2-52): what was done while the insurance could not be reached is taken down, and settled late.

The card proves itself in a visit of A2-52, or the institution's bridge, cut off from us too, queued the record and
handed it in later. The institution's own number makes the record one, however often it is sent.
"""

import datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

import msgspec

from ecard.callers import Terminal
from ecard.cards import store as cards
from ecard.cards.profiles import card_id_index, open_profile
from ecard.catalogue.model import Flow
from ecard.db import Tx, begin
from ecard.errors import Invalid, NotFound
from ecard.ids import new_id
from pay.medical import service, store
from pay.medical.confirming import FIRST_CHECK, Ward, carry_out
from pay.medical.errors import FeesMissing, NotInsured, RecordDiffers, RecordRefused, TrialStale
from pay.medical.model import BEIJING, Insured, MedicalState, check_record, today
from pay.medical.schemas import MedicalRecordRequest, MedicalSettlement
from pay.medical.service import Clinic, Presence

_KNOWN = """
    SELECT s.id, s.total, s.paid, s.recorded_on, s.fees_mac, e.care FROM medical_settlement s
    JOIN medical_encounter e ON e.id = s.encounter WHERE s.agency = $1 AND s.record_no = $2
"""
_RECORD = "SELECT medical_record($1, $2, $3, $4, $5, $6, $7)"
_UPLOAD = "SELECT medical_upload($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_DAY = "SELECT recorded_on FROM medical_settlement WHERE id = $1"
_KEPT = "SELECT record FROM offline_settlement WHERE id = $1 AND agency = $2"
_PLACE = "offline_settlement.record"
"""The place that records of bridges are sealed for."""
_TRIES = 5


class _Made(msgspec.Struct, frozen=True):
    """What a bridge wrote of a settlement, as far as it is settled here (`cardio.bridge.messages`)."""

    serial: str
    settled_at: str
    total: int
    cash: int


class _Queued(msgspec.Struct, frozen=True):
    """A record of a bridge's queue."""

    item: str
    card_id: str | None
    settlement: _Made


class _Taken(Exception):
    """Another request of this number was first: undo this one."""


class Recorded(NamedTuple):
    """A record, and whether it was there before."""

    settlement: MedicalSettlement
    again: bool


async def known(clinic: Clinic, asked: MedicalRecordRequest, by: Terminal) -> MedicalSettlement | None:
    """Return the record of this number, None while there is none; raises RecordDiffers where it says otherwise."""
    pool = clinic.runtime.pool
    row = await pool.fetchrow(_KNOWN, by.agency, asked.record_no)
    if row is None:
        return None
    kept = service.sealed(clinic, asked.fees, asked.total)
    said = (asked.total, asked.paid, asked.recorded_on, kept.mac, asked.care.value)
    if said != (row["total"], row["paid"], row["recorded_on"], row["fees_mac"], row["care"]):
        raise RecordDiffers
    return service.view(await service.found(pool, row["id"]))


async def record(clinic: Clinic, asked: MedicalRecordRequest, by: Terminal) -> Recorded:
    """Take a record down, once for the institution's number; again is answered with it.

    Raises what `service.present` and `service.admit` do, FeesDoNotSum, RecordRefused, RecordDiffers, NotFound.
    """
    before = await known(clinic, asked, by)
    if before is not None:
        return Recorded(before, again=True)
    check_record(asked.recorded_on, today(clinic.runtime.clock.time()), asked.paid, asked.total)
    visit, kept = asked.visit, asked.kept
    if visit is not None and kept is None:
        queued, person = None, await service.insured(clinic, visit, by)
    elif visit is None and kept is not None:
        queued = await _queued(clinic, asked, kept, by)
        visit, person = queued.proof, await _insured(clinic, queued)
    else:
        raise Invalid(pointer="/visit")
    try:
        async with begin(clinic.runtime.pool) as tx:
            patient = queued or await service.present(tx, clinic, visit, by, Flow.RECORD)
            return Recorded(await _add(tx, clinic, asked, patient, person, by), again=False)
    except _Taken:
        first = await known(clinic, asked, by)
        if first is None:
            raise RecordDiffers from None
        return Recorded(first, again=True)


async def _queued(clinic: Clinic, asked: MedicalRecordRequest, kept: UUID, by: Terminal) -> Presence:
    """Return the patient of a record that a bridge of this institution queued and handed in.

    Raises NotFound, RecordDiffers, RecordRefused (it names no card that is registered).
    """
    runtime = clinic.runtime
    sealed = await runtime.pool.fetchval(_KEPT, kept, by.agency)
    if sealed is None:
        raise NotFound(pointer="/kept")
    opened = runtime.vault.open(_PLACE, sealed)
    queued = msgspec.json.decode(opened, type=_Queued)
    made = queued.settlement
    day = datetime.datetime.fromisoformat(made.settled_at).astimezone(BEIJING).date()
    if (made.serial, day, made.total, made.cash) != (asked.record_no, asked.recorded_on, asked.total, asked.paid):
        raise RecordDiffers
    index = card_id_index(runtime.vault, queued.card_id) if queued.card_id else b""
    card = await cards.by_card_id(runtime.pool, index)
    if card is None:
        raise RecordRefused(pointer="/kept")
    return Presence(kept, sha256(opened).digest(), queued.item, card.holder, card.seq)


async def _insured(clinic: Clinic, patient: Presence) -> Insured:
    card = await cards.by_seq(clinic.runtime.pool, patient.card)
    person = None if card is None else await clinic.insurance.of(open_profile(clinic.runtime.vault, card.profile))
    if person is None:
        raise NotInsured
    return person


async def _add(
    tx: Tx, clinic: Clinic, asked: MedicalRecordRequest, patient: Presence, person: Insured, by: Terminal
) -> MedicalSettlement:
    kept = service.sealed(clinic, asked.fees, asked.total)
    encounter = await service.admit(tx, clinic, patient, asked.care, person, by)
    await store.put_fees(tx, encounter.id, 1, kept)
    number = new_id()
    columns = (encounter.id, asked.record_no, asked.recorded_on, asked.total, kept.mac, asked.paid)
    if await tx.fetchval(_RECORD, number, *columns) != "ok":
        raise _Taken
    return service.view(await service.found(tx, number))


async def upload(ward: Ward, number: UUID, by: Terminal) -> MedicalSettlement:
    """Settle a record late, by the rules of its day; once more is answered with how it stands.

    Raises NotFound, RulesMissing, OverSettlementLimit, TrialStale (others settle for this person at this moment).
    """
    pool = ward.clinic.runtime.pool
    one = await service.held(pool, number, by)
    for _ in range(_TRIES):
        if one.state != MedicalState.RECORDED:
            break
        asking = new_id()
        async with begin(pool) as tx:
            outcome = await _begin(tx, one, asking)
        if outcome == "ok":
            await carry_out(ward, asking)
        one = await service.held(pool, number, by)
    else:
        raise TrialStale
    return service.view(one)


async def _begin(tx: Tx, one: store.Settlement, asking: UUID) -> str:
    encounter = await store.encounter(tx, one.encounter)
    await store.lock(tx, one.encounter)
    kept = await store.fees(tx, one.encounter, 1)
    if encounter is None or kept is None:
        raise FeesMissing
    day = await tx.fetchval(_DAY, one.id)
    judged = await service.judge(tx, encounter, 1, kept, day)
    return str(
        await tx.fetchval(
            _UPLOAD,
            one.id,
            judged.digest,
            judged.rule,
            judged.year,
            judged.version,
            list(service.plain(judged.made.added)),
            list(judged.made.legs),
            asking,
            FIRST_CHECK,
        )
    )
