"""HTTP of disbursement for agencies' servers: batches, their lines in parts, and what became of each."""

from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get, post, put
from litestar.params import FromPath, JSONBody, PathParameter, QueryParameter

from ecard.callers import Terminal
from ecard.db import begin
from ecard.errors import NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.runtime import Runtime
from pay.disbursement import intake, lines, service
from pay.disbursement.errors import (
    AgencyNotOfProgramme,
    BatchEmpty,
    BatchExists,
    BatchFull,
    BatchNotDraft,
    NotUnderReview,
    ProgrammeEnded,
)
from pay.disbursement.model import PART
from pay.disbursement.schemas import (
    BenefitBadLine,
    BenefitBatch,
    BenefitBatchRequest,
    BenefitDecision,
    BenefitLine,
    BenefitPart,
    BenefitPartRequest,
)
from pay.webhooks.errors import NotTheServer
from pay.webhooks.service import merchant_of

_LineState = Annotated[
    Literal["ready", "held", "sent", "unknown", "paid", "returned", "cancelled"] | None,
    QueryParameter(name="state", description="明细状态 (a state of lines)"),
]
_After = Annotated[int, QueryParameter(ge=0, le=1_000_000, description="此序号之后 (after this place)")]
_Limit = Annotated[int, QueryParameter(ge=1, le=500, description="最多条数 (at most so many)")]


@post(
    "/benefit-batches",
    operation_id="benefit_batch_open",
    status_code=201,
    opt={"errors": (NotTheServer, NotFound, ProgrammeEnded, AgencyNotOfProgramme, BatchExists, InFlight)},
)
async def benefit_batch_open(
    data: JSONBody[BenefitBatchRequest], terminal: Given[Terminal], creation: Given[Creation]
) -> Response[BenefitBatch]:
    """Open a batch of a programme for a period 建立发放批次; the same number again is the same batch."""
    agency = merchant_of(terminal)

    async def open_(tx: object) -> BenefitBatch:
        batch = await intake.open_batch(tx, data.programme, agency, data.period, data.number, by=terminal.actor)
        return await service.batch(tx, batch)

    return await creation.once(terminal.actor, open_)


@get("/benefit-batches", operation_id="benefit_batches_list", opt={"errors": (NotTheServer,)})
async def benefit_batches_list(
    terminal: Given[Terminal], runtime: Given[Runtime], limit: _Limit = 50
) -> list[BenefitBatch]:
    """List the agency's batches 本机构批次, youngest first."""
    return await service.batches(runtime.pool, None, merchant_of(terminal), limit)


@get("/benefit-batches/{batch:uuid}", operation_id="benefit_batch", opt={"errors": (NotTheServer,)})
async def benefit_batch(batch: FromPath[UUID], terminal: Given[Terminal], runtime: Given[Runtime]) -> BenefitBatch:
    """Look at a batch of the agency's 查看批次."""
    return await service.batch(runtime.pool, batch, agency=merchant_of(terminal))


@put(
    "/benefit-batches/{batch:uuid}/parts/{part:int}",
    operation_id="benefit_part_put",
    opt={"errors": (NotTheServer, NotFound, AgencyNotOfProgramme, BatchNotDraft, BatchFull)},
)
async def benefit_part_put(
    batch: FromPath[UUID],
    part: Annotated[int, PathParameter(ge=1, le=500, description="第几部分 (which part)")],
    data: JSONBody[BenefitPartRequest],
    terminal: Given[Terminal],
    runtime: Given[Runtime],
) -> BenefitPart:
    """Upload a part of a draft's lines 上传明细: counted from 1; a part again replaces what it brought before.

    Each line is taken or refused by itself; where it is wrong and why is told, not what it says.
    """
    first = (part - 1) * PART + 1
    async with begin(runtime.pool) as tx:
        return await intake.add_asked(tx, runtime, batch, first, data.lines, agency=merchant_of(terminal))


@get("/benefit-batches/{batch:uuid}/refused", operation_id="benefit_refused_list", opt={"errors": (NotTheServer,)})
async def benefit_refused_list(
    batch: FromPath[UUID], terminal: Given[Terminal], runtime: Given[Runtime], after: _After = 0, limit: _Limit = 100
) -> list[BenefitBadLine]:
    """List the lines of a batch that are not taken 被拒明细, and why."""
    await service.batch(runtime.pool, batch, agency=merchant_of(terminal))
    return await lines.bad(runtime.pool, batch, after, limit)


@post(
    "/benefit-batches/{batch:uuid}/submission",
    operation_id="benefit_batch_submit",
    status_code=201,
    opt={
        "errors": (
            NotTheServer,
            NotFound,
            AgencyNotOfProgramme,
            ProgrammeEnded,
            BatchNotDraft,
            BatchEmpty,
            InFlight,
        )
    },
)
async def benefit_batch_submit(
    batch: FromPath[UUID], terminal: Given[Terminal], runtime: Given[Runtime], creation: Given[Creation]
) -> Response[BenefitBatch]:
    """Hand a batch in 提交批次: its lines are fixed by the manifest, and the public notice begins."""
    agency = merchant_of(terminal)
    return await creation.once(
        terminal.actor, lambda tx: service.hand_in(tx, runtime, batch, by=terminal.actor, agency=agency)
    )


@post(
    "/benefit-batches/{batch:uuid}/withdrawal",
    operation_id="benefit_batch_withdraw",
    status_code=201,
    opt={"errors": (NotTheServer, NotFound, AgencyNotOfProgramme, NotUnderReview, InFlight)},
)
async def benefit_batch_withdraw(
    batch: FromPath[UUID], terminal: Given[Terminal], creation: Given[Creation]
) -> Response[BenefitDecision]:
    """Withdraw a batch that is not released 撤回批次; its lines bar no other."""
    agency = merchant_of(terminal)
    return await creation.once(terminal.actor, lambda tx: service.cancel(tx, batch, terminal.actor, agency=agency))


@get("/benefit-batches/{batch:uuid}/lines", operation_id="benefit_lines_list", opt={"errors": (NotTheServer,)})
async def benefit_lines_list(
    batch: FromPath[UUID],
    terminal: Given[Terminal],
    runtime: Given[Runtime],
    which: _LineState = None,
    after: _After = 0,
    limit: _Limit = 100,
) -> list[BenefitLine]:
    """List what became of a batch's lines 逐笔结果, beyond a place; who each is for stands in the agency's own file."""
    await service.batch(runtime.pool, batch, agency=merchant_of(terminal))
    return await lines.listed(runtime.pool, batch, which, after, limit)


HANDLERS = (
    benefit_batch_open,
    benefit_batches_list,
    benefit_batch,
    benefit_part_put,
    benefit_refused_list,
    benefit_batch_submit,
    benefit_batch_withdraw,
    benefit_lines_list,
)
