"""HTTP of a holder's grants."""

from uuid import UUID

from litestar import Router, delete, get
from litestar.params import FromPath

from auth.grants import service
from auth.grants.schemas import ConsentView
from auth.server import Server
from ecard.callers import Holder
from ecard.given import Given


@get("/v1/me/grants", operation_id="grants_list")
async def grants_list(holder: Given[Holder], server: Given[Server]) -> list[ConsentView]:
    """List what I allowed 我的授权: to whom, which item, which fields."""
    return await service.mine(server.runtime.pool, server, holder)


@delete("/v1/me/grants/{consent:uuid}", operation_id="grant_withdraw", status_code=204)
async def grant_withdraw(consent: FromPath[UUID], holder: Given[Holder], server: Given[Server]) -> None:
    """Withdraw a consent 撤回授权: the client's tokens for this item die at once."""
    await service.withdraw(server, holder, consent)


router = Router("/", route_handlers=[grants_list, grant_withdraw], tags=["logins"])
"""What `ecard.app` mounts."""
