"""HTTP of cases at terminals: materials, applying, deciding where it is delegated, what the applicant asks."""

from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody

from ecard.callers import Terminal
from ecard.cases import administration, counter, materials, mine, reading, reviews, service
from ecard.cases.errors import (
    AlreadyOpened,
    AppealLate,
    CaseAssigned,
    CaseDisputed,
    CaseMoved,
    CaseOver,
    MaterialsMissing,
    MaterialUnknown,
    NotAtCounter,
    NotReviewed,
    OtherCase,
    OwnCase,
    SameReviewer,
    WrongCaseLevel,
)
from ecard.cases.presenting import BYTES, EFFECTS, FILLED, MATERIAL, UPLOAD, VISIT, sent
from ecard.cases.recording import recorded
from ecard.cases.schemas import (
    CaseDecisionRequest,
    CaseMaterial,
    CaseMaterialRequest,
    CaseMotionRequest,
    CaseRequest,
    CaseStanding,
    ReviewedCase,
)
from ecard.catalogue.model import Catalogue
from ecard.db import Tx
from ecard.desk.errors import NotDelegated
from ecard.errors import NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.runtime import Runtime


@post("/case-materials", operation_id="case_material_upload", status_code=201, opt=UPLOAD)
async def case_material_upload(
    data: JSONBody[CaseMaterialRequest], terminal: Given[Terminal], runtime: Given[Runtime], creation: Given[Creation]
) -> Response[CaseMaterial]:
    """Upload a material 上传材料: PDF, JPEG or PNG by its content, 10 MiB at most; for a case within a day."""
    async with recorded(runtime.pool, "case_material", terminal.actor):
        found = await materials.inspected(runtime, data.content, terminal.actor)
        return await creation.once(terminal.actor, lambda tx: materials.keep(tx, found, terminal.actor))


@post(
    "/cases",
    operation_id="case_open",
    status_code=201,
    opt={
        "errors": (
            *VISIT,
            *FILLED,
            NotReviewed,
            MaterialsMissing,
            MaterialUnknown,
            NotDelegated,
            AlreadyOpened,
            InFlight,
        ),
    },
)
async def case_open(
    data: JSONBody[CaseRequest],
    terminal: Given[Terminal],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
    creation: Given[Creation],
) -> Response[CaseStanding]:
    """Apply at a terminal 申请: an attended counter accepts 受理 at once, which ends an item of one level 即办件."""

    async def effect(tx: Tx) -> CaseStanding:
        case = await service.apply_at(tx, runtime, catalogue, data, terminal, creation.body_mac)
        return await reading.standing(tx, catalogue, case)

    async with recorded(runtime.pool, "case", terminal.actor, visit=data.visit):
        return await creation.once(terminal.actor, effect)


@get("/cases/{case:uuid}", operation_id="case_get")
async def case_get(
    case: FromPath[UUID], terminal: Given[Terminal], runtime: Given[Runtime], catalogue: Given[Catalogue]
) -> CaseStanding:
    """Look where a case of the agency's stands 办理进度."""
    return await reading.at_agency(runtime.pool, catalogue, case, terminal)


@post(
    "/cases/{case:uuid}/decisions",
    operation_id="case_decide",
    status_code=201,
    opt={
        "errors": (
            *EFFECTS,
            NotFound,
            NotAtCounter,
            NotDelegated,
            CaseMoved,
            CaseOver,
            WrongCaseLevel,
            CaseAssigned,
            CaseDisputed,
            SameReviewer,
            OwnCase,
            InFlight,
        )
    },
)
async def case_decide(
    case: FromPath[UUID],
    data: JSONBody[CaseDecisionRequest],
    terminal: Given[Terminal],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
    creation: Given[Creation],
) -> Response[CaseStanding]:
    """Decide at a counter 受理或审核: level 1, and the second where review is delegated (A3-26 alone)."""

    async def effect(tx: Tx) -> CaseStanding:
        await service.decide_at(tx, runtime, catalogue, case, data, terminal, creation.body_mac)
        return await reading.standing(tx, catalogue, case)

    async with recorded(runtime.pool, "case_decision", terminal.actor, case=case):
        return await creation.once(terminal.actor, effect)


@post(
    "/cases/{case:uuid}/motions",
    operation_id="case_move",
    status_code=201,
    opt={
        "errors": (
            *VISIT,
            *FILLED,
            OtherCase,
            CaseMoved,
            CaseOver,
            AppealLate,
            AlreadyOpened,
            MaterialUnknown,
            NotDelegated,
            SameReviewer,
            InFlight,
        )
    },
)
async def case_move(
    case: FromPath[UUID],
    data: JSONBody[CaseMotionRequest],
    terminal: Given[Terminal],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
    creation: Given[Creation],
) -> Response[CaseStanding]:
    """Do what the applicant asks at a terminal 补正、撤回、异议, by another visit of the case's item."""

    async def effect(tx: Tx) -> CaseStanding:
        await service.move_at(tx, runtime, catalogue, case, data, terminal, creation.body_mac)
        return await reading.standing(tx, catalogue, case)

    async with recorded(runtime.pool, "case_motion", terminal.actor, case=case):
        return await creation.once(terminal.actor, effect)


@get("/cases/{case:uuid}/review", operation_id="case_delegated", opt={"errors": (NotDelegated,)})
async def case_delegated(
    case: FromPath[UUID], terminal: Given[Terminal], runtime: Given[Runtime], catalogue: Given[Catalogue]
) -> ReviewedCase:
    """Look at a case that this outlet may review 查看待审申请; on record."""
    async with recorded(runtime.pool, "case_shown", terminal.actor, case=case):
        return await reading.delegated(runtime, catalogue, case, terminal)


@get(
    "/cases/{case:uuid}/materials/{material:uuid}",
    operation_id="case_delegated_material",
    media_type=BYTES,
    opt={**MATERIAL, "errors": (NotDelegated, MaterialUnknown)},
)
async def case_delegated_material(
    case: FromPath[UUID],
    material: FromPath[UUID],
    terminal: Given[Terminal],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
) -> Response[bytes]:
    """Read a material of a case that this outlet may review 查看材料; on record."""
    async with recorded(runtime.pool, "case_material_shown", terminal.actor, case=case):
        await reading.check_delegated(runtime, catalogue, case, terminal)
        return sent(await materials.show(runtime.pool, runtime.vault, case, material, terminal.actor))


router = Router(
    "/v1",
    route_handlers=[
        case_material_upload,
        case_open,
        case_get,
        case_decide,
        case_move,
        case_delegated,
        case_delegated_material,
        *mine.HANDLERS,
        *reviews.HANDLERS,
        *administration.HANDLERS,
        *counter.HANDLERS,
    ],
    tags=["cases"],
)
