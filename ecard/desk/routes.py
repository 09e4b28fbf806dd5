"""HTTP of visits: the counter's call, the holder's list of uses, and a second look at an assertion."""

import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from ecard.answers import JsonAnswer
from ecard.callers import Holder, Terminal
from ecard.cards.checks import Checks
from ecard.cards.errors import BusiSeqUnknown, CheckUnavailable, FaceMismatch
from ecard.catalogue.errors import ItemUnknown
from ecard.catalogue.model import Catalogue
from ecard.desk import online, service
from ecard.desk.errors import (
    AssertionRefused,
    CardSuspended,
    DeviceUnbound,
    FormNotAccepted,
    LevelTooLow,
    NotActing,
    Replayed,
    TooWeak,
    VisitRefused,
    WrongPlace,
    WrongScene,
)
from ecard.desk.schemas import (
    Introspection,
    IntrospectionRequest,
    OnlineVisit,
    OnlineVisitRequest,
    Use,
    VisitAnswer,
    VisitRequest,
)
from ecard.errors import Invalid
from ecard.given import Given
from ecard.idempotency import Creation, creation
from ecard.keyring.model import NoKey
from ecard.runtime import Runtime

_Zoned = Annotated[datetime.datetime, msgspec.Meta(tz=True)]
_VISIT_ERRORS = (
    ItemUnknown,
    FormNotAccepted,
    WrongScene,
    WrongPlace,
    TooWeak,
    LevelTooLow,
    VisitRefused,
    Replayed,
    CardSuspended,
    DeviceUnbound,
    NotActing,
    NoKey,
)
"""Beside those of the evidence's readers, which `ecard.app` knows."""
_ONLINE_ERRORS = (ItemUnknown, FormNotAccepted, WrongPlace, TooWeak, LevelTooLow, CardSuspended, DeviceUnbound)


@post("/visits", operation_id="visit_create", status_code=201, opt={"direct": True, "errors": _VISIT_ERRORS})
async def visit_create(
    data: JSONBody[VisitRequest],
    request: Request[Any, Any, Any],
    terminal: Given[Terminal],
    desk: Given[service.Desk],
) -> Response[VisitAnswer]:
    """A holder is here for an item 到访: scan or read, and get a signed identity assertion, valid for 60 s."""
    call = await creation(request, desk.runtime)
    answer = await service.visit(desk, data, terminal, request_id=call.required_key(), body=call.body)
    return JsonAnswer(answer, 201)


@post(
    "/me/visits",
    operation_id="visit_online",
    status_code=201,
    opt={"errors": (*_ONLINE_ERRORS, BusiSeqUnknown, FaceMismatch, CheckUnavailable)},
)
async def visit_online(
    data: JSONBody[OnlineVisitRequest],
    creation: Given[Creation],
    holder: Given[Holder],
    desk: Given[service.Desk],
    checks: Given[Checks],
) -> Response[OnlineVisit]:
    """Do an item on the own phone 线上办理: the flow goes on from this visit within 15 minutes.

    An item that asks for the password takes a busiSeq (or a session that has just proven it); one for the face, `face`.
    """
    before = await creation.answered(holder.actor)
    if before is not None:
        return before
    if data.face is not None:
        await online.check_face(desk.runtime, checks, holder, data.face)
    key, body = creation.required_key(), creation.body
    return await creation.once(holder.actor, lambda tx: online.visit(tx, desk, data, holder, key=key, body=body))


@get("/me/uses", operation_id="uses_list")
async def uses_list(
    holder: Given[Holder],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
    before: Annotated[
        str | None,
        QueryParameter(description="此时间之前 (uses before this time)", schema_extra={"format": "date-time"}),
    ] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100, description="最多条数 (at most so many)")] = 20,
) -> list[Use]:
    """List the uses of the holder's card 用卡记录: who, where, which item, which fields."""
    return await service.uses(runtime, catalogue, holder, None if before is None else _time(before), limit)


@post("/me/uses/{visit:uuid}/dispute", operation_id="use_dispute", status_code=204)
async def use_dispute(visit: FromPath[UUID], holder: Given[Holder], runtime: Given[Runtime]) -> None:
    """Dispute a use 对用卡记录提出异议: what it minted is dead from now on."""
    await service.dispute(runtime, holder, visit)


@post(
    "/assertions/introspect",
    operation_id="assertion_introspect",
    status_code=200,
    opt={"errors": (AssertionRefused,)},
)
async def assertion_introspect(
    data: JSONBody[IntrospectionRequest], terminal: Given[Terminal], runtime: Given[Runtime]
) -> Introspection:
    """Look at an assertion again 断言核查 (RFC 7662): is it expired, disputed, or the card suspended?"""
    return await service.introspect(runtime, data.token, terminal)


def _time(text: str) -> datetime.datetime:
    """Return the time that `text` names with its zone (RFC 3339); raises Invalid, also where UTC has no such year."""
    try:
        return msgspec.convert(text, _Zoned).astimezone(datetime.UTC)
    except (msgspec.ValidationError, OverflowError):
        raise Invalid(pointer="/query/before") from None


router = Router(
    "/v1", route_handlers=[visit_create, visit_online, uses_list, use_dispute, assertion_introspect], tags=["desk"]
)
