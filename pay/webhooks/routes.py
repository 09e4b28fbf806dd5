"""HTTP of endpoints and events: for a merchant's server, and for an operator who sets one up."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Response, Router, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from ecard.access.model import Role
from ecard.callers import Operator, Terminal
from ecard.db import begin
from ecard.errors import NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.runtime import Runtime
from pay.webhooks import service
from pay.webhooks.errors import AddressRefused, NotTheServer, TooManyEndpoints
from pay.webhooks.schemas import Endpoint, EndpointRequest, EndpointSecret, EventView, Resent, Triggered

_OWN = (NotTheServer,)
_REGISTER = (AddressRefused, TooManyEndpoints, NotFound, InFlight)


@post("/webhooks", operation_id="webhook_register", status_code=201, opt={"errors": (*_OWN, *_REGISTER)})
async def webhook_register(
    data: JSONBody[EndpointRequest], terminal: Given[Terminal], runtime: Given[Runtime], creation: Given[Creation]
) -> Response[EndpointSecret]:
    """Register an endpoint 登记通知地址: the secret is shown once."""
    merchant = service.merchant_of(terminal)
    return await _registered(runtime, creation, merchant, data, terminal.actor)


@get("/webhooks", operation_id="webhooks_list", opt={"errors": _OWN})
async def webhooks_list(terminal: Given[Terminal], runtime: Given[Runtime]) -> list[Endpoint]:
    """List the merchant's endpoints 通知地址, with those that are told nothing any more."""
    return await service.endpoints(runtime.pool, service.merchant_of(terminal))


@post(
    "/webhooks/{endpoint:uuid}/secret",
    operation_id="webhook_rotate",
    status_code=201,
    opt={"errors": (*_OWN, InFlight)},
)
async def webhook_rotate(
    endpoint: FromPath[UUID], terminal: Given[Terminal], runtime: Given[Runtime], creation: Given[Creation]
) -> Response[EndpointSecret]:
    """Replace an endpoint's secret 更换密钥: for 24 hours messages bear a signature of each."""
    merchant = service.merchant_of(terminal)

    async def effect(tx: Any) -> EndpointSecret:
        return await service.rotate(tx, runtime.vault, merchant, endpoint, by=terminal.actor)

    return await creation.once(terminal.actor, effect)


@delete("/webhooks/{endpoint:uuid}", operation_id="webhook_remove", status_code=204, opt={"errors": _OWN})
async def webhook_remove(endpoint: FromPath[UUID], terminal: Given[Terminal], runtime: Given[Runtime]) -> None:
    """Remove an endpoint 停用通知地址: it is told nothing more."""
    async with begin(runtime.pool) as tx:
        await service.remove(tx, service.merchant_of(terminal), endpoint, by=terminal.actor)


@get("/webhook-events", operation_id="webhook_events", opt={"errors": _OWN})
async def webhook_events(
    terminal: Given[Terminal],
    runtime: Given[Runtime],
    after: Annotated[int, QueryParameter(ge=0, le=2**63 - 1, description="此 sequence 之后 (after this sequence)")] = 0,
    limit: Annotated[int, QueryParameter(ge=1, le=500, description="最多条数 (at most so many)")] = 100,
) -> list[EventView]:
    """List the merchant's events of 90 days 通知事件: for one that was away longer than it is told."""
    return await service.events(runtime, service.merchant_of(terminal), after, limit)


@post("/webhook-events", operation_id="webhook_trigger", status_code=201, opt={"errors": (*_OWN, InFlight)})
async def webhook_trigger(terminal: Given[Terminal], creation: Given[Creation]) -> Response[Triggered]:
    """Make a test event 测试通知: it goes the way of real ones, and says `test`."""
    merchant = service.merchant_of(terminal)
    return await creation.once(terminal.actor, lambda tx: service.trigger(tx, merchant, service.TEST))


@post(
    "/webhook-events/{event:uuid}/resend",
    operation_id="webhook_resend",
    status_code=201,
    opt={"errors": (*_OWN, InFlight)},
)
async def webhook_resend(
    event: FromPath[UUID], terminal: Given[Terminal], creation: Given[Creation]
) -> Response[Resent]:
    """Send an event again 重发通知, by the same id, to every endpoint of the merchant."""
    merchant = service.merchant_of(terminal)
    return await creation.once(terminal.actor, lambda tx: service.resend(tx, merchant, event))


@post(
    "/merchants/{merchant:uuid}/webhooks",
    operation_id="merchant_webhook_register",
    status_code=201,
    opt={"role": Role.FINANCE, "errors": _REGISTER},
)
async def merchant_webhook_register(
    merchant: FromPath[UUID],
    data: JSONBody[EndpointRequest],
    operator: Given[Operator],
    runtime: Given[Runtime],
    creation: Given[Creation],
) -> Response[EndpointSecret]:
    """Register an endpoint of a merchant 为商户登记通知地址: the secret is shown once."""
    return await _registered(runtime, creation, merchant, data, operator.actor)


@get("/merchants/{merchant:uuid}/webhooks", operation_id="merchant_webhooks_list", opt={"role": Role.FINANCE})
async def merchant_webhooks_list(
    merchant: FromPath[UUID], operator: Given[Operator], runtime: Given[Runtime]
) -> list[Endpoint]:
    """List a merchant's endpoints 商户的通知地址."""
    del operator
    return await service.endpoints(runtime.pool, merchant)


async def _registered(
    runtime: Runtime, creation: Creation, merchant: UUID, asked: EndpointRequest, by: UUID
) -> Response[Any]:
    async def effect(tx: Any) -> EndpointSecret:
        return await service.register(tx, runtime.vault, merchant, asked, by=by, sandbox=runtime.settings.sandbox)

    return await creation.once(by, effect)


router = Router(
    "/v1",
    route_handlers=[
        webhook_register,
        webhooks_list,
        webhook_rotate,
        webhook_remove,
        webhook_events,
        webhook_trigger,
        webhook_resend,
        merchant_webhook_register,
        merchant_webhooks_list,
    ],
    tags=["webhooks"],
)
