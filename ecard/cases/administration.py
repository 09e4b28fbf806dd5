"""HTTP of what the bureau sets up for cases: which bank may do what, and which person a reviewer is."""

from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from ecard.access.model import Role
from ecard.callers import Operator
from ecard.cases import grants, service
from ecard.cases.errors import GrantBeyond
from ecard.cases.schemas import CaseGrant, CaseGrantRequest, ReviewerNamed, ReviewerRequest
from ecard.catalogue.errors import ItemUnknown
from ecard.catalogue.model import Catalogue
from ecard.db import Tx, begin
from ecard.errors import Conflict, NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.ids import ID, id_of
from ecard.runtime import Runtime

_Agency = Annotated[str | None, QueryParameter(pattern=ID, description="机构 (an agency's id)")]


@post(
    "/case-grants",
    operation_id="case_grant_add",
    status_code=201,
    opt={"role": Role.REGISTRAR, "errors": (ItemUnknown, GrantBeyond, NotFound, InFlight)},
)
async def case_grant_add(
    data: JSONBody[CaseGrantRequest], operator: Given[Operator], catalogue: Given[Catalogue], creation: Given[Creation]
) -> Response[CaseGrant]:
    """Let a bank's outlets accept items of annex 3 授权网点受理, and review A3-26; 可选事项 are named one by one."""
    return await creation.once(operator.actor, lambda tx: grants.grant(tx, catalogue, data, operator.actor))


@get("/case-grants", operation_id="case_grants_list", opt={"role": Role.REGISTRAR})
async def case_grants_list(
    operator: Given[Operator], runtime: Given[Runtime], agency: _Agency = None
) -> list[CaseGrant]:
    """List grants 授权列表, of one agency if named."""
    del operator
    return await grants.listed(runtime.pool, id_of(agency))


@delete("/case-grants/{grant:uuid}", operation_id="case_grant_revoke", status_code=204, opt={"role": Role.REGISTRAR})
async def case_grant_revoke(grant: FromPath[UUID], operator: Given[Operator], runtime: Given[Runtime]) -> None:
    """Take a grant back 撤销授权: nothing more is accepted under it."""
    async with begin(runtime.pool) as tx:
        await grants.revoke(tx, grant, operator.actor)


@post(
    "/reviewers",
    operation_id="reviewer_name",
    status_code=201,
    opt={"role": Role.SECURITY, "errors": (NotFound, Conflict, InFlight)},
)
async def reviewer_name(
    data: JSONBody[ReviewerRequest], operator: Given[Operator], runtime: Given[Runtime], creation: Given[Creation]
) -> Response[ReviewerNamed]:
    """Say which person a reviewer is 登记审核员本人: nobody decides on an own case, or twice by two keys."""

    async def effect(tx: Tx) -> ReviewerNamed:
        await service.name_reviewer(tx, runtime, data, operator.actor)
        return ReviewerNamed(operator=data.operator)

    return await creation.once(operator.actor, effect)


HANDLERS = (case_grant_add, case_grants_list, case_grant_revoke, reviewer_name)
