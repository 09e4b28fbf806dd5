"""HTTP of the volunteer time bank: organisations record, providers redeem, volunteers see their account."""

from uuid import UUID

from litestar import Response, Router, get, post, put
from litestar.params import FromPath, JSONBody

from ecard.access.model import Role
from ecard.callers import Holder, Operator, Terminal
from ecard.catalogue.model import Catalogue
from ecard.db import begin
from ecard.desk.errors import CardSuspended, VisitOver, VisitUnknown, WrongFlow
from ecard.errors import NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.runtime import Runtime
from pay.hours import service
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
from pay.hours.schemas import (
    HourCompletionRequest,
    HourRedemption,
    HourRedemptionRequest,
    VolunteerArrival,
    VolunteerBody,
    VolunteerBodyRequest,
    VolunteerDeparture,
    VolunteerHours,
    VolunteerService,
)

_STANDING = (VisitUnknown, VisitOver, CardSuspended, WrongFlow, NotInPerson, VisitCounted, InFlight)


@put("/volunteer-bodies", operation_id="volunteer_body_set", opt={"role": Role.REGISTRAR, "errors": (NotFound,)})
async def volunteer_body_set(
    data: JSONBody[VolunteerBodyRequest], operator: Given[Operator], runtime: Given[Runtime]
) -> VolunteerBody:
    """Register an agency in the time bank 登记志愿服务组织: whether it records service, whether it takes time."""
    async with begin(runtime.pool) as tx:
        return await service.set_body(tx, data, operator.actor)


@post(
    "/volunteer-services",
    operation_id="volunteer_arrive",
    status_code=201,
    opt={"errors": (*_STANDING, NotRecording, Serving)},
)
async def volunteer_arrive(
    data: JSONBody[VolunteerArrival],
    terminal: Given[Terminal],
    catalogue: Given[Catalogue],
    creation: Given[Creation],
) -> Response[VolunteerService]:
    """Check a volunteer in 志愿服务签到 (A2-06), by a visit here."""
    return await creation.once(terminal.actor, lambda tx: service.arrive(tx, catalogue, data, terminal))


@post(
    "/volunteer-services/departures",
    operation_id="volunteer_depart",
    status_code=201,
    opt={"errors": (*_STANDING, NotServing, ServiceLapsed)},
)
async def volunteer_depart(
    data: JSONBody[VolunteerDeparture],
    terminal: Given[Terminal],
    catalogue: Given[Catalogue],
    creation: Given[Creation],
) -> Response[VolunteerService]:
    """Check a volunteer out 志愿服务签退, by another visit here: the minutes are credited, once."""
    return await creation.once(terminal.actor, lambda tx: service.depart(tx, catalogue, data.visit, terminal))


@post(
    "/hour-redemptions",
    operation_id="hours_redeem",
    status_code=201,
    opt={"errors": (*_STANDING, NotRedeeming, HoursShort)},
)
async def hours_redeem(
    data: JSONBody[HourRedemptionRequest],
    terminal: Given[Terminal],
    catalogue: Given[Catalogue],
    creation: Given[Creation],
) -> Response[HourRedemption]:
    """Set a volunteer's minutes aside 兑换预留 for a service, for a day."""
    return await creation.once(terminal.actor, lambda tx: service.redeem(tx, catalogue, data, terminal))


@post(
    "/hour-redemptions/{number:uuid}/completion",
    operation_id="hours_complete",
    status_code=201,
    opt={"errors": (NotFound, RedemptionOver, RedemptionExceeded, InFlight)},
)
async def hours_complete(
    number: FromPath[UUID],
    data: JSONBody[HourCompletionRequest],
    terminal: Given[Terminal],
    creation: Given[Creation],
) -> Response[HourRedemption]:
    """Spend what was set aside 完成兑换, all or a part of it: the service was given."""
    return await creation.once(terminal.actor, lambda tx: service.finish(tx, number, data.minutes, terminal))


@post(
    "/hour-redemptions/{number:uuid}/cancellation",
    operation_id="hours_cancel",
    status_code=201,
    opt={"errors": (NotFound, RedemptionOver, InFlight)},
)
async def hours_cancel(
    number: FromPath[UUID], terminal: Given[Terminal], creation: Given[Creation]
) -> Response[HourRedemption]:
    """Give back what was set aside 取消兑换: no service was given."""
    return await creation.once(terminal.actor, lambda tx: service.finish(tx, number, None, terminal))


@get("/me/hours", operation_id="my_hours")
async def my_hours(holder: Given[Holder], runtime: Given[Runtime]) -> VolunteerHours:
    """Show the holder's volunteer time 志愿服务时长: the balance, services and what they were spent on."""
    return await service.mine(runtime.pool, holder)


router = Router(
    "/v1",
    route_handlers=[
        volunteer_body_set,
        volunteer_arrive,
        volunteer_depart,
        hours_redeem,
        hours_complete,
        hours_cancel,
        my_hours,
    ],
    tags=["hours"],
)
