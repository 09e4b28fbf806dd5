"""HTTP of disbursement for holders, and what everybody may read: batches on public notice."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from ecard.callers import Holder, Terminal
from ecard.catalogue.model import Catalogue
from ecard.desk.errors import CardSuspended, VisitOver, VisitUnknown, WrongFlow
from ecard.errors import NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.ids import ID, id_of
from ecard.runtime import Runtime
from pay.disbursement import holders, store
from pay.disbursement.errors import NotPseudonymous, ProofNotReady
from pay.disbursement.schemas import BenefitNotice, BenefitPayee, BenefitPayeeRequest, BenefitProof, MyBenefit

_Before = Annotated[str | None, QueryParameter(pattern=ID, description="此笔之前 (before this one)")]
_Limit = Annotated[int, QueryParameter(ge=1, le=100, description="最多条数 (at most so many)")]


@get("/me/benefits", operation_id="my_benefits")
async def my_benefits(
    holder: Given[Holder], runtime: Given[Runtime], before: _Before = None, limit: _Limit = 20
) -> list[MyBenefit]:
    """List the holder's benefits 我的待遇, youngest first: what, how much, and why one is not paid yet."""
    return await holders.benefits(runtime, holder, id_of(before), limit)


@get(
    "/visits/{visit:uuid}/benefits",
    operation_id="visit_benefits",
    opt={"errors": (VisitUnknown, VisitOver, CardSuspended, WrongFlow)},
)
async def visit_benefits(
    visit: FromPath[UUID],
    terminal: Given[Terminal],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
    limit: _Limit = 20,
) -> list[MyBenefit]:
    """List what the holder who is here was paid under the visit's item 到访待遇, youngest first."""
    return await holders.at_counter(runtime, catalogue, visit, terminal, limit)


@get("/me/benefits/{benefit:uuid}", operation_id="my_benefit")
async def my_benefit(benefit: FromPath[UUID], holder: Given[Holder], runtime: Given[Runtime]) -> MyBenefit:
    """Look at one of the holder's benefits 待遇详情."""
    return await holders.benefit(runtime, holder, benefit)


@get("/me/benefits/{benefit:uuid}/proof", operation_id="my_benefit_proof", opt={"errors": (ProofNotReady,)})
async def my_benefit_proof(benefit: FromPath[UUID], holder: Given[Holder], runtime: Given[Runtime]) -> BenefitProof:
    """Give the proof that a benefit is in what was approved 发放凭证: `ecard benefits verify` checks it offline."""
    return await holders.proof(runtime, holder, benefit)


@post(
    "/me/benefit-payees",
    operation_id="my_benefit_payee",
    status_code=201,
    opt={"errors": (NotFound, NotPseudonymous, InFlight)},
)
async def my_benefit_payee(
    data: JSONBody[BenefitPayeeRequest], holder: Given[Holder], runtime: Given[Runtime], creation: Given[Creation]
) -> Response[BenefitPayee]:
    """Give the pseudonym under which a programme pays the holder 领取代号: its agency never learns who that is."""
    return await creation.once(holder.actor, lambda tx: holders.payee(tx, runtime.vault, holder, data.programme))


@get("/benefit-notices", operation_id="benefit_notices", opt={"public": True})
async def benefit_notices(runtime: Given[Runtime]) -> list[BenefitNotice]:
    """List the batches on public notice 公示: programme, period and total, and nobody's name."""
    return await store.notices(runtime.pool)


HANDLERS = (my_benefits, visit_benefits, my_benefit, my_benefit_proof, my_benefit_payee, benefit_notices)
