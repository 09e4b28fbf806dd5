"""HTTP of settlements, shops and statements."""

import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter

from ecard.access.model import Role
from ecard.callers import Operator, Terminal
from ecard.db import begin
from ecard.errors import Invalid, NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.runtime import Runtime
from pay.banks.directory import Banks
from pay.settlements import service
from pay.settlements.errors import DayNotOver, ShopExists, ShopTerminalRefused
from pay.settlements.model import yesterday
from pay.settlements.schemas import FeeRequest, Settlement, SettlementRequest, Shop, ShopRequest
from pay.webhooks.errors import NotTheServer
from pay.webhooks.service import merchant_of

_CSV = "text/csv"
_Day = Annotated[
    str | None, QueryParameter(description="日期, 北京时间 (a day, by Beijing's time)", schema_extra={"format": "date"})
]
_Limit = Annotated[int, QueryParameter(ge=1, le=500, description="最多条数 (at most so many)")]


@post(
    "/settlements", operation_id="settlement_run", status_code=200, opt={"role": Role.FINANCE, "errors": (DayNotOver,)}
)
async def settlement_run(
    data: JSONBody[SettlementRequest], operator: Given[Operator], runtime: Given[Runtime], banks: Given[Banks]
) -> list[Settlement]:
    """Pay every merchant out for a day 结算: what was settled is not settled again."""
    del operator
    return await service.settle(runtime, banks, data.day, rehearsal=data.rehearsal and runtime.settings.sandbox)


@get("/settlements", operation_id="settlements_list", opt={"errors": (NotTheServer,)})
async def settlements_list(
    terminal: Given[Terminal], runtime: Given[Runtime], date: _Day = None, limit: _Limit = 100
) -> list[Settlement]:
    """List the merchant's settlements 结算记录, youngest first."""
    day = None if date is None else _day(date)
    return await service.settlements(runtime.pool, merchant_of(terminal), day, limit)


@get(
    "/statements",
    operation_id="statement_get",
    media_type=_CSV,
    opt={"errors": (NotTheServer,), "media": _CSV},
)
async def statement_get(terminal: Given[Terminal], runtime: Given[Runtime], date: _Day = None) -> Response[bytes]:
    """Download a day's statement 对账单: payments and refunds as CSV, in 分 and in yuan; of yesterday unless said."""
    day = yesterday(runtime.clock.time()) if date is None else _day(date)
    named = {"Content-Disposition": f'attachment; filename="statement-{day:%Y%m%d}.csv"'}
    made = await service.statement(runtime.pool, merchant_of(terminal), day)
    return Response(made, media_type=_CSV, headers=named)


@post(
    "/merchants/{merchant:uuid}/shops",
    operation_id="shop_register",
    status_code=201,
    opt={"role": Role.FINANCE, "errors": (NotFound, ShopTerminalRefused, ShopExists, InFlight)},
)
async def shop_register(
    merchant: FromPath[UUID],
    data: JSONBody[ShopRequest],
    operator: Given[Operator],
    runtime: Given[Runtime],
    creation: Given[Creation],
) -> Response[Shop]:
    """Register a shop 登记门店: its terminals' orders are paid out to its own account."""

    async def effect(tx: object) -> Shop:
        return await service.add_shop(tx, runtime.vault, merchant, data, operator.actor)

    return await creation.once(operator.actor, effect)


@get("/merchants/{merchant:uuid}/shops", operation_id="shops_list", opt={"role": Role.FINANCE})
async def shops_list(merchant: FromPath[UUID], operator: Given[Operator], runtime: Given[Runtime]) -> list[Shop]:
    """List a merchant's shops 门店."""
    del operator
    return await service.shops(runtime.pool, runtime.vault, merchant)


@put("/merchants/{merchant:uuid}/fee", operation_id="settlement_fee_set", status_code=204, opt={"role": Role.FINANCE})
async def settlement_fee_set(
    merchant: FromPath[UUID], data: JSONBody[FeeRequest], operator: Given[Operator], runtime: Given[Runtime]
) -> None:
    """Set what the platform keeps of a merchant's settlements 手续费, from the next one on."""
    async with begin(runtime.pool) as tx:
        await service.set_fee(tx, merchant, data, operator.actor)


def _day(text: str) -> datetime.date:
    """Return the day that `text` names (ISO 8601); raises Invalid."""
    try:
        return msgspec.convert(text, datetime.date)
    except msgspec.ValidationError:
        raise Invalid(pointer="/query/date") from None


router = Router(
    "/v1",
    route_handlers=[
        settlement_run,
        settlements_list,
        statement_get,
        shop_register,
        shops_list,
        settlement_fee_set,
    ],
    tags=["settlements"],
)
