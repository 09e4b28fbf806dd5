"""HTTP of rides: gates upload and fetch, operators set prices, riders look and pay."""

import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from ecard.access.model import Role
from ecard.callers import Holder, Operator, Terminal
from ecard.catalogue.errors import ItemUnknown
from ecard.catalogue.model import Catalogue
from ecard.db import begin
from ecard.desk.errors import CardSuspended, VisitOver, VisitUnknown, WrongFlow
from ecard.errors import NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.keyring.model import NoKey
from ecard.runtime import Runtime
from pay.merchants.errors import MerchantSuspended, NotAMerchant
from pay.orders.errors import ItemNotAllowed, OverOrderLimit
from pay.rides import service
from pay.rides.denied import DeniedMaker
from pay.rides.errors import (
    DirectionWrong,
    FaresMissing,
    FareTableExists,
    FareTableRefused,
    LineUnknown,
    NotAGate,
    NothingOwed,
    OperatorUnknown,
    StationUnknown,
    VisitWanted,
)
from pay.rides.schemas import (
    CardTap,
    CardTapRequest,
    ContestedTap,
    Denied,
    FareGrant,
    FareTableAnswer,
    FareTableRequest,
    Ride,
    RideOrder,
    Subsidy,
    TapsAnswer,
    TapsRequest,
)

_LAST = 253402300799
_Before = Annotated[int, QueryParameter(ge=0, le=_LAST, description="此时间之前, Unix 秒 (before this time, seconds)")]


def _time(before: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(before, datetime.UTC)


@post("/rides", operation_id="taps_upload", status_code=200, opt={"errors": (NotAGate,)})
async def taps_upload(data: JSONBody[TapsRequest], terminal: Given[Terminal], runtime: Given[Runtime]) -> TapsAnswer:
    """Upload what a gate accepted offline 上传刷码记录: each line for itself, as often as need be."""
    return await service.upload(runtime, terminal, data.taps)


@post(
    "/rides/cards",
    operation_id="card_tap",
    status_code=201,
    opt={
        "errors": (
            *(NotAGate, VisitUnknown, VisitOver, CardSuspended, WrongFlow),
            *(FaresMissing, LineUnknown, StationUnknown, DirectionWrong, InFlight),
        )
    },
)
async def card_tap(
    data: JSONBody[CardTapRequest],
    terminal: Given[Terminal],
    catalogue: Given[Catalogue],
    creation: Given[Creation],
) -> Response[CardTap]:
    """Ride with the physical card 刷卡乘车: the tap of a card that was read at this gate, priced as a code's."""
    return await creation.once(terminal.actor, lambda tx: service.tap_by_card(tx, catalogue, terminal, data))


@get("/rides/contested", operation_id="taps_contested", opt={"errors": (NotAGate,)})
async def taps_contested(terminal: Given[Terminal], runtime: Given[Runtime]) -> list[ContestedTap]:
    """List this gate's taps of codes that were used elsewhere as well 争议刷码: who was first is charged for."""
    return await service.contested(runtime, terminal)


@get("/rides/denied", operation_id="rides_denied", opt={"errors": (NoKey,)})
async def rides_denied(terminal: Given[Terminal], denials: Given[DeniedMaker]) -> Denied:
    """Fetch the signed negative list 欠费名单: cards that gates do not let in, without saying whose they are."""
    del terminal
    return Denied(denied=await denials.current())


@get("/rides/subsidies", operation_id="rides_subsidies")
async def rides_subsidies(terminal: Given[Terminal], runtime: Given[Runtime], before: _Before = _LAST) -> list[Subsidy]:
    """List what cities bear for this operator's rides 补贴汇总: by hour, in all, without names."""
    return await service.subsidies(runtime, terminal, _time(before))


@post(
    "/fare-tables",
    operation_id="fare_table_add",
    status_code=201,
    opt={
        "role": Role.FINANCE,
        "errors": (OperatorUnknown, FareTableRefused, FareTableExists, InFlight),
    },
)
async def fare_table_add(
    data: JSONBody[FareTableRequest],
    operator: Given[Operator],
    catalogue: Given[Catalogue],
    creation: Given[Creation],
) -> Response[FareTableAnswer]:
    """Set an operator's prices from a time on 登记票价表; what was ridden before is not priced anew."""
    return await creation.once(operator.actor, lambda tx: service.set_fares(tx, catalogue, data, operator))


@post("/fare-classes", operation_id="fare_class_grant", status_code=204, opt={"errors": (VisitWanted,)})
async def fare_class_grant(data: JSONBody[FareGrant], terminal: Given[Terminal], runtime: Given[Runtime]) -> None:
    """Give a holder who is here a fare class 登记票价类别: what gates charge, and never why."""
    async with begin(runtime.pool) as tx:
        await service.grant(tx, data, terminal)


@get("/me/rides", operation_id="rides_list")
async def rides_list(
    holder: Given[Holder],
    runtime: Given[Runtime],
    before: _Before = _LAST,
    limit: Annotated[int, QueryParameter(ge=1, le=100, description="最多条数 (at most so many)")] = 20,
) -> list[Ride]:
    """List the holder's rides 乘车记录: where, when, for how much, and whether it is paid."""
    return await service.rides(runtime, holder, _time(before), limit)


@post(
    "/me/rides/{ride:uuid}/pay",
    operation_id="ride_pay",
    status_code=201,
    opt={
        "errors": (
            NothingOwed,
            NotFound,
            ItemUnknown,
            NotAMerchant,
            MerchantSuspended,
            ItemNotAllowed,
            OverOrderLimit,
            InFlight,
        )
    },
)
async def ride_pay(
    ride: FromPath[UUID], holder: Given[Holder], catalogue: Given[Catalogue], creation: Given[Creation]
) -> Response[RideOrder]:
    """Open the order for a ride that is owed 补缴乘车费用; confirm it with the password, and gates open again."""
    return await creation.once(
        holder.actor,
        lambda tx: service.settle(tx, catalogue, holder, ride, key=creation.required_key(), body=creation.body),
    )


router = Router(
    "/v1",
    route_handlers=[
        taps_upload,
        card_tap,
        taps_contested,
        rides_denied,
        rides_subsidies,
        fare_table_add,
        fare_class_grant,
        rides_list,
        ride_pay,
    ],
    tags=["rides"],
)
