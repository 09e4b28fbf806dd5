"""Recording service, setting its time aside and spending it."""

from typing import Any
from uuid import UUID

import msgspec

from ecard.audit import store as audit
from ecard.callers import Holder, Terminal
from ecard.catalogue.model import Catalogue, Flow
from ecard.db import Db, Tx
from ecard.desk.standing import Standing, at_agency
from ecard.errors import NotFound
from ecard.ids import new_id
from pay.hours import store
from pay.hours.errors import (
    HoursShort,
    NotInPerson,
    NotRecording,
    NotRedeeming,
    NotServing,
    RedemptionExceeded,
    RedemptionOver,
    ServiceLapsed,
    Serving,
    VisitCounted,
)
from pay.hours.model import LONGEST, minutes
from pay.hours.schemas import (
    HourRedemption,
    HourRedemptionRequest,
    VolunteerArrival,
    VolunteerBody,
    VolunteerBodyRequest,
    VolunteerHours,
    VolunteerService,
)


async def set_body(tx: Tx, asked: VolunteerBodyRequest, by: UUID) -> VolunteerBody:
    """Set an agency's part in the time bank; raises NotFound."""
    if not await store.set_body(tx, asked.agency, asked.records, asked.redeems, by):
        raise NotFound(pointer="/agency")
    detail: dict[str, object] = {"agency": str(asked.agency), "records": asked.records, "redeems": asked.redeems}
    await audit.insert(tx, kind="volunteer_body_set", outcome="ok", actor=by, detail=detail)
    return VolunteerBody(agency=asked.agency, records=asked.records, redeems=asked.redeems)


async def arrive(tx: Tx, catalogue: Catalogue, asked: VolunteerArrival, by: Terminal) -> VolunteerService:
    """Begin the service of a visit's holder.

    Raises what `at_agency` raises, NotInPerson, NotRecording, VisitCounted and Serving.
    """
    standing, number = await _standing(tx, catalogue, asked.visit, by), new_id()
    row = await store.arrive(tx, number, asked.visit, standing.holder, by.agency, by.site, asked.project)
    match row["outcome"]:
        case "not_recording":
            raise NotRecording
        case "counted":
            raise VisitCounted
        case "serving":
            raise Serving(since=int(row["came_at"].timestamp()))
        case _:
            return await _service(tx, number)


async def depart(tx: Tx, catalogue: Catalogue, visit: UUID, by: Terminal) -> VolunteerService:
    """End the service that a visit's holder began at this agency, and credit its minutes.

    Raises what `at_agency` raises, NotInPerson, NotServing, ServiceLapsed, and VisitCounted: arriving and leaving are
    two visits, and who was last seen before the service began was not seen to leave it.
    """
    standing = await _standing(tx, catalogue, visit, by)
    if await store.counted(tx, visit):
        raise VisitCounted
    row = await store.open_service(tx, standing.holder, by.agency)
    if row is None:
        raise NotServing
    if standing.at <= row["came_at"]:
        raise VisitCounted
    earned = minutes(row["came_at"], row["now"])
    if earned is None:
        raise ServiceLapsed(hours=LONGEST.total_seconds() // 3600)
    if await store.credit(tx, row["id"], visit, row["now"], earned) != "ok":
        raise VisitCounted
    detail: dict[str, object] = {"service": str(row["id"]), "minutes": earned}
    await _note(tx, "volunteer_credited", standing, detail)
    return await _service(tx, row["id"])


async def redeem(tx: Tx, catalogue: Catalogue, asked: HourRedemptionRequest, by: Terminal) -> HourRedemption:
    """Set a volunteer's minutes aside for a service of this agency.

    Raises what `at_agency` raises, NotInPerson, NotRedeeming, VisitCounted and HoursShort.
    """
    standing, number = await _standing(tx, catalogue, asked.visit, by), new_id()
    row = await store.redeem(tx, number, asked.visit, standing.holder, by.agency, asked.service, asked.minutes)
    match row["outcome"]:
        case "not_redeeming":
            raise NotRedeeming
        case "counted":
            raise VisitCounted
        case "short":
            raise HoursShort(available=row["available"])
        case _:
            await _note(tx, "volunteer_held", standing, {"redemption": str(number), "minutes": asked.minutes})
            return await _redemption(tx, number)


async def finish(tx: Tx, number: UUID, spent: int | None, by: Terminal) -> HourRedemption:
    """Spend what was set aside, all or a part, or give it back (None).

    Raises NotFound, RedemptionOver and RedemptionExceeded.
    """
    row = await store.finish(tx, number, by.agency, spent)
    match row["outcome"]:
        case "unknown":
            raise NotFound
        case "over":
            raise RedemptionOver(current=row["state"])
        case "exceeded":
            raise RedemptionExceeded(held=row["held"])
        case _:
            kind = "volunteer_given_back" if spent is None else "volunteer_spent"
            detail: dict[str, object] = {"redemption": str(number), "minutes": spent}
            await audit.insert(tx, kind=kind, outcome="ok", actor=by.actor, detail=detail)
            return await _redemption(tx, number)


async def mine(db: Db, holder: Holder) -> VolunteerHours:
    """Return the holder's account, services and redemptions, youngest first."""
    person = await store.holder_of(db, holder.card)
    wallet: Any = await store.wallet(db, person) or {"balance": 0, "held": 0, "available": 0}
    return VolunteerHours(
        balance=wallet["balance"],
        held=wallet["held"],
        available=wallet["available"],
        services=[msgspec.convert(dict(row), VolunteerService) for row in await store.services(db, holder=person)],
        redemptions=[msgspec.convert(dict(row), HourRedemption) for row in await store.redemptions(db, holder=person)],
    )


async def _standing(tx: Tx, catalogue: Catalogue, visit: UUID, by: Terminal) -> Standing:
    standing = await at_agency(tx, catalogue, visit, by, Flow.TIMEBANK)
    if standing.acting is not None:
        raise NotInPerson
    return standing


async def _note(tx: Tx, kind: str, standing: Standing, detail: dict[str, object]) -> None:
    columns: dict[str, Any] = {"actor": standing.actor, "card": standing.card, "item": standing.item.code}
    await audit.insert(tx, kind=kind, outcome="ok", detail={"visit": str(standing.visit), **detail}, **columns)


async def _service(db: Db, number: UUID) -> VolunteerService:
    [row] = await store.services(db, number=number)
    return msgspec.convert(dict(row), VolunteerService)


async def _redemption(db: Db, number: UUID) -> HourRedemption:
    [row] = await store.redemptions(db, number=number)
    return msgspec.convert(dict(row), HourRedemption)
