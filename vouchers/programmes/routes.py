"""HTTP of programmes, for operators of training."""

from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from ecard.access.model import Role
from ecard.callers import Operator
from ecard.db import begin
from ecard.errors import NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.ids import ID, id_of
from ecard.runtime import Runtime
from pay.ledger.errors import BalanceShort
from vouchers.programmes import service
from vouchers.programmes.errors import InstitutionUnknown, ProgrammeEnded, ProgrammeExists, ValidityTooLong
from vouchers.programmes.schemas import Budget, BudgetRequest, Programme, ProgrammeRequest


@post(
    "/voucher-programmes",
    operation_id="voucher_programme_create",
    status_code=201,
    opt={
        "role": Role.TRAINING,
        "errors": (ValidityTooLong, InstitutionUnknown, ProgrammeExists, InFlight),
    },
)
async def voucher_programme_create(
    data: JSONBody[ProgrammeRequest], operator: Given[Operator], creation: Given[Creation]
) -> Response[Programme]:
    """Make a voucher programme 建立培训券项目: what its vouchers are good for, for whom, where and how long."""
    return await creation.once(operator.actor, lambda tx: service.create(tx, data, operator.actor))


@get("/voucher-programmes", operation_id="voucher_programmes_list", opt={"role": Role.TRAINING})
async def voucher_programmes_list(
    operator: Given[Operator],
    runtime: Given[Runtime],
    before: Annotated[str | None, QueryParameter(pattern=ID, description="此项目之前 (made before this one)")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100, description="最多条数 (at most so many)")] = 100,
) -> list[Programme]:
    """List programmes 项目列表, youngest first, each with the money that it may still issue."""
    del operator
    return await service.programmes(runtime.pool, id_of(before), limit)


@get(
    "/voucher-programmes/{programme:uuid}",
    operation_id="voucher_programme_get",
    opt={"role": Role.TRAINING, "errors": (NotFound,)},
)
async def voucher_programme_get(
    programme: FromPath[UUID], operator: Given[Operator], runtime: Given[Runtime]
) -> Programme:
    """Look at a programme 查看项目 and its money by source."""
    del operator
    return await service.programme(runtime.pool, programme)


@post(
    "/voucher-programmes/{programme:uuid}/budget",
    operation_id="voucher_budget_post",
    status_code=201,
    opt={"role": Role.TRAINING, "errors": (NotFound, ProgrammeEnded, BalanceShort, InFlight)},
)
async def voucher_budget_post(
    programme: FromPath[UUID], data: JSONBody[BudgetRequest], operator: Given[Operator], creation: Given[Creation]
) -> Response[Budget]:
    """Give a programme money of a source, or give it back 拨入或退回资金: no batch is issued beyond it."""
    return await creation.once(operator.actor, lambda tx: service.budget(tx, programme, data, operator.actor))


@post(
    "/voucher-programmes/{programme:uuid}/end",
    operation_id="voucher_programme_end",
    status_code=204,
    opt={"role": Role.TRAINING},
)
async def voucher_programme_end(programme: FromPath[UUID], operator: Given[Operator], runtime: Given[Runtime]) -> None:
    """End a programme 结束项目: no more batches or claims; vouchers that were claimed stay good."""
    async with begin(runtime.pool) as tx:
        await service.end(tx, programme, operator.actor)


router = Router(
    "/v1",
    route_handlers=[
        voucher_programme_create,
        voucher_programmes_list,
        voucher_programme_get,
        voucher_budget_post,
        voucher_programme_end,
    ],
    tags=["vouchers"],
)
