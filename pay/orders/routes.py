"""HTTP of orders: the till's charge, an order for the app, query, close and refund; and the holder's side."""

import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter

from ecard.answers import JsonAnswer
from ecard.callers import Holder, Terminal
from ecard.cards.errors import BusiSeqUnknown
from ecard.catalogue.errors import ItemUnknown
from ecard.catalogue.model import Catalogue
from ecard.desk.errors import (
    CardSuspended,
    DeviceUnbound,
    FormNotAccepted,
    LevelTooLow,
    NotActing,
    Replayed,
    TooWeak,
    VisitRefused,
    WrongPlace,
    WrongScene,
)
from ecard.desk.service import Desk
from ecard.errors import Invalid, NotFound, TooMany
from ecard.feed import Feed
from ecard.given import Given
from ecard.idempotency import Creation, InFlight, creation
from ecard.runtime import Runtime
from pay.banks.directory import Banks
from pay.banks.errors import BankUnavailable, BankUnknown
from pay.merchants.errors import ItemNotPayable, MerchantSuspended, NotAMerchant
from pay.orders import confirming, refunding, service
from pay.orders.asking import Till
from pay.orders.errors import (
    BalanceShort,
    ItemNotAllowed,
    NotRefundable,
    OrderExpired,
    OrderNotWaiting,
    OutRefundNoUsed,
    OutTradeNoUsed,
    OverDayLimit,
    OverOrderLimit,
    OverRefund,
    UseDisputed,
)
from pay.orders.model import OrderKind
from pay.orders.schemas import (
    ChargeRequest,
    Confirmation,
    MyOrder,
    Order,
    OrderRequest,
    PayerTerms,
    Refund,
    RefundRequest,
    WaitingOrders,
)
from pay.orders.waiting import LONGEST, waiting

_Zoned = Annotated[datetime.datetime, msgspec.Meta(tz=True)]
_OPENING = (
    ItemUnknown,
    ItemNotPayable,
    NotAMerchant,
    MerchantSuspended,
    ItemNotAllowed,
    OverOrderLimit,
    OutTradeNoUsed,
)
CHARGING = (
    *_OPENING,
    OverDayLimit,
    FormNotAccepted,
    WrongScene,
    WrongPlace,
    TooWeak,
    LevelTooLow,
    VisitRefused,
    Replayed,
    CardSuspended,
    DeviceUnbound,
    NotActing,
    BankUnknown,
    BankUnavailable,
    InFlight,
)
"""Beside those of the evidence's readers, which `ecard.app` knows."""
CONFIRMING = (
    NotFound,
    OrderNotWaiting,
    OrderExpired,
    BankUnknown,
    BankUnavailable,
    MerchantSuspended,
    CardSuspended,
    LevelTooLow,
    DeviceUnbound,
    UseDisputed,
    BusiSeqUnknown,
    OverDayLimit,
)
REFUNDING = (NotFound, NotRefundable, OverRefund, OutRefundNoUsed, BalanceShort, InFlight)


@post("/charges", operation_id="charge_create", status_code=201, opt={"direct": True, "errors": CHARGING})
async def charge_create(
    data: JSONBody[ChargeRequest],
    request: Request[Any, Any, Any],
    terminal: Given[Terminal],
    desk: Given[Desk],
    banks: Given[Banks],
) -> Response[Order]:
    """Charge the holder whose code was scanned 扫码扣款: see `state`; what is under way is to be asked for again."""
    call = await creation(request, desk.runtime)
    charged, again = await service.charge(Till(desk, banks), data, terminal, key=call.required_key(), body=call.body)
    return _made(charged, again=again)


@post("/orders", operation_id="order_create", status_code=201, opt={"errors": (*_OPENING, InFlight)})
async def order_create(
    data: JSONBody[OrderRequest], terminal: Given[Terminal], catalogue: Given[Catalogue], creation: Given[Creation]
) -> Response[Order]:
    """Make an order that a holder confirms in the app 应用内下单: hand its `id` to the app."""

    async def effect(tx: Any) -> Order:
        return await service.open_order(
            tx,
            catalogue,
            data,
            merchant=terminal.agency,
            kind=OrderKind.APP,
            key=creation.required_key(),
            body=creation.body,
            terminal=terminal.actor,
        )

    return await creation.once(terminal.actor, effect)


@get("/orders/{order:uuid}", operation_id="order_get", opt={"errors": (NotFound,)})
async def order_get(order: FromPath[UUID], terminal: Given[Terminal], runtime: Given[Runtime]) -> Order:
    """Say how an order of the agency stands 查询订单."""
    return await service.order(runtime.pool, terminal, order)


@get("/orders/by-number/{out_trade_no:str}", operation_id="order_find", opt={"errors": (NotFound,)})
async def order_find(out_trade_no: FromPath[str], terminal: Given[Terminal], runtime: Given[Runtime]) -> Order:
    """Say how an order of the agency stands, by the agency's own number 按商户订单号查询."""
    return await service.order_by_number(runtime.pool, terminal, out_trade_no)


@post(
    "/orders/{order:uuid}/close",
    operation_id="order_close",
    status_code=200,
    opt={"errors": (NotFound, OrderNotWaiting)},
)
async def order_close(order: FromPath[UUID], terminal: Given[Terminal], till: Given[Till]) -> Order:
    """Close an order that nobody has paid 关闭订单: only while it waits for its holder."""
    return await service.close(till, terminal, order)


@post(
    "/orders/{order:uuid}/refunds",
    operation_id="refund_create",
    status_code=201,
    opt={"errors": REFUNDING},
)
async def refund_create(
    order: FromPath[UUID],
    data: JSONBody[RefundRequest],
    terminal: Given[Terminal],
    till: Given[Till],
    creation: Given[Creation],
) -> Response[Refund]:
    """Give money back 退款: all of it or a part, as often as something is left."""
    key = creation.required_key()
    made, again = await refunding.refund(till, terminal, order, data, key=key, body=creation.body)
    return _made(made, again=again)


@get("/orders/{order:uuid}/refunds", operation_id="refunds_list", opt={"errors": (NotFound,)})
async def refunds_list(order: FromPath[UUID], terminal: Given[Terminal], runtime: Given[Runtime]) -> list[Refund]:
    """List the refunds of an order 退款列表."""
    return await refunding.refunds(runtime.pool, terminal, order)


@get("/me/orders", operation_id="my_orders")
async def my_orders(
    holder: Given[Holder],
    till: Given[Till],
    before: Annotated[
        str | None,
        QueryParameter(description="此时间之前 (orders before this time)", schema_extra={"format": "date-time"}),
    ] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100, description="最多条数 (at most so many)")] = 20,
) -> list[MyOrder]:
    """List the holder's orders 我的订单: those in state user_confirming wait for the password."""
    return await confirming.orders(till, holder, None if before is None else _time(before), limit)


@get("/me/orders/waiting", operation_id="my_orders_waiting", opt={"errors": (TooMany,)})
async def my_orders_waiting(
    holder: Given[Holder],
    runtime: Given[Runtime],
    feed: Given[Feed],
    mark: Annotated[
        str, QueryParameter(max_length=32, description="上次答复中的 mark (the mark of the answer before)")
    ] = "",
    wait: Annotated[
        int, QueryParameter(ge=0, le=LONGEST, description="无变化时最多等待的秒数 (seconds to wait for a change)")
    ] = LONGEST,
) -> WaitingOrders:
    """Tell the phone at once what waits for the password 待确认订单推送: held open while `mark` says all there is."""
    return await waiting(runtime.pool, feed, holder, mark, wait)


@get("/me/orders/{order:uuid}", operation_id="my_order", opt={"errors": (NotFound,)})
async def my_order(order: FromPath[UUID], holder: Given[Holder], till: Given[Till]) -> MyOrder:
    """Show an order to whoever is to pay it 查看待付订单."""
    return await confirming.order(till, holder, order)


@post("/me/orders/{order:uuid}/confirm", operation_id="my_order_confirm", status_code=200, opt={"errors": CONFIRMING})
async def my_order_confirm(
    order: FromPath[UUID], data: JSONBody[Confirmation], holder: Given[Holder], till: Given[Till]
) -> MyOrder:
    """Pay an order with the password 确认付款: the same busiSeq again is answered with how the order stands."""
    return await confirming.confirm(till, holder, order, data.busi_seq)


@post(
    "/me/orders/{order:uuid}/decline",
    operation_id="my_order_decline",
    status_code=200,
    opt={"errors": (NotFound, OrderNotWaiting)},
)
async def my_order_decline(order: FromPath[UUID], holder: Given[Holder], till: Given[Till]) -> MyOrder:
    """Refuse a charge that waits for the password 拒绝付款."""
    return await confirming.decline(till, holder, order)


@put("/me/payment/terms", operation_id="my_terms", status_code=204, opt={"errors": (BusiSeqUnknown,)})
async def my_terms(data: JSONBody[PayerTerms], holder: Given[Holder], till: Given[Till]) -> None:
    """Agree to terms of payment 支付约定: small payments without the password, and class A's limit of a day."""
    await confirming.agree(till, holder, data)


def _made(made: Any, *, again: bool) -> Response[Any]:
    if again:
        return Response(made, status_code=201, headers={"Idempotency-Replayed": "true"})
    return JsonAnswer(made, 201)


def _time(text: str) -> datetime.datetime:
    """Return the time that `text` names with its zone (RFC 3339); raises Invalid, also where UTC has no such year."""
    try:
        return msgspec.convert(text, _Zoned).astimezone(datetime.UTC)
    except (msgspec.ValidationError, OverflowError):
        raise Invalid(pointer="/query/before") from None


router = Router(
    "/v1",
    route_handlers=[
        charge_create,
        order_create,
        order_get,
        order_find,
        order_close,
        refund_create,
        refunds_list,
        my_orders,
        my_orders_waiting,
        my_order,
        my_order_confirm,
        my_order_decline,
        my_terms,
    ],
    tags=["orders"],
)
