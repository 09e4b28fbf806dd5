"""HTTP of bridges, of their pairing with a terminal, and of card sessions."""

from typing import Annotated
from uuid import UUID

from litestar import Response, Router, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from cardio.server import opening, service
from cardio.server.errors import BridgeOffline, BridgeUnpaired, CardSessionUnknown, CardWriteRefused, PairingRefused
from cardio.server.links import Hub
from cardio.server.schemas import (
    BridgeRequest,
    BridgeToken,
    BridgeTokenRequest,
    BridgeView,
    CardSessionOpened,
    CardSessionRequest,
    CardSessionView,
    PairingRequest,
    PairingView,
)
from ecard.access.errors import AlreadyRegistered, KeyRefused
from ecard.access.model import Role
from ecard.access.schemas import Registered
from ecard.callers import Operator, Terminal
from ecard.catalogue.errors import ItemUnknown
from ecard.catalogue.model import Catalogue
from ecard.db import begin
from ecard.desk.errors import FormNotAccepted, TooWeak, WrongPlace
from ecard.errors import NotFound, TooMany, Unavailable
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.keyring.model import NoKey
from ecard.runtime import Runtime


@post(
    "/bridges",
    operation_id="bridge_register",
    status_code=201,
    opt={"role": Role.REGISTRAR, "errors": (NotFound, KeyRefused, AlreadyRegistered, InFlight)},
)
async def bridge_register(
    data: JSONBody[BridgeRequest], operator: Given[Operator], creation: Given[Creation]
) -> Response[Registered]:
    """Register a bridge 登记读卡服务: the key was made on the counter's PC."""
    return await creation.once(operator.actor, lambda tx: service.register(tx, data, operator.actor))


@get("/bridges", operation_id="bridges_list", opt={"role": Role.REGISTRAR})
async def bridges_list(operator: Given[Operator], runtime: Given[Runtime]) -> list[BridgeView]:  # noqa: ARG001 - the door
    """List the bridges 读卡服务清单: which are on-line, and with which terminal each is paired."""
    return await service.listed(runtime.pool)


@post(
    "/bridge-pairings",
    operation_id="bridge_pair",
    status_code=201,
    opt={"errors": (PairingRefused, TooMany, InFlight, Unavailable)},
)
async def bridge_pair(
    data: JSONBody[PairingRequest], terminal: Given[Terminal], runtime: Given[Runtime], creation: Given[Creation]
) -> Response[PairingView]:
    """Pair this terminal with a bridge 配对: by the eight digits that the bridge shows, once."""
    await service.count_guess(runtime, terminal)
    return await creation.once(terminal.actor, lambda tx: service.pair(tx, runtime, data, terminal))


@get("/bridge-pairings", operation_id="bridge_pairing", opt={"errors": (BridgeUnpaired,)})
async def bridge_pairing(terminal: Given[Terminal], runtime: Given[Runtime]) -> PairingView:
    """Look at this terminal's bridge 配对状态: its readers, and what was scanned, told once."""
    return await service.pairing(runtime, terminal)


@delete("/bridge-pairings", operation_id="bridge_unpair", status_code=204, opt={"errors": (BridgeUnpaired,)})
async def bridge_unpair(terminal: Given[Terminal], runtime: Given[Runtime]) -> None:
    """End this terminal's pairing 解除配对: its page drives no reader any more."""
    async with begin(runtime.pool) as tx:
        await service.unpair(tx, terminal)


@post(
    "/bridge-tokens",
    operation_id="bridge_token",
    status_code=201,
    opt={"errors": (ItemUnknown, FormNotAccepted, WrongPlace, BridgeUnpaired, NoKey)},
)
async def bridge_token(
    data: JSONBody[BridgeTokenRequest],
    terminal: Given[Terminal],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
) -> BridgeToken:
    """Get a token for the bridge's own door 本机通道令牌: what a page reads through it is no evidence."""
    return await service.door_token(runtime, catalogue, data, terminal)


@post(
    "/card-sessions",
    operation_id="card_session_open",
    status_code=201,
    opt={
        "errors": (
            ItemUnknown,
            FormNotAccepted,
            WrongPlace,
            TooWeak,
            CardWriteRefused,
            BridgeUnpaired,
            BridgeOffline,
            TooMany,
            InFlight,
        )
    },
)
async def card_session_open(
    data: JSONBody[CardSessionRequest],
    terminal: Given[Terminal],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
    creation: Given[Creation],
) -> Response[CardSessionOpened]:
    """Read a card for an item 读卡: the paired bridge waits for a card, and the server drives the read."""
    await opening.count(runtime, terminal)
    return await creation.once(terminal.actor, lambda tx: opening.open_session(tx, runtime, catalogue, data, terminal))


@get("/card-sessions/{session:uuid}", operation_id="card_session_get", opt={"errors": (CardSessionUnknown,)})
async def card_session_get(
    session: FromPath[UUID],
    terminal: Given[Terminal],
    runtime: Given[Runtime],
    hub: Given[Hub],
    wait: Annotated[
        int, QueryParameter(ge=0, le=5, description="最多等待秒数 (seconds to wait for the next step)")
    ] = 0,
) -> CardSessionView:
    """Look at a card session 读卡进度: where it stands, and what the clerk may compare; the name and number masked."""
    return await opening.look(runtime, hub, session, terminal, wait)


router = Router(
    "/v1",
    route_handlers=[
        bridge_register,
        bridges_list,
        bridge_pair,
        bridge_pairing,
        bridge_unpair,
        bridge_token,
        card_session_open,
        card_session_get,
    ],
    tags=["bridges"],
)
