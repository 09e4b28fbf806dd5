"""HTTP of vouchers: learners claim and look, institutions redeem, the bureau stops, ends and reverses."""

from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from ecard.access.model import Role
from ecard.callers import Holder, Operator, Terminal
from ecard.errors import EcardError, NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight, KeyMissing, KeyReused
from ecard.ids import ID, id_of
from ecard.runtime import Runtime
from pay.ledger.errors import BalanceShort
from vouchers.life import service
from vouchers.life.errors import AlreadySettled, SerialUnknown, ServerWanted, VoucherState
from vouchers.life.schemas import (
    ClaimRequest,
    Moved,
    MoveRequest,
    MyVoucher,
    Offer,
    Redemption,
    RedemptionRequest,
    SerialRequest,
    Voucher,
)

_Before = Annotated[str | None, QueryParameter(pattern=ID, description="此条之前 (made before this one)")]
_Limit = Annotated[int, QueryParameter(ge=1, le=100, description="最多条数 (at most so many)")]


@get("/me/voucher-programmes", operation_id="voucher_offers_list")
async def voucher_offers_list(
    holder: Given[Holder], runtime: Given[Runtime], before: _Before = None, limit: _Limit = 20
) -> list[Offer]:
    """List programmes to claim of 可领培训券: whether one is left, and how many I hold."""
    return await service.offers(runtime.pool, holder, id_of(before), limit)


@post(
    "/me/voucher-claims",
    operation_id="voucher_claim",
    status_code=201,
    opt={"errors": (*service.CLAIM_ERRORS.values(), InFlight)},
)
async def voucher_claim(
    data: JSONBody[ClaimRequest], holder: Given[Holder], runtime: Given[Runtime], creation: Given[Creation]
) -> Response[MyVoucher]:
    """Claim a voucher 领取培训券: as many as the programme gives one person, while there are some."""
    try:
        return await creation.once(holder.actor, lambda tx: service.claim(tx, data, holder))
    except tuple(service.CLAIM_ERRORS.values()) as refusal:
        await service.refused(runtime.pool, data, holder, refusal)
        raise


@get("/me/vouchers", operation_id="vouchers_mine")
async def vouchers_mine(
    holder: Given[Holder], runtime: Given[Runtime], before: _Before = None, limit: _Limit = 20
) -> list[MyVoucher]:
    """List my vouchers 我的培训券, youngest first, each with where it is in its life."""
    return await service.mine(runtime.pool, holder, id_of(before), limit)


@get("/me/vouchers/{voucher:uuid}", operation_id="voucher_mine")
async def voucher_mine(voucher: FromPath[UUID], holder: Given[Holder], runtime: Given[Runtime]) -> MyVoucher:
    """Look at a voucher of mine 培训券详情 and at each step that it took."""
    return await service.my_one(runtime.pool, holder, voucher)


@post(
    "/voucher-redemptions",
    operation_id="voucher_redeem",
    status_code=201,
    opt={"errors": (*service.REDEEM_ERRORS.values(), ServerWanted, KeyMissing, KeyReused, InFlight)},
)
async def voucher_redeem(
    data: JSONBody[RedemptionRequest], terminal: Given[Terminal], runtime: Given[Runtime], creation: Given[Creation]
) -> Response[Redemption]:
    """Redeem an audited voucher 核销: the institution is owed what the audits found, once."""
    made, again = await service.redeem(runtime.pool, data.voucher, terminal, creation.required_key())
    return Response(made, status_code=201, headers={"Idempotency-Replayed": "true"} if again else {})


@get("/vouchers/{voucher:uuid}", operation_id="voucher_get", opt={"role": Role.TRAINING})
async def voucher_get(voucher: FromPath[UUID], operator: Given[Operator], runtime: Given[Runtime]) -> Voucher:
    """Look at a voucher 查看培训券 and at each step: who took it, where, on what evidence."""
    del operator
    return await service.voucher(runtime.pool, voucher)


@post(
    "/voucher-lookups",
    operation_id="voucher_lookup",
    status_code=200,
    opt={"role": Role.TRAINING, "errors": (SerialUnknown,)},
)
async def voucher_lookup(data: JSONBody[SerialRequest], operator: Given[Operator], runtime: Given[Runtime]) -> Voucher:
    """Look a voucher up by its 20 digits 按编号查询, which stand in no address; a number of none is on record."""
    return await service.by_serial(runtime.pool, data.serial, operator)


_MOVES: tuple[type[EcardError], ...] = (NotFound, VoucherState)


@post(
    "/vouchers/{voucher:uuid}/freeze",
    operation_id="voucher_freeze",
    status_code=200,
    opt={"role": Role.TRAINING, "errors": _MOVES},
)
async def voucher_freeze(
    voucher: FromPath[UUID], data: JSONBody[MoveRequest], operator: Given[Operator], runtime: Given[Runtime]
) -> Moved:
    """Freeze a voucher 冻结: it is good for nothing until it is let go on; its time runs."""
    return await service.freeze(runtime.pool, voucher, data.reason, operator, frozen=True)


@post(
    "/vouchers/{voucher:uuid}/unfreeze",
    operation_id="voucher_unfreeze",
    status_code=200,
    opt={"role": Role.TRAINING, "errors": _MOVES},
)
async def voucher_unfreeze(
    voucher: FromPath[UUID], data: JSONBody[MoveRequest], operator: Given[Operator], runtime: Given[Runtime]
) -> Moved:
    """Let a frozen voucher go on as it was 解冻."""
    return await service.freeze(runtime.pool, voucher, data.reason, operator, frozen=False)


@post(
    "/vouchers/{voucher:uuid}/cancel",
    operation_id="voucher_cancel",
    status_code=200,
    opt={"role": Role.TRAINING, "errors": _MOVES},
)
async def voucher_cancel(
    voucher: FromPath[UUID], data: JSONBody[MoveRequest], operator: Given[Operator], runtime: Given[Runtime]
) -> Moved:
    """Make a voucher void 作废 that was not redeemed; its money is the programme's again."""
    return await service.cancel(runtime.pool, voucher, data.reason, operator)


@post(
    "/vouchers/{voucher:uuid}/reverse",
    operation_id="voucher_reverse",
    status_code=200,
    opt={"role": Role.TRAINING, "errors": (*_MOVES, AlreadySettled, BalanceShort)},
)
async def voucher_reverse(
    voucher: FromPath[UUID], data: JSONBody[MoveRequest], operator: Given[Operator], runtime: Given[Runtime]
) -> Moved:
    """Undo a redemption 冲回 before its settlement is begun; the institution is told."""
    return await service.reverse(runtime.pool, voucher, data.reason, operator)


router = Router(
    "/v1",
    route_handlers=[
        voucher_offers_list,
        voucher_claim,
        vouchers_mine,
        voucher_mine,
        voucher_redeem,
        voucher_get,
        voucher_lookup,
        voucher_freeze,
        voucher_unfreeze,
        voucher_cancel,
        voucher_reverse,
    ],
    tags=["vouchers"],
)
