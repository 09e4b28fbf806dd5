"""HTTP of look-ups: at a terminal within a visit of the item, and on the holder's own phone."""

from typing import Any

from litestar import Response, Router, post
from litestar.params import JSONBody

from ecard.callers import Holder, Terminal
from ecard.desk.errors import CardSuspended, NotDelegated, VisitOver, VisitUnknown, WrongFlow
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.records import service
from ecard.records.errors import LookedUp
from ecard.records.schemas import RecordLookup, RecordLookupRequest
from ecard.records.service import Records

_STANDING = (VisitUnknown, VisitOver, CardSuspended, WrongFlow, InFlight)


async def _looked_up(
    records: Records, asked: RecordLookupRequest, by: Terminal | Holder, creation: Creation
) -> Response[Any]:
    """Ask first, record then: no transaction waits for a system, and a retry gets what was answered before."""
    before = await creation.answered(by.actor)
    if before is not None:
        return before
    found = await service.ask(records, asked.visit, by)
    return await creation.once(by.actor, lambda tx: service.record(tx, records, asked.visit, by, found))


@post(
    "/record-lookups",
    operation_id="record_lookup",
    status_code=201,
    opt={"errors": (*_STANDING, NotDelegated, LookedUp)},
)
async def record_lookup(
    data: JSONBody[RecordLookupRequest], terminal: Given[Terminal], records: Given[Records], creation: Given[Creation]
) -> Response[RecordLookup]:
    """Look up the holder's own records 自助查询, within a visit of the item; what did not answer is named."""
    return await _looked_up(records, data, terminal, creation)


@post("/me/record-lookups", operation_id="my_record_lookup", status_code=201, opt={"errors": (*_STANDING, LookedUp)})
async def my_record_lookup(
    data: JSONBody[RecordLookupRequest], holder: Given[Holder], records: Given[Records], creation: Given[Creation]
) -> Response[RecordLookup]:
    """Look up one's own records on the own phone 手机查询, from a visit made there."""
    return await _looked_up(records, data, holder, creation)


router = Router("/v1", route_handlers=[record_lookup, my_record_lookup], tags=["records"])
