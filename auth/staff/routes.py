"""HTTP of staff, for operators."""

from typing import Annotated
from uuid import UUID

from litestar import Response, Router, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from auth.staff import service
from auth.staff.errors import StaffExists
from auth.staff.schemas import StaffRegistered, StaffRequest, StaffView
from ecard.access.model import Role
from ecard.callers import Operator
from ecard.db import begin
from ecard.errors import Invalid, NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.runtime import Runtime


@post(
    "/staff",
    operation_id="staff_register",
    status_code=201,
    opt={"role": Role.REGISTRAR, "errors": (NotFound, StaffExists, InFlight)},
)
async def staff_register(
    data: JSONBody[StaffRequest], operator: Given[Operator], runtime: Given[Runtime], creation: Given[Creation]
) -> Response[StaffRegistered]:
    """Give a holder a role at an agency 登记工作人员."""
    return await creation.once(operator.actor, lambda tx: service.register(tx, runtime, data, operator.actor))


@get("/staff", operation_id="staff_list", opt={"role": Role.REGISTRAR})
async def staff_list(
    operator: Given[Operator],
    runtime: Given[Runtime],
    agency: Annotated[
        str | None, QueryParameter(description="仅此机构 (of this agency alone)", schema_extra={"format": "uuid"})
    ] = None,
) -> list[StaffView]:
    """List the staff of now 列出工作人员: of all agencies or of one; names are masked."""
    del operator
    return await service.listed(runtime, None if agency is None else _id(agency))


@delete("/staff/{staff:uuid}", operation_id="staff_end", status_code=204, opt={"role": Role.REGISTRAR})
async def staff_end(staff: FromPath[UUID], operator: Given[Operator], runtime: Given[Runtime]) -> None:
    """End a role 结束登记: whatever was granted under it ends with it."""
    async with begin(runtime.pool) as tx:
        await service.end(tx, staff, operator.actor)


def _id(text: str) -> UUID:
    """Return the id that `text` is; raises Invalid. Litestar itself would take "null" for no filter at all."""
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(pointer="/query/agency") from None


router = Router("/v1", route_handlers=[staff_register, staff_list, staff_end], tags=["staff"])
