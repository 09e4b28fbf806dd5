"""HTTP of disbursement: operators of finance set programmes up, review batches and see to lines."""

from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from ecard.access.model import Role
from ecard.callers import Operator
from ecard.catalogue.errors import ItemUnknown
from ecard.catalogue.model import Catalogue
from ecard.db import begin
from ecard.errors import NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.keyring.model import NoKey
from ecard.runtime import Runtime
from pay.disbursement import handing_in, lines, mine, service
from pay.disbursement.errors import (
    BatchClosed,
    BatchUnderWay,
    ClawbackDiffers,
    ItemNotCertifying,
    ItemNotReceived,
    LineElsewhere,
    LineNotOpen,
    ManifestChanged,
    ManifestStale,
    NotApproved,
    NoticeRunning,
    NotUnderReview,
    ProgrammeExists,
    SameApprover,
    WrongLevel,
)
from pay.disbursement.schemas import (
    BenefitApprovalRequest,
    BenefitBatch,
    BenefitBudgetRequest,
    BenefitClawback,
    BenefitClawbackRequest,
    BenefitDecision,
    BenefitLine,
    BenefitManifestRequest,
    BenefitProgramme,
    BenefitProgrammeRequest,
    BenefitRecoveryRequest,
    BenefitRejectionRequest,
)
from pay.ledger.errors import BalanceShort

_FINANCE = {"role": Role.FINANCE}
_State = Annotated[
    Literal["all", "notice", "level1", "level2", "releasing", "done", "closed", "cancelled"],
    QueryParameter(name="state", description="批次状态 (a state of batches)"),
]
_LineState = Annotated[
    Literal["all", "ready", "held", "sent", "unknown", "paid", "returned", "cancelled"],
    QueryParameter(name="state", description="明细状态 (a state of lines)"),
]
_After = Annotated[int, QueryParameter(ge=0, le=1_000_000, description="此序号之后 (after this place)")]
_Limit = Annotated[int, QueryParameter(ge=1, le=500, description="最多条数 (at most so many)")]


@post(
    "/benefit-programmes",
    operation_id="benefit_programme_add",
    status_code=201,
    opt={**_FINANCE, "errors": (ItemUnknown, ItemNotReceived, ItemNotCertifying, NotFound, ProgrammeExists, InFlight)},
)
async def benefit_programme_add(
    data: JSONBody[BenefitProgrammeRequest],
    operator: Given[Operator],
    catalogue: Given[Catalogue],
    creation: Given[Creation],
) -> Response[BenefitProgramme]:
    """Add a programme 登记发放项目: the item that it pays, who may hand in, its rules."""
    return await creation.once(operator.actor, lambda tx: service.add_programme(tx, catalogue, data, operator.actor))


@get("/benefit-programmes", operation_id="benefit_programmes_list", opt=_FINANCE)
async def benefit_programmes_list(operator: Given[Operator], runtime: Given[Runtime]) -> list[BenefitProgramme]:
    """List the programmes and what their funds have left 发放项目列表."""
    del operator
    return await service.programmes(runtime.pool)


@post(
    "/benefit-programmes/{programme:uuid}/budget",
    operation_id="benefit_budget_add",
    status_code=201,
    opt={**_FINANCE, "errors": (NotFound, InFlight)},
)
async def benefit_budget_add(
    programme: FromPath[UUID],
    data: JSONBody[BenefitBudgetRequest],
    operator: Given[Operator],
    creation: Given[Creation],
) -> Response[BenefitProgramme]:
    """Give a programme money 拨入资金, by its source."""
    return await creation.once(operator.actor, lambda tx: service.fund(tx, programme, data, operator.actor))


@post("/benefit-programmes/{programme:uuid}/end", operation_id="benefit_programme_end", status_code=204, opt=_FINANCE)
async def benefit_programme_end(programme: FromPath[UUID], operator: Given[Operator], runtime: Given[Runtime]) -> None:
    """Let a programme take no new batch 结束项目; what was handed in goes on."""
    async with begin(runtime.pool) as tx:
        await service.end(tx, programme, operator.actor)


@get("/benefit-reviews", operation_id="benefit_reviews_list", opt=_FINANCE)
async def benefit_reviews_list(
    operator: Given[Operator], runtime: Given[Runtime], which: _State = "all", limit: _Limit = 50
) -> list[BenefitBatch]:
    """List the batches that were handed in 批次列表, youngest first."""
    del operator
    return await service.batches(runtime.pool, None if which == "all" else which, None, limit)


@get("/benefit-reviews/{batch:uuid}", operation_id="benefit_review", opt=_FINANCE)
async def benefit_review(batch: FromPath[UUID], operator: Given[Operator], runtime: Given[Runtime]) -> BenefitBatch:
    """Look at a batch 查看批次: its manifest is what an approval names."""
    del operator
    return await service.batch(runtime.pool, batch)


@get("/benefit-reviews/{batch:uuid}/lines", operation_id="benefit_review_lines", opt=_FINANCE)
async def benefit_review_lines(
    batch: FromPath[UUID],
    operator: Given[Operator],
    runtime: Given[Runtime],
    which: _LineState = "all",
    after: _After = 0,
    limit: _Limit = 100,
) -> list[BenefitLine]:
    """List a batch's lines 批次明细, beyond a place."""
    del operator
    return await lines.listed(runtime.pool, batch, None if which == "all" else which, after, limit)


@post(
    "/benefit-reviews/{batch:uuid}/approvals",
    operation_id="benefit_approve",
    status_code=201,
    opt={
        **_FINANCE,
        "errors": (NotFound, NotUnderReview, ManifestStale, NoticeRunning, WrongLevel, SameApprover, NoKey, InFlight),
    },
)
async def benefit_approve(
    batch: FromPath[UUID],
    data: JSONBody[BenefitApprovalRequest],
    operator: Given[Operator],
    runtime: Given[Runtime],
    creation: Given[Creation],
) -> Response[BenefitDecision]:
    """Approve a batch 审核批次 at the level that is due, as its manifest says it stands; not twice the same person."""
    return await creation.once(operator.actor, lambda tx: service.approve(tx, runtime, batch, data, operator.actor))


@post(
    "/benefit-reviews/{batch:uuid}/rejections",
    operation_id="benefit_reject",
    status_code=201,
    opt={**_FINANCE, "errors": (NotFound, NotUnderReview, ManifestStale, InFlight)},
)
async def benefit_reject(
    batch: FromPath[UUID], data: JSONBody[BenefitRejectionRequest], operator: Given[Operator], creation: Given[Creation]
) -> Response[BenefitDecision]:
    """Send a batch back to its agency 退回批次: approvals of it count for nothing any more."""
    return await creation.once(operator.actor, lambda tx: service.reject(tx, batch, data, operator.actor))


@post(
    "/benefit-reviews/{batch:uuid}/release",
    operation_id="benefit_release",
    status_code=201,
    opt={**_FINANCE, "errors": (NotFound, NotApproved, ManifestStale, ManifestChanged, BalanceShort, InFlight)},
)
async def benefit_release(
    batch: FromPath[UUID], data: JSONBody[BenefitManifestRequest], operator: Given[Operator], creation: Given[Creation]
) -> Response[BenefitDecision]:
    """Release what was approved 拨付: the money is set aside, then each line is paid to its card's current account."""
    return await creation.once(operator.actor, lambda tx: service.release(tx, batch, data.manifest, operator.actor))


@post(
    "/benefit-reviews/{batch:uuid}/close",
    operation_id="benefit_close",
    status_code=201,
    opt={**_FINANCE, "errors": (NotFound, NotUnderReview, BatchUnderWay, InFlight)},
)
async def benefit_close(
    batch: FromPath[UUID], operator: Given[Operator], creation: Given[Creation]
) -> Response[BenefitDecision]:
    """End a batch for good 关闭批次: what was not paid is cancelled, and its money is the fund's again."""
    return await creation.once(operator.actor, lambda tx: service.close(tx, batch, operator.actor))


@post(
    "/benefit-reviews/{batch:uuid}/cancel",
    operation_id="benefit_cancel",
    status_code=201,
    opt={**_FINANCE, "errors": (NotFound, NotUnderReview, InFlight)},
)
async def benefit_cancel(
    batch: FromPath[UUID], operator: Given[Operator], creation: Given[Creation]
) -> Response[BenefitDecision]:
    """Give up a batch that is not released 撤销批次; its lines bar no other."""
    return await creation.once(operator.actor, lambda tx: service.cancel(tx, batch, operator.actor))


@post(
    "/benefit-lines/{line:uuid}/cancel",
    operation_id="benefit_line_cancel",
    status_code=201,
    opt={**_FINANCE, "errors": (NotFound, LineNotOpen, InFlight)},
)
async def benefit_line_cancel(
    line: FromPath[UUID], operator: Given[Operator], creation: Given[Creation]
) -> Response[BenefitLine]:
    """Give up a line that is released and not paid 取消明细, such as one of a payee who died."""
    return await creation.once(operator.actor, lambda tx: service.cancel_line(tx, line, operator.actor))


@post(
    "/benefit-lines/{line:uuid}/redrive",
    operation_id="benefit_line_redrive",
    status_code=201,
    opt={**_FINANCE, "errors": (NotFound, LineNotOpen, BatchClosed, LineElsewhere, InFlight)},
)
async def benefit_line_redrive(
    line: FromPath[UUID], operator: Given[Operator], creation: Given[Creation]
) -> Response[BenefitLine]:
    """Pay a returned line again 退票补发, to the account that its payee has now; with another it happens by itself."""
    return await creation.once(operator.actor, lambda tx: service.redrive(tx, line, operator.actor))


@post(
    "/benefit-lines/{line:uuid}/clawback",
    operation_id="benefit_clawback",
    status_code=201,
    opt={**_FINANCE, "errors": (NotFound, LineNotOpen, SameApprover, ClawbackDiffers, InFlight)},
)
async def benefit_clawback(
    line: FromPath[UUID], data: JSONBody[BenefitClawbackRequest], operator: Given[Operator], creation: Given[Creation]
) -> Response[BenefitClawback]:
    """Say that a line was paid too much 错发追回, or confirm what another operator said: it is then owed back."""
    return await creation.once(operator.actor, lambda tx: service.claw_back(tx, line, data, operator.actor))


@post(
    "/benefit-lines/{line:uuid}/recoveries",
    operation_id="benefit_recover",
    status_code=201,
    opt={**_FINANCE, "errors": (NotFound, LineNotOpen, ClawbackDiffers, InFlight)},
)
async def benefit_recover(
    line: FromPath[UUID], data: JSONBody[BenefitRecoveryRequest], operator: Given[Operator], creation: Given[Creation]
) -> Response[BenefitLine]:
    """Book what came back of an overpaid line 登记追回款, once for its reference at the bank."""
    return await creation.once(operator.actor, lambda tx: service.recover(tx, line, data, operator.actor))


router = Router(
    "/v1",
    route_handlers=[
        benefit_programme_add,
        benefit_programmes_list,
        benefit_budget_add,
        benefit_programme_end,
        benefit_reviews_list,
        benefit_review,
        benefit_review_lines,
        benefit_approve,
        benefit_reject,
        benefit_release,
        benefit_close,
        benefit_cancel,
        benefit_line_cancel,
        benefit_line_redrive,
        benefit_clawback,
        benefit_recover,
        *handing_in.HANDLERS,
        *mine.HANDLERS,
    ],
    tags=["benefits"],
)
