"""HTTP of merchants, for operators of finance."""

from uuid import UUID

from litestar import Response, Router, get, post, put
from litestar.params import FromPath, JSONBody

from ecard.access.model import Role
from ecard.callers import Operator
from ecard.catalogue.errors import ItemUnknown
from ecard.catalogue.model import Catalogue
from ecard.db import begin
from ecard.errors import NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.runtime import Runtime
from pay.merchants import service
from pay.merchants.errors import ItemNotPayable, LimitsContradict, MerchantExists
from pay.merchants.schemas import Merchant, MerchantRequest, MerchantState


@post(
    "/merchants",
    operation_id="merchant_register",
    status_code=201,
    opt={
        "role": Role.FINANCE,
        "errors": (NotFound, ItemUnknown, ItemNotPayable, LimitsContradict, MerchantExists, InFlight),
    },
)
async def merchant_register(
    data: JSONBody[MerchantRequest],
    operator: Given[Operator],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
    creation: Given[Creation],
) -> Response[Merchant]:
    """Let a registered agency take money 登记商户: for which items, up to what, settled to which account."""
    return await creation.once(
        operator.actor, lambda tx: service.register(tx, runtime.vault, catalogue, data, operator.actor)
    )


@get("/merchants", operation_id="merchants_list", opt={"role": Role.FINANCE})
async def merchants_list(operator: Given[Operator], runtime: Given[Runtime]) -> list[Merchant]:
    """List the merchants 商户列表."""
    del operator
    return await service.merchants(runtime)


@put("/merchants/{agency:uuid}/state", operation_id="merchant_state", status_code=204, opt={"role": Role.FINANCE})
async def merchant_state(
    agency: FromPath[UUID], data: JSONBody[MerchantState], operator: Given[Operator], runtime: Given[Runtime]
) -> None:
    """Suspend a merchant, or let it take money again 暂停或恢复收款: in force with the next charge."""
    async with begin(runtime.pool) as tx:
        await service.suspend(tx, agency, suspended=data.suspended, by=operator.actor)


router = Router("/v1", route_handlers=[merchant_register, merchants_list, merchant_state], tags=["merchants"])
