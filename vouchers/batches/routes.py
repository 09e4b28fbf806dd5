"""HTTP of batches, for operators of training."""

from collections.abc import Awaitable
from typing import Annotated, TypeVar
from uuid import UUID

import asyncpg
from litestar import Response, Router, get, post, put
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
from pay.ledger.service import command, declared
from vouchers.batches import service
from vouchers.batches.errors import BatchExists, BatchStateRefused, BatchTermsRefused, NobodyNamed
from vouchers.batches.schemas import BadRow, Batch, BatchPlan, BatchRequest, BatchVoucher, PeopleAnswer, PeopleRequest
from vouchers.programmes.errors import ProgrammeEnded

T = TypeVar("T")
_Limit = Annotated[int, QueryParameter(ge=1, le=1000, description="最多条数 (at most so many)")]
_After = Annotated[int, QueryParameter(ge=-1, le=2_000_000, description="此序号之后 (after this number)")]


async def _told(act: Awaitable[T]) -> T:
    """Return what `act` returns; what the ledger's SQL refused becomes its declared error."""
    try:
        return await act
    except asyncpg.PostgresError as error:
        raise declared(error) from None


@post(
    "/voucher-programmes/{programme:uuid}/batch-plans",
    operation_id="voucher_batch_plan",
    status_code=200,
    opt={"role": Role.TRAINING, "errors": (NotFound, ProgrammeEnded, BatchTermsRefused)},
)
async def voucher_batch_plan(
    programme: FromPath[UUID], data: JSONBody[BatchRequest], operator: Given[Operator], runtime: Given[Runtime]
) -> BatchPlan:
    """Try a batch without issuing it 试算: what it comes to, and whether the source's money reaches."""
    del operator
    return await service.plan(runtime.pool, programme, data, runtime.clock.time())


@post(
    "/voucher-programmes/{programme:uuid}/batches",
    operation_id="voucher_batch_create",
    status_code=201,
    opt={
        "role": Role.TRAINING,
        "errors": (NotFound, ProgrammeEnded, BatchTermsRefused, BatchExists, BalanceShort, InFlight),
    },
)
async def voucher_batch_create(
    programme: FromPath[UUID],
    data: JSONBody[BatchRequest],
    operator: Given[Operator],
    runtime: Given[Runtime],
    creation: Given[Creation],
) -> Response[Batch]:
    """Issue a batch 发放批次: its money is set aside at once, its vouchers follow; a pushed one waits for its list."""
    now = runtime.clock.time()
    return await creation.once(
        operator.actor, lambda tx: _told(service.create(tx, programme, data, operator.actor, now=now))
    )


@get("/voucher-programmes/{programme:uuid}/batches", operation_id="voucher_batches_list", opt={"role": Role.TRAINING})
async def voucher_batches_list(
    programme: FromPath[UUID],
    operator: Given[Operator],
    runtime: Given[Runtime],
    before: Annotated[str | None, QueryParameter(pattern=ID, description="此批次之前 (made before this one)")] = None,
    limit: _Limit = 100,
) -> list[Batch]:
    """List a programme's batches 批次列表, youngest first, each with how far it is."""
    del operator
    return await service.batches(runtime.pool, programme, id_of(before), limit)


@get("/voucher-batches/{batch:uuid}", operation_id="voucher_batch_get", opt={"role": Role.TRAINING})
async def voucher_batch_get(batch: FromPath[UUID], operator: Given[Operator], runtime: Given[Runtime]) -> Batch:
    """Look at a batch 查看批次: of its quantity, how many exist."""
    del operator
    return await service.batch(runtime.pool, batch)


@put(
    "/voucher-batches/{batch:uuid}/people",
    operation_id="voucher_batch_people",
    status_code=200,
    opt={"role": Role.TRAINING, "errors": (NotFound, BatchStateRefused)},
)
async def voucher_batch_people(
    batch: FromPath[UUID], data: JSONBody[PeopleRequest], operator: Given[Operator], runtime: Given[Runtime]
) -> PeopleAnswer:
    """Put a part of a draft's list of people 提交名单: CSV; each line that names nobody is reported by its place."""
    async with begin(runtime.pool) as tx:
        return await service.name_people(tx, runtime.vault, batch, data, operator.actor, runtime.clock.time())


@get("/voucher-batches/{batch:uuid}/bad-rows", operation_id="voucher_batch_bad_rows", opt={"role": Role.TRAINING})
async def voucher_batch_bad_rows(
    batch: FromPath[UUID], operator: Given[Operator], runtime: Given[Runtime], after: _After = 0, limit: _Limit = 1000
) -> list[BadRow]:
    """List the lines of a batch's list that give nobody a voucher 错误行: places and reasons alone."""
    del operator
    return await service.bad_rows(runtime.pool, batch, after, limit)


@get("/voucher-batches/{batch:uuid}/vouchers", operation_id="voucher_batch_vouchers", opt={"role": Role.TRAINING})
async def voucher_batch_vouchers(
    batch: FromPath[UUID], operator: Given[Operator], runtime: Given[Runtime], after: _After = -1, limit: _Limit = 100
) -> list[BatchVoucher]:
    """List a batch's vouchers 批次中的券, each with where it is in its life."""
    del operator
    return await service.vouchers(runtime.pool, batch, after, limit)


@post(
    "/voucher-batches/{batch:uuid}/issue",
    operation_id="voucher_batch_issue",
    status_code=200,
    opt={"role": Role.TRAINING, "errors": (NotFound, BatchStateRefused, NobodyNamed, ProgrammeEnded, BalanceShort)},
)
async def voucher_batch_issue(batch: FromPath[UUID], operator: Given[Operator], runtime: Given[Runtime]) -> Batch:
    """Issue a draft to the people of its list 按名单发放: its money is set aside at once, its vouchers follow."""
    del operator
    return await command(runtime.pool, lambda tx: service.issue(tx, batch))


@post(
    "/voucher-batches/{batch:uuid}/cancel",
    operation_id="voucher_batch_cancel",
    status_code=200,
    opt={"role": Role.TRAINING, "errors": (NotFound,)},
)
async def voucher_batch_cancel(batch: FromPath[UUID], operator: Given[Operator], runtime: Given[Runtime]) -> Batch:
    """Make a batch void 批次作废 as far as nobody has claimed of it; its money is the programme's again."""
    return await command(runtime.pool, lambda tx: service.cancel(tx, batch, operator.actor))


router = Router(
    "/v1",
    route_handlers=[
        voucher_batch_plan,
        voucher_batch_create,
        voucher_batches_list,
        voucher_batch_get,
        voucher_batch_people,
        voucher_batch_bad_rows,
        voucher_batch_vouchers,
        voucher_batch_issue,
        voucher_batch_cancel,
    ],
    tags=["vouchers"],
)
