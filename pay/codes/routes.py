"""HTTP of order codes: the till shows one, the phone scans it."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, delete, post
from litestar.params import FromPath, JSONBody

from ecard import guards
from ecard.callers import Holder, Terminal
from ecard.catalogue.errors import ItemUnknown
from ecard.catalogue.model import Catalogue
from ecard.errors import NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.runtime import Runtime
from pay.codes import service
from pay.codes.errors import OrderCodeRefused
from pay.codes.schemas import OrderCodeAnswer, OrderCodeRequest, OrderCodeScan, ScannedOrder
from pay.merchants.errors import ItemNotPayable, MerchantSuspended, NotAMerchant
from pay.orders.errors import ItemNotAllowed, OutTradeNoUsed, OverOrderLimit
from qr.pictures import DRAWINGS, preferred

_OPENING = (
    ItemUnknown,
    ItemNotPayable,
    NotAMerchant,
    MerchantSuspended,
    ItemNotAllowed,
    OverOrderLimit,
    OutTradeNoUsed,
    InFlight,
)


@post(
    "/order-codes",
    operation_id="order_code_show",
    status_code=201,
    opt={"also": tuple(DRAWINGS), "errors": _OPENING},
)
async def order_code_show(
    data: JSONBody[OrderCodeRequest],
    request: Request[Any, Any, Any],
    terminal: Given[Terminal],
    catalogue: Given[Catalogue],
    creation: Given[Creation],
) -> Response[OrderCodeAnswer]:
    """Show an order code 出示订单码, of one order or a static one; `Accept` asks for JSON, text, SVG or PNG."""
    answer = await creation.once(
        terminal.actor,
        lambda tx: service.show(tx, catalogue, data, terminal, key=creation.required_key(), body=creation.body),
    )
    drawn = preferred(guards.headers(request).get("accept", "*/*"))
    if drawn is None:
        return answer
    text = msgspec.json.decode(answer.content, type=OrderCodeAnswer).text
    picture: Any = await DRAWINGS[drawn](text)
    return Response(picture, status_code=201, media_type=drawn, headers=answer.headers)


@delete("/order-codes/{code:uuid}", operation_id="order_code_end", status_code=204, opt={"errors": (NotFound,)})
async def order_code_end(code: FromPath[UUID], terminal: Given[Terminal], runtime: Given[Runtime]) -> None:
    """Withdraw an order code of this merchant 停用订单码, such as a static one that was pasted over."""
    await service.end(runtime.pool, terminal, code)


@post(
    "/me/order-codes",
    operation_id="order_code_scan",
    status_code=201,
    opt={
        "errors": (
            *OrderCodeRefused.__subclasses__(),
            NotFound,
            *_OPENING,
        )
    },
)
async def order_code_scan(
    data: JSONBody[OrderCodeScan], holder: Given[Holder], catalogue: Given[Catalogue], creation: Given[Creation]
) -> Response[ScannedOrder]:
    """Scan a merchant's code 扫订单码: whom it pays, for what; then confirm its order with the password."""
    return await creation.once(
        holder.actor,
        lambda tx: service.scan(tx, catalogue, data, holder, key=creation.required_key(), body=creation.body),
    )


router = Router("/v1", route_handlers=[order_code_show, order_code_end, order_code_scan], tags=["orders"])
