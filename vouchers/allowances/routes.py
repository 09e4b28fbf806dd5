"""HTTP of allowances: what a programme pays its learners, and a month of it handed in to be paid out."""

from uuid import UUID

from litestar import Response, Router, get, post, put
from litestar.params import FromPath, JSONBody

from ecard.access.model import Role
from ecard.callers import Operator
from ecard.db import begin
from ecard.errors import Invalid, NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.runtime import Runtime
from pay.disbursement.errors import AgencyNotOfProgramme, BatchFull, ProgrammeEnded
from vouchers.allowances import service
from vouchers.allowances.errors import AllowanceTooEarly, AllowanceUnset, NothingDue
from vouchers.allowances.schemas import AllowanceBatch, AllowanceRequest, AllowanceTerms


@put(
    "/voucher-programmes/{programme:uuid}/allowance",
    operation_id="allowance_set",
    status_code=204,
    opt={"role": Role.TRAINING, "errors": (NotFound, Invalid)},
)
async def allowance_set(
    programme: FromPath[UUID],
    data: JSONBody[AllowanceTerms],
    operator: Given[Operator],
    runtime: Given[Runtime],
) -> None:
    """Set what a day of a programme's training is worth to a learner 生活费与交通费标准 (A1-77)."""
    async with begin(runtime.pool) as tx:
        await service.set_terms(tx, programme, data, operator.actor)


@get(
    "/voucher-programmes/{programme:uuid}/allowance",
    operation_id="allowance_get",
    opt={"role": Role.TRAINING, "errors": (AllowanceUnset,)},
)
async def allowance_get(
    programme: FromPath[UUID], operator: Given[Operator], runtime: Given[Runtime]
) -> AllowanceTerms:
    """Look at what a day of a programme's training is worth 查看补贴标准."""
    del operator
    return await service.terms(runtime.pool, programme)


@post(
    "/voucher-programmes/{programme:uuid}/allowances",
    operation_id="allowance_hand_in",
    status_code=201,
    opt={
        "role": Role.TRAINING,
        "errors": (
            AllowanceUnset,
            AllowanceTooEarly,
            NothingDue,
            NotFound,
            ProgrammeEnded,
            AgencyNotOfProgramme,
            BatchFull,
            InFlight,
        ),
    },
)
async def allowance_hand_in(
    programme: FromPath[UUID],
    data: JSONBody[AllowanceRequest],
    operator: Given[Operator],
    runtime: Given[Runtime],
    creation: Given[Creation],
) -> Response[AllowanceBatch]:
    """Hand a month's allowances in 提交生活费与交通费补贴: a batch of the disbursement, reviewed and paid there."""
    return await creation.once(
        operator.actor, lambda tx: service.hand_in(tx, runtime, programme, data.month, operator.actor)
    )


router = Router("/v1", route_handlers=[allowance_set, allowance_get, allowance_hand_in], tags=["allowances"])
