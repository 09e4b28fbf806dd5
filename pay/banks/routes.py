"""HTTP of banks: their notifications, and what operators of finance see and decide."""

from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from ecard import guards
from ecard.access.model import Role
from ecard.callers import Operator
from ecard.errors import NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.ids import ID, id_of
from ecard.runtime import Runtime
from pay.banks import decisions
from pay.banks.directory import Banks
from pay.banks.errors import AttemptDecided, FourEyes, NotificationUnsigned, ProposalDiffers
from pay.banks.resolver import Resolver
from pay.banks.schemas import AttemptDecision, AttemptView, DecisionRequest, Notice, Noticed

_FIRST = UUID(int=0)


@post(
    "/banks/{bank:str}/notifications",
    operation_id="bank_notify",
    status_code=200,
    # Called by banks alone, who know it from `pay.banks.wire`: it is signed as what we send them is.
    include_in_schema=False,
    opt={"public": True, "errors": (NotificationUnsigned,)},
)
async def bank_notify(
    bank: FromPath[str],
    data: JSONBody[Notice],
    request: Request[Any, Any, Any],
    runtime: Given[Runtime],
    banks: Given[Banks],
) -> Noticed:
    """Receive a bank's notification 银行通知: signed by the bank; 200 also for one that is known."""
    path = request.scope["raw_path"].decode("latin-1")
    decisions.check_signed(banks, runtime.clock, bank, path, guards.headers(request), await request.body())
    await decisions.notice(runtime.pool, bank, data)
    return Noticed()


@get("/attempts", operation_id="attempts_list", opt={"role": Role.FINANCE})
async def attempts_list(
    operator: Given[Operator],
    runtime: Given[Runtime],
    which: Annotated[
        Literal["undecided", "suspended"], QueryParameter(description="未决或挂账 (undecided, or suspended)")
    ] = "suspended",
    after: Annotated[
        str | None, QueryParameter(pattern=ID, description="上一页最后一条 (the last of the page before)")
    ] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=200, description="最多条数 (at most so many)")] = 50,
) -> list[AttemptView]:
    """List what banks have left undecided 未决交易: suspended ones wait for a person."""
    del operator
    return await decisions.undecided(runtime.pool, which, id_of(after) or _FIRST, limit)


@post(
    "/attempts/{attempt:uuid}/decisions",
    operation_id="attempt_decide",
    status_code=201,
    opt={"role": Role.FINANCE, "errors": (NotFound, AttemptDecided, FourEyes, ProposalDiffers, InFlight)},
)
async def attempt_decide(
    attempt: FromPath[UUID],
    data: JSONBody[DecisionRequest],
    operator: Given[Operator],
    resolver: Given[Resolver],
    creation: Given[Creation],
) -> Response[AttemptDecision]:
    """Decide a suspended attempt 挂账处理: one operator proposes, another confirms."""
    by = operator.actor
    return await creation.once(by, lambda tx: decisions.decide(tx, resolver.kinds, attempt, data, by))


router = Router("/v1", route_handlers=[bank_notify, attempts_list, attempt_decide], tags=["banks"])
