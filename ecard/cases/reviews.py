"""HTTP of cases for the bureau's reviewers: what is due, taking one, looking at it, deciding."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from ecard.access.model import Role
from ecard.callers import Operator
from ecard.cases import materials, reading, service
from ecard.cases.errors import (
    CaseAssigned,
    CaseDisputed,
    CaseMoved,
    CaseOver,
    MaterialUnknown,
    NotInHand,
    OwnCase,
    ReviewerUnnamed,
    SameReviewer,
    WrongCaseLevel,
)
from ecard.cases.presenting import BYTES, EFFECTS, MATERIAL, sent
from ecard.cases.recording import recorded
from ecard.cases.schemas import (
    CaseAssignmentRequest,
    CaseCommentRequest,
    CaseDecisionRequest,
    CaseInList,
    CaseStanding,
    ReviewedCase,
    ReviewState,
)
from ecard.catalogue.model import Catalogue
from ecard.db import Tx
from ecard.errors import NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.runtime import Runtime

_REVIEWER = {"role": Role.REVIEWER}
_Which = Annotated[
    ReviewState, QueryParameter(name="which", description="待办、本人名下或已超期 (due, mine, or overdue)")
]
_Item = Annotated[
    str | None, QueryParameter(pattern=r"^A[123]-[0-9]{2}(?!\n)$", description="事项编号 (an item's code)")
]
_Limit = Annotated[int, QueryParameter(ge=1, le=200, description="最多条数 (at most so many)")]


@get("/case-reviews", operation_id="case_reviews_list", opt=_REVIEWER)
async def case_reviews_list(
    operator: Given[Operator],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
    which: _Which = "due",
    item: _Item = None,
    limit: _Limit = 50,
) -> list[CaseInList]:
    """List the cases at which a decision is due 待办申请, the most urgent first; who applied is not in it."""
    return await reading.listed(runtime, catalogue, operator, which, item, limit)


@get("/case-reviews/{case:uuid}", operation_id="case_review", opt={**_REVIEWER, "errors": (NotInHand,)})
async def case_review(
    case: FromPath[UUID], operator: Given[Operator], runtime: Given[Runtime], catalogue: Given[Catalogue]
) -> ReviewedCase:
    """Look at a case that one has in hand 查看申请; on record."""
    async with recorded(runtime.pool, "case_shown", operator.actor, case=case):
        return await reading.in_hand(runtime, catalogue, case, operator)


@post(
    "/case-reviews/{case:uuid}/assignments",
    operation_id="case_assign",
    status_code=201,
    opt={
        **_REVIEWER,
        "errors": (NotFound, CaseOver, CaseAssigned, ReviewerUnnamed, OwnCase, SameReviewer, InFlight),
    },
)
async def case_assign(
    case: FromPath[UUID],
    data: JSONBody[CaseAssignmentRequest],
    operator: Given[Operator],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
    creation: Given[Creation],
) -> Response[CaseStanding]:
    """Take a case 领办, or hand one's own over 移交 to another reviewer."""

    async def effect(tx: Tx) -> CaseStanding:
        await service.assign(tx, case, data, operator, creation.body_mac)
        return await reading.standing(tx, catalogue, case)

    async with recorded(runtime.pool, "case_assigned", operator.actor, case=case):
        return await creation.once(operator.actor, effect)


@post(
    "/case-reviews/{case:uuid}/decisions",
    operation_id="case_review_decide",
    status_code=201,
    opt={
        **_REVIEWER,
        "errors": (
            *EFFECTS,
            NotFound,
            CaseMoved,
            CaseOver,
            WrongCaseLevel,
            CaseAssigned,
            CaseDisputed,
            SameReviewer,
            OwnCase,
            ReviewerUnnamed,
            InFlight,
        ),
    },
)
async def case_review_decide(
    case: FromPath[UUID],
    data: JSONBody[CaseDecisionRequest],
    operator: Given[Operator],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
    creation: Given[Creation],
) -> Response[CaseStanding]:
    """Decide at the level that is due 受理、审核、终审: approve, return, or reject; each another person."""

    async def effect(tx: Tx) -> CaseStanding:
        await service.review(tx, runtime, catalogue, case, data, operator, creation.body_mac)
        return await reading.standing(tx, catalogue, case)

    async with recorded(runtime.pool, "case_decision", operator.actor, case=case):
        return await creation.once(operator.actor, effect)


@post(
    "/case-reviews/{case:uuid}/comments",
    operation_id="case_comment",
    status_code=201,
    opt={**_REVIEWER, "errors": (NotFound, NotInHand, InFlight)},
)
async def case_comment(
    case: FromPath[UUID],
    data: JSONBody[CaseCommentRequest],
    operator: Given[Operator],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
    creation: Given[Creation],
) -> Response[CaseStanding]:
    """Leave a note for those who review the case after 批注; its applicant does not see it."""

    async def effect(tx: Tx) -> CaseStanding:
        await service.comment(tx, runtime, case, data, operator, creation.body_mac)
        return await reading.standing(tx, catalogue, case)

    async with recorded(runtime.pool, "case_comment", operator.actor, case=case):
        return await creation.once(operator.actor, effect)


@get(
    "/case-reviews/{case:uuid}/materials/{material:uuid}",
    operation_id="case_review_material",
    media_type=BYTES,
    opt={**_REVIEWER, **MATERIAL, "errors": (NotInHand, MaterialUnknown)},
)
async def case_review_material(
    case: FromPath[UUID], material: FromPath[UUID], operator: Given[Operator], runtime: Given[Runtime]
) -> Response[bytes]:
    """Read a material of a case that one has in hand 查看材料; on record."""
    async with recorded(runtime.pool, "case_material_shown", operator.actor, case=case):
        await reading.check_in_hand(runtime.pool, case, operator)
        return sent(await materials.show(runtime.pool, runtime.vault, case, material, operator.actor))


HANDLERS = (
    case_reviews_list,
    case_review,
    case_assign,
    case_review_decide,
    case_comment,
    case_review_material,
)
