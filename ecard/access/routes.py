"""HTTP of registrations and sessions."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, delete, post
from litestar.params import FromPath, JSONBody

from ecard import guards, signatures
from ecard.access import service
from ecard.access.errors import ActorUnknown, AlreadyRegistered, KeyRefused, ShareRefused, UsccRefused
from ecard.access.model import Role
from ecard.access.schemas import (
    AgencyRequest,
    ChannelRequest,
    OperatorRequest,
    Registered,
    SessionAnswer,
    SessionRequest,
    TerminalRequest,
)
from ecard.callers import Operator
from ecard.db import begin
from ecard.errors import NotFound, TooMany
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.runtime import Runtime


@post(
    "/sessions",
    operation_id="session_open",
    status_code=201,
    opt={"public": True, "signed_by": "key", "errors": (ActorUnknown, ShareRefused, TooMany)},
)
async def session_open(
    data: JSONBody[SessionRequest], request: Request[Any, Any, Any], runtime: Given[Runtime]
) -> SessionAnswer:
    """Open a session 建立会话: signed by the registered key itself (`keyid` is its id); MACs follow."""
    given = guards.headers(request)
    signed = signatures.read(await guards.call(request, given), given, runtime.clock.time())
    return await service.open_session(runtime, data, signed)


@post(
    "/agencies",
    operation_id="agency_register",
    status_code=201,
    opt={"role": Role.REGISTRAR, "errors": (UsccRefused, AlreadyRegistered, InFlight)},
)
async def agency_register(
    data: JSONBody[AgencyRequest], operator: Given[Operator], creation: Given[Creation]
) -> Response[Registered]:
    """Register an agency 登记机构."""
    return await creation.once(operator.actor, lambda tx: service.register_agency(tx, data, operator.actor))


@post(
    "/terminals",
    operation_id="terminal_register",
    status_code=201,
    opt={"role": Role.REGISTRAR, "errors": (NotFound, KeyRefused, AlreadyRegistered, InFlight)},
)
async def terminal_register(
    data: JSONBody[TerminalRequest], operator: Given[Operator], creation: Given[Creation]
) -> Response[Registered]:
    """Register a terminal 登记终端."""
    return await creation.once(operator.actor, lambda tx: service.register_terminal(tx, data, operator.actor))


@post(
    "/channels",
    operation_id="channel_register",
    status_code=201,
    opt={"role": Role.REGISTRAR, "errors": (NotFound, KeyRefused, AlreadyRegistered, InFlight)},
)
async def channel_register(
    data: JSONBody[ChannelRequest], operator: Given[Operator], creation: Given[Creation]
) -> Response[Registered]:
    """Register a service channel 登记渠道."""
    return await creation.once(operator.actor, lambda tx: service.register_channel(tx, data, operator.actor))


@post(
    "/operators",
    operation_id="operator_register",
    status_code=201,
    opt={"role": Role.SECURITY, "errors": (KeyRefused, AlreadyRegistered, InFlight)},
)
async def operator_register(
    data: JSONBody[OperatorRequest], operator: Given[Operator], creation: Given[Creation]
) -> Response[Registered]:
    """Register an operator 登记操作员."""
    return await creation.once(operator.actor, lambda tx: service.register_operator(tx, data, operator.actor))


@delete("/actors/{actor:uuid}", operation_id="actor_revoke", status_code=204, opt={"role": Role.SECURITY})
async def actor_revoke(actor: FromPath[UUID], runtime: Given[Runtime], operator: Given[Operator]) -> None:
    """Take a terminal, channel, operator or bridge out of service 停用: refused everywhere within two seconds."""
    async with begin(runtime.pool) as tx:
        await service.revoke(tx, actor, operator.actor)


router = Router(
    "/v1",
    route_handlers=[
        session_open,
        agency_register,
        terminal_register,
        channel_register,
        operator_register,
        actor_revoke,
    ],
    tags=["access"],
)
