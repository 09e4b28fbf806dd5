"""HTTP of completions: institutions submit and look, operators of training audit."""

from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from ecard.access.model import Role
from ecard.callers import Operator, Terminal
from ecard.errors import NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.runtime import Runtime
from vouchers.classes.refusing import VOUCHER, recorded
from vouchers.completion import service
from vouchers.completion.errors import CompletionDecided, OverAmount, OwnShareOpen, SameOperator, TooFewHours
from vouchers.completion.schemas import (
    Audit,
    AuditRequest,
    Completion,
    CompletionRequest,
    CompletionState,
    CompletionView,
    InstitutionVoucher,
)
from vouchers.life.errors import ServerWanted, VoucherFrozen, VoucherState

_ID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?!\n)$"
_States = Literal["submitted", "passed", "rejected"]
_After = Annotated[str, QueryParameter(pattern=_ID, description="此编号之后 (after this id)")]
_FIRST = str(UUID(int=0))


@post(
    "/classes/{training_class:uuid}/completions",
    operation_id="completion_submit",
    status_code=201,
    opt={"errors": (*VOUCHER, ServerWanted, TooFewHours, OwnShareOpen, OverAmount, InFlight)},
)
async def completion_submit(
    training_class: FromPath[UUID],
    data: JSONBody[CompletionRequest],
    terminal: Given[Terminal],
    runtime: Given[Runtime],
    creation: Given[Creation],
) -> Response[Completion]:
    """Submit that a learner completed 结业申报: with hours enough, and the own share paid."""
    async with recorded(runtime.pool, "completion", terminal.actor, class_=training_class, voucher=data.voucher):
        return await creation.once(
            terminal.actor, lambda tx: service.submit(tx, runtime, training_class, data, terminal)
        )


@get("/completions", operation_id="completions_list", opt={"role": Role.TRAINING})
async def completions_list(
    operator: Given[Operator],
    runtime: Given[Runtime],
    status: Annotated[_States, QueryParameter(description="状态 (which of them)")] = "submitted",
    after: _After = _FIRST,
    limit: Annotated[
        int, QueryParameter(ge=1, le=service.PAGE, description="最多条数 (at most so many)")
    ] = service.PAGE,
) -> list[CompletionView]:
    """List completions 结业申报列表: by default those that wait to be audited, oldest first."""
    del operator
    return await service.completions(runtime.pool, CompletionState(status), UUID(after), limit)


@post(
    "/completions/{completion:uuid}/audits",
    operation_id="completion_audit",
    status_code=201,
    opt={
        "role": Role.TRAINING,
        "errors": (
            NotFound,
            CompletionDecided,
            SameOperator,
            OverAmount,
            OwnShareOpen,
            VoucherFrozen,
            VoucherState,
            InFlight,
        ),
    },
)
async def completion_audit(
    completion: FromPath[UUID],
    data: JSONBody[AuditRequest],
    operator: Given[Operator],
    runtime: Given[Runtime],
    creation: Given[Creation],
) -> Response[Audit]:
    """Audit a completion 审核: two levels by two operators; whoever rejects gives it back with the reason."""
    async with recorded(runtime.pool, "completion_audit", operator.actor, completion=completion):
        return await creation.once(operator.actor, lambda tx: service.judge(tx, completion, data, operator))


@get("/institution-vouchers", operation_id="institution_vouchers_list")
async def institution_vouchers_list(
    terminal: Given[Terminal],
    runtime: Given[Runtime],
    after: _After = _FIRST,
) -> list[InstitutionVoucher]:
    """List the vouchers bound to the institution's classes 本机构培训券."""
    return await service.vouchers(runtime, terminal, UUID(after))


@get("/institution-vouchers/{voucher:uuid}", operation_id="institution_voucher_get", opt={"errors": (NotFound,)})
async def institution_voucher_get(
    voucher: FromPath[UUID], terminal: Given[Terminal], runtime: Given[Runtime]
) -> InstitutionVoucher:
    """Show a voucher of the institution 培训券详情: never another institution's."""
    return await service.voucher(runtime, terminal, voucher)


router = Router(
    "/v1",
    route_handlers=[
        completion_submit,
        completions_list,
        completion_audit,
        institution_vouchers_list,
        institution_voucher_get,
    ],
    tags=["classes"],
)
