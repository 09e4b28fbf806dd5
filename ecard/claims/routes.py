"""HTTP of credentials: issued to the phone, asked for by terminals, shown by the phone, and what verifiers fetch."""

from uuid import UUID

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody

from ecard.access.model import Role
from ecard.callers import Holder, Operator, Terminal
from ecard.catalogue.model import Catalogue
from ecard.claims import publishing, service
from ecard.claims.errors import (
    ClaimIssued,
    ClaimItem,
    ClaimRefused,
    ClaimRevoked,
    ClaimTypeUnknown,
    NothingOnRecord,
    RequestOver,
    TooLittleShown,
    TooMuchShown,
)
from ecard.claims.model import types
from ecard.claims.schemas import (
    ClaimIssuer,
    ClaimIssueRequest,
    ClaimPresentation,
    ClaimReason,
    ClaimShown,
    ClaimTypeView,
    IssuedClaim,
    MyClaims,
    ShowAnswer,
    ShowAsked,
    ShowRequest,
    ShowWanted,
)
from ecard.claims.source import ClaimSource
from ecard.claims.status import FRESH
from ecard.db import begin
from ecard.desk.errors import CardSuspended, VisitOver, VisitUnknown, WrongFlow
from ecard.errors import NotFound, Unavailable
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.keyring.model import NoKey
from ecard.runtime import Runtime

_STATUS_JWT = "application/statuslist+jwt"
_PUBLISHED = {"Cache-Control": f"public, max-age={FRESH}"}
_STANDING = (VisitUnknown, VisitOver, CardSuspended, WrongFlow)


@get("/claim-types", operation_id="claim_types", opt={"public": True})
async def claim_types() -> list[ClaimTypeView]:
    """List the types of credentials 电子证照类型, what each says and which items issue it."""
    return msgspec.convert([msgspec.to_builtins(one) for one in types().values()], list[ClaimTypeView])


@post(
    "/me/claims",
    operation_id="claim_issue",
    status_code=201,
    opt={
        "errors": (
            *_STANDING,
            ClaimTypeUnknown,
            ClaimItem,
            NothingOnRecord,
            ClaimIssued,
            Unavailable,
            NoKey,
            InFlight,
        )
    },
)
async def claim_issue(
    data: JSONBody[ClaimIssueRequest],
    holder: Given[Holder],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
    claim_source: Given[ClaimSource],
    creation: Given[Creation],
) -> Response[IssuedClaim]:
    """Issue a credential to this phone 签发电子证照 (A2-13): an SD-JWT VC that only this phone's key can show."""
    before = await creation.answered(holder.actor)
    if before is not None:
        return before
    said = await service.certified(runtime, catalogue, claim_source, data, holder)
    return await creation.once(holder.actor, lambda tx: service.issue(tx, runtime, catalogue, data, said, holder))


@get("/me/claims", operation_id="my_claims")
async def my_claims(holder: Given[Holder], runtime: Given[Runtime]) -> MyClaims:
    """List the holder's credentials 电子证照, and to whom they were shown."""
    return await service.mine(runtime.pool, holder)


@post("/me/claims/{number:uuid}/revocation", operation_id="my_claim_revoke", status_code=204)
async def my_claim_revoke(number: FromPath[UUID], holder: Given[Holder], runtime: Given[Runtime]) -> None:
    """Give a credential up 注销电子证照: nobody accepts it from now on."""
    async with begin(runtime.pool) as tx:
        await service.revoke(tx, number, "given_up", by=holder.actor, card=holder.card)


@post(
    "/claims/{number:uuid}/revocation",
    operation_id="claim_revoke",
    status_code=204,
    opt={"role": Role.REGISTRAR, "errors": (NotFound,)},
)
async def claim_revoke(
    number: FromPath[UUID], data: JSONBody[ClaimReason], operator: Given[Operator], runtime: Given[Runtime]
) -> None:
    """Revoke a credential 吊销电子证照: its authority says that it holds no more."""
    async with begin(runtime.pool) as tx:
        await service.revoke(tx, number, data.reason, by=operator.actor, card=None)


@post(
    "/claim-requests",
    operation_id="claim_ask",
    status_code=201,
    opt={"errors": (ClaimTypeUnknown, InFlight)},
)
async def claim_ask(
    data: JSONBody[ShowRequest], terminal: Given[Terminal], creation: Given[Creation]
) -> Response[ShowAsked]:
    """Ask to be shown claims of a credential 请求出示证照: show the id to the holder's phone; good for five minutes."""
    return await creation.once(terminal.actor, lambda tx: service.ask(tx, data, terminal))


@get("/claim-requests/{number:uuid}", operation_id="claim_answer", opt={"errors": (NotFound,)})
async def claim_answer(number: FromPath[UUID], terminal: Given[Terminal], runtime: Given[Runtime]) -> ShowAnswer:
    """Look what was shown 查看出示结果: verified, and kept until the request is over."""
    return await service.answered(runtime, number, terminal)


@get("/me/claim-requests/{number:uuid}", operation_id="claim_wanted", opt={"errors": (NotFound, RequestOver)})
async def claim_wanted(number: FromPath[UUID], holder: Given[Holder], runtime: Given[Runtime]) -> ShowWanted:
    """Look at a request that the phone scanned 查看出示请求: who asks, and for what; the first to look has it."""
    return await service.wanted(runtime.pool, number, holder)


@post(
    "/me/claim-requests/{number:uuid}/presentation",
    operation_id="claim_show",
    status_code=201,
    opt={
        "errors": (NotFound, RequestOver, ClaimRefused, ClaimRevoked, TooMuchShown, TooLittleShown, InFlight),
    },
)
async def claim_show(
    number: FromPath[UUID],
    data: JSONBody[ClaimPresentation],
    holder: Given[Holder],
    runtime: Given[Runtime],
    creation: Given[Creation],
) -> Response[ClaimShown]:
    """Show what was asked for 出示证照: exactly those claims, bound to the request by the phone's key."""
    return await creation.once(holder.actor, lambda tx: service.show(tx, runtime, number, data.presentation, holder))


@get(
    "/claims/status/{number:int}",
    operation_id="claim_status",
    media_type=_STATUS_JWT,
    opt={"public": True, "errors": (NotFound, NoKey), "media": _STATUS_JWT},
)
async def claim_status(number: FromPath[int], runtime: Given[Runtime]) -> Response[str]:
    """Fetch a signed status list 证照状态列表 (Token Status List): which credentials are revoked."""
    return Response(await publishing.published(runtime, number), media_type=_STATUS_JWT, headers=_PUBLISHED)


@get("/claim-issuer", operation_id="claim_issuer", opt={"public": True})
async def claim_issuer(runtime: Given[Runtime]) -> ClaimIssuer:
    """Fetch where the issuer's keys are 签发方元数据 (SD-JWT VC)."""
    issuer = runtime.settings.issuer
    return ClaimIssuer(issuer=issuer, jwks_uri=f"{issuer}/v1/credentials/keys")


router = Router(
    "/v1",
    route_handlers=[
        claim_types,
        claim_issue,
        my_claims,
        my_claim_revoke,
        claim_revoke,
        claim_ask,
        claim_answer,
        claim_wanted,
        claim_show,
        claim_status,
        claim_issuer,
    ],
    tags=["claims"],
)
