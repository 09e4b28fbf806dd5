"""HTTP of cases on the holder's own phone."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from ecard.callers import Holder
from ecard.cases import materials, reading, service
from ecard.cases.errors import (
    AlreadyOpened,
    AppealLate,
    CaseMoved,
    CaseOver,
    MaterialsMissing,
    MaterialUnknown,
    NotReviewed,
)
from ecard.cases.presenting import BYTES, FILLED, MATERIAL, UPLOAD, VISIT, sent
from ecard.cases.recording import recorded
from ecard.cases.schemas import CaseMaterial, CaseMaterialRequest, CaseMotionRequest, CaseRequest, CaseStanding, MyCase
from ecard.catalogue.model import Catalogue
from ecard.db import Tx
from ecard.errors import NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.runtime import Runtime

_Before = Annotated[
    int | None, QueryParameter(ge=0, le=4_102_444_800, description="此时之前 (before this time, Unix seconds)")
]
_Limit = Annotated[int, QueryParameter(ge=1, le=100, description="最多条数 (at most so many)")]


@post("/me/case-materials", operation_id="my_case_material_upload", status_code=201, opt=UPLOAD)
async def my_case_material_upload(
    data: JSONBody[CaseMaterialRequest], holder: Given[Holder], runtime: Given[Runtime], creation: Given[Creation]
) -> Response[CaseMaterial]:
    """Upload a material on the own phone 上传材料: PDF, JPEG or PNG by its content, 10 MiB at most."""
    async with recorded(runtime.pool, "case_material", holder.actor, card=holder.card):
        found = await materials.inspected(runtime, data.content, holder.actor)
        return await creation.once(holder.actor, lambda tx: materials.keep(tx, found, holder.actor))


@post(
    "/me/cases",
    operation_id="my_case_open",
    status_code=201,
    opt={"errors": (*VISIT, *FILLED, NotReviewed, MaterialsMissing, MaterialUnknown, AlreadyOpened, InFlight)},
)
async def my_case_open(
    data: JSONBody[CaseRequest],
    holder: Given[Holder],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
    creation: Given[Creation],
) -> Response[CaseStanding]:
    """Apply on the own phone 线上申请: the case waits for acceptance, within five working days."""

    async def effect(tx: Tx) -> CaseStanding:
        case = await service.apply_on_phone(tx, runtime, catalogue, data, holder, creation.body_mac)
        return await reading.standing(tx, catalogue, case)

    async with recorded(runtime.pool, "case", holder.actor, card=holder.card, visit=data.visit):
        return await creation.once(holder.actor, effect)


@get("/me/cases", operation_id="my_cases")
async def my_cases(
    holder: Given[Holder],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
    before: _Before = None,
    limit: _Limit = 20,
) -> list[CaseStanding]:
    """List the holder's cases 我的申请, wherever they were opened, youngest first."""
    return await reading.all_mine(runtime, catalogue, holder, before, limit)


@get("/me/cases/{case:uuid}", operation_id="my_case")
async def my_case(
    case: FromPath[UUID], holder: Given[Holder], runtime: Given[Runtime], catalogue: Given[Catalogue]
) -> MyCase:
    """Look at an own case 申请详情: where it stands, why, until when, and each step."""
    return await reading.mine(runtime, catalogue, holder, case)


@post(
    "/me/cases/{case:uuid}/motions",
    operation_id="my_case_move",
    status_code=201,
    opt={"errors": (*FILLED, NotFound, CaseMoved, CaseOver, AppealLate, MaterialUnknown, InFlight)},
)
async def my_case_move(
    case: FromPath[UUID],
    data: JSONBody[CaseMotionRequest],
    holder: Given[Holder],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
    creation: Given[Creation],
) -> Response[CaseStanding]:
    """Complete what was returned 补正, withdraw 撤回, or appeal against a refusal 异议, on the own phone."""

    async def effect(tx: Tx) -> CaseStanding:
        await service.move_on_phone(tx, runtime, catalogue, case, data, holder, creation.body_mac)
        return await reading.standing(tx, catalogue, case)

    async with recorded(runtime.pool, "case_motion", holder.actor, card=holder.card, case=case):
        return await creation.once(holder.actor, effect)


@get(
    "/me/cases/{case:uuid}/materials/{material:uuid}",
    operation_id="my_case_material",
    media_type=BYTES,
    opt={**MATERIAL, "errors": (NotFound, MaterialUnknown)},
)
async def my_case_material(
    case: FromPath[UUID], material: FromPath[UUID], holder: Given[Holder], runtime: Given[Runtime]
) -> Response[bytes]:
    """Read a material of an own case 查看本人材料."""
    await reading.check_mine(runtime.pool, case, holder)
    return sent(await materials.show(runtime.pool, runtime.vault, case, material, holder.actor))


HANDLERS = (my_case_material_upload, my_case_open, my_cases, my_case, my_case_move, my_case_material)
