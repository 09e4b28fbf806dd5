"""From a visit to a trial: a patient is registered, fees are uploaded and split, the cash leg is asked for."""

import datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

import msgspec

from ecard.callers import Terminal
from ecard.cards.profiles import open_profile
from ecard.catalogue.model import Catalogue, Flow
from ecard.db import Db, Tx, begin
from ecard.desk.errors import VisitUnknown
from ecard.desk.standing import at_agency
from ecard.errors import NotFound
from ecard.ids import new_id
from ecard.runtime import Runtime
from pay.medical import store
from pay.medical.errors import (
    CashDiffers,
    CashTaken,
    EncounterExists,
    FeesMissing,
    NotAnInstitution,
    NothingDue,
    NotInsured,
    NotWaiting,
    OverSettlementLimit,
    RegionUnknown,
    RulesMissing,
    SegmentSettled,
)
from pay.medical.insured import Insurance
from pay.medical.items import charged_as, settled
from pay.medical.model import TRIAL_SECONDS, Care, Insured, LegKind, MedicalState, Sums, add_up, today
from pay.medical.schemas import (
    FeeLine,
    MedicalCashRequest,
    MedicalEncounter,
    MedicalFeesRequest,
    MedicalLeg,
    MedicalRegistrationRequest,
    MedicalSettlement,
    MedicalTrialRequest,
)
from pay.medical.splitting import Patient, Rule, Split, split
from pay.orders.model import OrderKind
from pay.orders.schemas import OrderRequest
from pay.orders.service import open_order

FEES = "medical.fees"
"""The place that a list of fees is sealed for."""
_SUBJECT = "就医结算"


class Clinic(NamedTuple):
    """What settlements are decided with."""

    runtime: Runtime
    catalogue: Catalogue
    insurance: Insurance


class Judged(NamedTuple):
    """A split with all that it stands on, and its hash."""

    rule: UUID
    year: int
    version: int
    made: Split
    digest: bytes


async def insured(clinic: Clinic, visit: UUID, by: Terminal) -> Insured:
    """Ask how the holder of a visit is insured, with no transaction open meanwhile.

    Raises what `at_agency` does: nobody's insurance is told to whom they are not with. NotInsured.
    """
    async with begin(clinic.runtime.pool) as tx:
        await at_agency(tx, clinic.catalogue, visit, by, Flow.SETTLE, Flow.RECORD)
        row = await store.patient(tx, visit, by.agency)
    if row is None:
        raise VisitUnknown
    found = await clinic.insurance.of(open_profile(clinic.runtime.vault, row["profile"]))
    if found is None:
        raise NotInsured
    return found


class Presence(NamedTuple):
    """Who is treated, for which item, and what proves it: a visit, or a record that the institution's bridge kept."""

    proof: UUID
    evidence_sha256: bytes
    item: str
    holder: UUID
    card: int


async def present(tx: Tx, clinic: Clinic, visit: UUID, by: Terminal, flow: Flow) -> Presence:
    """Return who stands here in a visit; raises what `at_agency` does."""
    standing = await at_agency(tx, clinic.catalogue, visit, by, flow)
    return Presence(standing.visit, standing.evidence_sha256, standing.item.code, standing.holder, standing.card)


async def register(
    tx: Tx, clinic: Clinic, asked: MedicalRegistrationRequest, person: Insured, by: Terminal
) -> MedicalEncounter:
    """Register the patient of a visit; raises what `at_agency` and `admit` do."""
    patient = await present(tx, clinic, asked.visit, by, Flow.SETTLE)
    return await admit(tx, clinic, patient, asked.care, person, by)


async def admit(
    tx: Tx, clinic: Clinic, patient: Presence, care: Care, person: Insured, by: Terminal
) -> MedicalEncounter:
    """Register a patient; raises NotAnInstitution, CareNotOfItem, NotInsured, RegionUnknown, EncounterExists."""
    place = await store.institution(tx, by.agency)
    if place is None:
        raise NotAnInstitution
    how = settled(patient.item, care)
    if not await store.region_known(tx, person.region):
        raise RegionUnknown
    one = store.Encounter(
        id=new_id(),
        item=patient.item,
        holder=patient.holder,
        card=patient.card,
        agency=by.agency,
        care=care,
        one_stop=how.one_stop,
        region_care=place[0],
        grade=place[1],
        region_insured=person.region,
        scheme=how.scheme_of(person),
        categories=list(person.categories),
        began_on=today(clinic.runtime.clock.time()),
    )
    before = await store.register(tx, patient.proof, patient.evidence_sha256, by.actor, one)
    if before is not None:
        raise EncounterExists(encounter=str(before))
    await store.open_account(tx, patient.holder, person)
    return MedicalEncounter(
        id=one.id,
        item=one.item,
        care=one.care,
        region_care=one.region_care,
        region_insured=one.region_insured,
        scheme=one.scheme,
        categories=one.categories,
        one_stop=one.one_stop,
    )


async def put_fees(
    tx: Tx, clinic: Clinic, encounter: UUID, segment: int, asked: MedicalFeesRequest, by: Terminal
) -> store.Fees:
    """Keep the fees of a segment, all of them; raises NotFound, FeesDoNotSum, SegmentSettled."""
    await own(tx, encounter, by)
    await store.lock(tx, encounter)
    kept = sealed(clinic, asked.fees, asked.total)
    if not await store.put_fees(tx, encounter, segment, kept):
        raise SegmentSettled
    return kept


def sealed(clinic: Clinic, lines: list[FeeLine], total: int) -> store.Fees:
    """Return fees as they are kept; raises FeesDoNotSum."""
    totals = add_up([(one.listed, one.price, one.quantity, one.amount) for one in lines], total)
    encoded, vault = msgspec.json.encode(lines), clinic.runtime.vault
    return store.Fees(vault.seal(FEES, encoded), vault.mac("medical fees", encoded), totals)


def opened(clinic: Clinic, lines: bytes) -> list[FeeLine]:
    """Return the lines that were sealed."""
    return msgspec.json.decode(clinic.runtime.vault.open(FEES, lines), type=list[FeeLine])


async def trial(tx: Tx, clinic: Clinic, encounter: UUID, asked: MedicalTrialRequest, by: Terminal) -> MedicalSettlement:
    """Split a segment's fees; the patient is here, in a visit of the item.

    Raises NotFound, what `at_agency` does, VisitUnknown (another patient's visit), FeesMissing, RulesMissing,
    OverSettlementLimit, SegmentSettled, CashTaken.
    """
    one = await own(tx, encounter, by)
    standing = await at_agency(tx, clinic.catalogue, asked.visit, by, Flow.SETTLE)
    if (standing.holder, standing.item.code) != (one.holder, one.item):
        raise VisitUnknown
    await store.lock(tx, encounter)
    kept = await store.fees(tx, encounter, asked.segment)
    if kept is None:
        raise FeesMissing
    judged = await judge(tx, one, asked.segment, kept, today(clinic.runtime.clock.time()))
    number = new_id()
    outcome = await store.trial(
        tx,
        number,
        encounter,
        asked.segment,
        kept.totals.total,
        kept.mac,
        judged.digest,
        judged.rule,
        judged.year,
        judged.version,
        list(plain(judged.made.added)),
        list(judged.made.legs),
        TRIAL_SECONDS,
    )
    if outcome == "settled":
        raise SegmentSettled
    if outcome == "cash_taken":
        raise CashTaken
    return view(await found(tx, number))


async def judge(tx: Tx, one: store.Encounter, segment: int, kept: store.Fees, day: datetime.date) -> Judged:
    """Return the split of some fees by the rule of a day; the person's year is locked meanwhile.

    Raises RulesMissing, OverSettlementLimit.
    """
    row = await store.rule(tx, one, day)
    if row is None:
        raise RulesMissing
    rule = msgspec.convert(row["body"], Rule)
    if kept.totals.total > rule.limit:
        raise OverSettlementLimit(limit=rule.limit)
    version, sums = await store.year(tx, one, day.year)
    balance, held = await store.account(tx, one.holder)
    patient = Patient(one.grade, frozenset(one.categories), one.one_stop, balance - held)
    made = split(rule, kept.totals, sums, patient)
    stands_on = (one.id, segment, kept.mac.hex(), row["id"], day.year, version, kept.totals.total, made.legs)
    return Judged(row["id"], day.year, version, made, sha256(msgspec.json.encode(stands_on)).digest())


def plain(sums: Sums) -> tuple[int, ...]:
    """Return sums as the tables keep them."""
    return msgspec.structs.astuple(sums)


async def cash(
    tx: Tx, clinic: Clinic, number: UUID, asked: MedicalCashRequest, by: Terminal, *, key: str, body: bytes
) -> MedicalSettlement:
    """Take the cash leg, or a debt: at the till, or by an order that only the patient may confirm.

    Raises NotFound, NothingDue, CashDiffers, CashTaken, and what `open_order` does.
    """
    before = await held(tx, number, by)
    if asked.by == "till":
        outcome = await store.till(tx, number, asked.amount)
    else:
        if before.cash_due not in {0, asked.amount}:
            raise CashDiffers(due=before.cash_due)
        order = OrderRequest(
            item=charged_as(before.item),
            out_trade_no=new_id().hex,
            amount=asked.amount,
            subject=_SUBJECT,
            expires_in=TRIAL_SECONDS,
        )
        opened_order = await open_order(
            tx,
            clinic.catalogue,
            order,
            merchant=by.agency,
            kind=OrderKind.MEDICAL,
            key=key,
            body=body,
            terminal=by.actor,
        )
        outcome = await store.ordered(tx, number, opened_order.id)
    match outcome:
        case "nothing_due":
            raise NothingDue
        case "differs":
            raise CashDiffers(due=before.cash_due)
        case "order_open":
            raise CashTaken
    return view(await found(tx, number))


async def cancel(tx: Tx, number: UUID, by: Terminal) -> MedicalSettlement:
    """Give a trial up; what an order took for it goes back. Raises NotFound, NotWaiting."""
    before = await held(tx, number, by)
    if await store.cancel(tx, number) == "not_open":
        raise NotWaiting(state=before.state)
    return view(await found(tx, number))


async def own(db: Db, encounter: UUID, by: Terminal) -> store.Encounter:
    """Return an encounter of the terminal's agency; raises NotFound."""
    one = await store.encounter(db, encounter)
    if one is None or one.agency != by.agency:
        raise NotFound
    return one


async def held(db: Db, number: UUID, by: Terminal) -> store.Settlement:
    """Return a settlement of the terminal's agency; raises NotFound."""
    one = await store.settlement(db, number)
    if one is None or one.agency != by.agency:
        raise NotFound
    return one


async def found(db: Db, number: UUID) -> store.Settlement:
    """Return a settlement that is there; raises NotFound."""
    one = await store.settlement(db, number)
    if one is None:
        raise NotFound
    return one


async def of_holder(db: Db, number: UUID, holder: UUID) -> store.Settlement:
    """Return a holder's own settlement; raises NotFound."""
    one = await store.settlement(db, number)
    if one is None or one.holder != holder:
        raise NotFound
    return one


def view(one: store.Settlement) -> MedicalSettlement:
    """Return a settlement as institution and patient see it."""
    legs = [
        MedicalLeg(kind=kind, amount=amount, reversed=gone)
        for kind, amount, gone in zip(LegKind, one.amounts, one.gone, strict=False)
    ]
    taken = one.paid is not None and MedicalState(one.state) in {MedicalState.CONFIRMED, MedicalState.REVERSED}
    return MedicalSettlement(
        id=one.id,
        encounter=one.encounter,
        institution=one.institution,
        item=one.item,
        care=one.care,
        segment=one.segment,
        state=MedicalState(one.state),
        total=one.total,
        reversed=one.reversed,
        legs=legs,
        region_care=one.region_care,
        region_insured=one.region_insured,
        scheme=one.scheme,
        created_at=int(one.created_at.timestamp()),
        cash_due=one.cash_due,
        cash_by=one.cash_by,  # type: ignore[arg-type] # the table's check says which
        order=one.order_id,
        split=one.split,
        expires_at=_unix(one.expires_at),
        confirmed_at=_unix(one.confirmed_at),
        refusal=one.refusal,
        record_no=one.record_no,
        paid=one.paid,
        debt=one.debt,
        give_back=max((one.paid or 0) - one.amounts[-1], 0) if taken else 0,
        journal=one.journal,
    )


def _unix(at: datetime.datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())
