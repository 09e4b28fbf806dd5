"""Opening classes, binding vouchers to them, leaving them, and the learner's own share of the fee."""

from hashlib import sha256
from uuid import UUID

from ecard.access.store import agency_exists
from ecard.audit import store as audit
from ecard.callers import Holder, Operator, Terminal
from ecard.db import Db, Row, Tx
from ecard.desk.service import Desk, pseudonym
from ecard.errors import EcardError, NotFound
from ecard.ids import new_id
from ecard.runtime import Runtime
from pay.merchants.errors import MerchantSuspended, NotAMerchant
from pay.orders.errors import ItemNotAllowed, OverOrderLimit
from vouchers.classes import store
from vouchers.classes.errors import FeeCovered, NotAnInstitution, OwnSharePaid, SessionsRefused
from vouchers.classes.model import OWN_SHARE, timetable
from vouchers.classes.presenting import Presented, learner
from vouchers.classes.refusing import refusal
from vouchers.classes.schemas import (
    Binding,
    BindingRequest,
    ClassRequest,
    ClassSession,
    Dropped,
    DropRequest,
    Institution,
    InstitutionRequest,
    MyBindingRequest,
    Place,
    Seat,
    TrainingClass,
    Tuition,
)
from vouchers.life.errors import SerialUnknown, WrongInstitution
from vouchers.life.model import serial_valid
from vouchers.life.service import institution_of

PAYING_SECONDS = 900
"""Seconds that a learner has to confirm the order for the own share; then it is opened anew."""
_TUITION: dict[str, type[EcardError]] = {
    "covered": FeeCovered,
    "not_merchant": NotAMerchant,
    "merchant_suspended": MerchantSuspended,
    "item_not_allowed": ItemNotAllowed,
    "over_order_limit": OverOrderLimit,
}


async def register(tx: Tx, asked: InstitutionRequest, by: Operator) -> Institution:
    """Let an agency hold classes; raises NotFound (no such agency), InstitutionExists."""
    if not await agency_exists(tx, asked.agency):
        raise NotFound(pointer="/agency")
    await store.add_institution(tx, asked, by.actor)
    await audit.insert(
        tx, kind="institution_registered", outcome="ok", actor=by.actor, detail={"agency": str(asked.agency)}
    )
    [row] = await store.institutions(tx, asked.agency)
    return Institution(**row)


async def institutions(db: Db) -> list[Institution]:
    """Return every institution, by name."""
    return [Institution(**row) for row in await store.institutions(db)]


async def suspend(tx: Tx, agency: UUID, *, suspended: bool, by: Operator) -> None:
    """Suspend an institution, or lift it; raises NotFound."""
    if not await store.suspend(tx, agency, suspended=suspended):
        raise NotFound
    kind = "institution_suspended" if suspended else "institution_resumed"
    await audit.insert(tx, kind=kind, outcome="ok", actor=by.actor, detail={"agency": str(agency)})


async def open_class(tx: Tx, asked: ClassRequest, by: Terminal, *, sandbox: bool) -> TrainingClass:
    """Open a class.

    Raises ServerWanted, NotAnInstitution, NotFound (no such programme), WrongInstitution (the programme does not
    admit it, or has ended), SessionsRefused.
    """
    institution = institution_of(by)
    found = await store.standing(tx, institution, asked.programme)
    if found is None or found["suspended"]:
        raise NotAnInstitution
    if not found["known"]:
        raise NotFound(pointer="/programme")
    if not found["admitted"]:
        raise WrongInstitution
    sessions, faults = timetable(
        [(one.starts_at, one.ends_at, one.hours) for one in asked.sessions],
        opens_before=asked.opens_before,
        closes_after=asked.closes_after,
        rehearsal=asked.rehearsal,
    )
    if asked.rehearsal and not sandbox:
        faults.append("rehearsal")
    if asked.min_hours > sum(one.hours for one in sessions):
        faults.append("min_hours")
    if faults:
        raise SessionsRefused(faults=faults)
    class_ = new_id()
    await store.add_class(tx, class_, institution, asked, sessions, by.actor)
    await audit.insert(tx, kind="class_opened", outcome="ok", actor=by.actor, detail={"class": str(class_)})
    return await one_class(tx, class_)


async def one_class(db: Db, class_: UUID, *, institution: UUID | None = None) -> TrainingClass:
    """Return a class with its sessions, to its own institution where one is named; raises NotFound."""
    row = await store.find(db, class_)
    if row is None or institution not in {None, row["institution"]}:
        raise NotFound
    return _class(row, [ClassSession(**one) for one in await store.sessions(db, class_)])


async def classes(runtime: Runtime, institution: UUID, before: UUID | None) -> list[TrainingClass]:
    """Return an institution's classes, a hundred opened before one of them, youngest first."""
    return [_class(row, []) for row in await store.of_institution(runtime.pool, institution, before, 100)]


async def open_classes(db: Db, holder: Holder) -> list[TrainingClass]:
    """Return the classes that the holder's claimed vouchers may still join."""
    return [_class(row, []) for row in await store.joinable(db, holder.card, 100)]


async def seats(runtime: Runtime, class_: UUID, institution: UUID) -> list[Seat]:
    """Return who sits in a class; raises NotFound for another institution's."""
    await one_class(runtime.pool, class_, institution=institution)
    return [
        Seat(
            sub=pseudonym(runtime, institution, row["holder"]),
            voucher=row["voucher"],
            state=row["state"],
            bound_at=row["bound_at"],
            hours=row["hours"],
            own=row["own"],
            paid=row["paid"],
        )
        for row in await store.seats(runtime.pool, class_)
    ]


async def bind(tx: Tx, asked: MyBindingRequest, holder: Holder) -> Binding:
    """Bind the holder's voucher to a class; raises the errors of `class_bind`'s outcomes (`refusing`)."""
    enrolment = new_id()
    row = await store.bind(tx, enrolment, asked.class_, asked.voucher, holder.card, holder.actor)
    if row["outcome"] != "ok":
        raise refusal(row["outcome"], state=row["state"])
    return _binding(enrolment, asked.class_, row)


async def bind_here(
    tx: Tx, desk: Desk, class_: UUID, asked: BindingRequest, presented: Presented, by: Terminal, key: str, body: bytes
) -> Binding:
    """Bind the voucher of the learner at terminal `by`: a visit. Raises SerialUnknown, and as `bind` and a visit do."""
    if asked.serial is not None and not serial_valid(asked.serial):
        raise SerialUnknown
    enrolment = new_id()
    named = (enrolment, new_id(), class_, asked.serial, by.actor, by.agency, by.site, key, sha256(body).digest())
    row = await store.bind_here(tx, *named, presented=presented)
    if row["outcome"] != "ok":
        raise refusal(
            row["outcome"],
            more={"serial_unknown": SerialUnknown},
            state=row["state"],
            item=presented.item,
            first_at=row["first_at"],
        )
    sub, fields = learner(desk, by, presented.item, row["holder"], row["profile"])
    return _binding(enrolment, class_, row, sub=sub, holder=fields)


async def leave(tx: Tx, asked: DropRequest, holder: Holder) -> Dropped:
    """Leave a class, as its learner; raises the errors of `class_drop`'s outcomes."""
    row = await store.drop(
        tx, asked.voucher, actor=holder.actor, reason=asked.reason, card=holder.card, institution=None, place=None
    )
    return _dropped(asked.voucher, row)


async def drop(tx: Tx, class_: UUID, asked: DropRequest, by: Terminal) -> Dropped:
    """Take a learner out of a class, as its institution's server; raises ServerWanted and as `leave`."""
    institution = institution_of(by)
    await one_class(tx, class_, institution=institution)
    row = await store.drop(
        tx, asked.voucher, actor=by.actor, reason=asked.reason, card=None, institution=institution, place=by.site
    )
    return _dropped(asked.voucher, row)


async def own_share(tx: Tx, voucher: UUID, holder: Holder, key: str, body: bytes) -> Tuition:
    """Open the order for the holder's own share of a fee, to be confirmed with the password.

    Raises FeeCovered, OwnSharePaid, the errors of a voucher, and those of opening an order.
    """
    columns = (voucher, holder.card, OWN_SHARE, key, sha256(body).digest(), PAYING_SECONDS)
    row = await store.open_tuition(tx, new_id(), *columns)
    if row["outcome"] == "ordered":
        raise OwnSharePaid(order=str(row["order_id"]))
    if row["outcome"] != "ok":
        raise refusal(row["outcome"], more=_TUITION, state=row["state"])
    fee, own = row["fee"], row["own"]
    return Tuition(order=row["order_id"], voucher=voucher, fee=fee, own=own, subsidy=fee - own, state="created")


async def tuitions(db: Db, holder: Holder) -> list[Tuition]:
    """Return the orders for the holder's own shares, youngest first."""
    return [Tuition(**row) for row in await store.tuitions(db, holder.card)]


def _class(row: Row, sessions: list[ClassSession]) -> TrainingClass:
    facts = dict(row)
    latitude, longitude, radius = facts.pop("latitude"), facts.pop("longitude"), facts.pop("radius")
    place = None if radius is None else Place(latitude=latitude, longitude=longitude, radius=radius)
    return TrainingClass(**facts, place=place, sessions=sessions)


def _binding(enrolment: UUID, class_: UUID, row: Row, **more: object) -> Binding:
    own = max(row["fee"] - row["face"], 0)
    return Binding(enrolment=enrolment, voucher=row["voucher"], class_=class_, fee=row["fee"], own=own, **more)  # type: ignore[arg-type] # `sub` and `holder`, as they are


def _dropped(voucher: UUID, row: Row) -> Dropped:
    if row["outcome"] != "ok":
        raise refusal(row["outcome"], state=row["state"])
    return Dropped(voucher=voucher, state=row["state"])
