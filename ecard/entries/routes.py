"""HTTP of entries: gates, the agencies that keep lists, the registrar's rules, and what a holder sees."""

import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter

from ecard.access.model import Role
from ecard.callers import Holder, Operator, Terminal
from ecard.cards.service import today
from ecard.catalogue.errors import ItemUnknown
from ecard.catalogue.model import Catalogue
from ecard.db import begin
from ecard.desk.errors import CardSuspended, VisitOver, VisitUnknown, WrongFlow
from ecard.entries import places, service, uploading
from ecard.entries.errors import EnteredBefore, ListExists, ListPlace
from ecard.entries.refusing import PLACE, recorded
from ecard.entries.schemas import (
    Entry,
    EntryConflict,
    EntryList,
    EntryListRequest,
    EntryRequest,
    EntryRule,
    EntryRuleRequest,
    EntryUploadAnswer,
    EntryUploadRequest,
    ListedPersons,
    MyEntry,
    MyWorkDay,
    SeenEntry,
    WorkDay,
)
from ecard.errors import Invalid, NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.ids import ID, id_of
from ecard.runtime import Runtime

_STANDING = (VisitUnknown, VisitOver, CardSuspended, WrongFlow)
_Item = Annotated[str | None, QueryParameter(pattern=r"^[A-Z0-9-]{1,16}(?!\n)$", description="事项 (of which item)")]
_Before = Annotated[int | None, QueryParameter(ge=0, le=253402300799, description="早于 (before, Unix seconds)")]
_Day = Annotated[
    str | None,
    QueryParameter(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(?!\n)$",
        description="日期, 默认今天 (day of Beijing; today)",
        schema_extra={"format": "date"},
    ),
]


@put("/entry-rules", operation_id="entry_rule_set", opt={"role": Role.REGISTRAR, "errors": (ItemUnknown, NotFound)})
async def entry_rule_set(
    data: JSONBody[EntryRuleRequest], operator: Given[Operator], runtime: Given[Runtime], catalogue: Given[Catalogue]
) -> EntryRule:
    """Set a place's rule 设置场所规则: anybody or whoever is on a list, entries or both ways, how many inside."""
    async with begin(runtime.pool) as tx:
        return await places.set_rule(tx, catalogue, data, operator.actor)


@get("/entry-rules", operation_id="entry_rules", opt={"role": Role.REGISTRAR})
async def entry_rules(
    operator: Given[Operator],
    runtime: Given[Runtime],
    agency: Annotated[str | None, QueryParameter(pattern=ID, description="机构 (whose)")] = None,
) -> list[EntryRule]:
    """List places 场所规则, of an agency or all, and how many are inside each."""
    del operator
    return await places.rules(runtime.pool, id_of(agency))


@post(
    "/entry-lists",
    operation_id="entry_list_create",
    status_code=201,
    opt={"errors": (ListPlace, ItemUnknown, ListExists, InFlight)},
)
async def entry_list_create(
    data: JSONBody[EntryListRequest], terminal: Given[Terminal], catalogue: Given[Catalogue], creation: Given[Creation]
) -> Response[EntryList]:
    """Open a list 编制名单: an examination's session with its time, a hotel's bookings, a year's tickets."""
    return await creation.once(terminal.actor, lambda tx: places.add_list(tx, catalogue, data, terminal))


@put("/entry-lists/{number:uuid}/persons", operation_id="entry_list_add", opt={"errors": (ListPlace, NotFound)})
async def entry_list_add(
    number: FromPath[UUID], data: JSONBody[ListedPersons], terminal: Given[Terminal], runtime: Given[Runtime]
) -> EntryList:
    """Put people on a list 上传名单人员, with room and seat; sent again, a person's are those sent last."""
    async with begin(runtime.pool) as tx:
        return await places.add_persons(tx, runtime, number, data, terminal)


@get("/entry-lists/{number:uuid}", operation_id="entry_list", opt={"errors": (NotFound,)})
async def entry_list(number: FromPath[UUID], terminal: Given[Terminal], runtime: Given[Runtime]) -> EntryList:
    """Look at a list 名单进度: how many are on it, and how many of them have entered."""
    return await places.one_list(runtime.pool, number, terminal)


@post(
    "/entries",
    operation_id="entry_create",
    status_code=201,
    opt={"errors": (*_STANDING, *PLACE, EnteredBefore, InFlight)},
)
async def entry_create(
    data: JSONBody[EntryRequest],
    terminal: Given[Terminal],
    runtime: Given[Runtime],
    catalogue: Given[Catalogue],
    creation: Given[Creation],
) -> Response[Entry]:
    """Let the holder of a visit in or out 入场、离场: by the rule of this place; one visit, one entry."""
    async with recorded(runtime.pool, terminal, visit=data.visit):
        return await creation.once(terminal.actor, lambda tx: service.enter(tx, catalogue, data, terminal))


@get("/entries", operation_id="entries")
async def entries(
    terminal: Given[Terminal],
    runtime: Given[Runtime],
    item: _Item = None,
    before: _Before = None,
    limit: Annotated[int, QueryParameter(ge=1, le=500, description="最多条数 (at most so many)")] = 100,
) -> list[SeenEntry]:
    """List who went through the agency's gates 入场记录, by pseudonym, youngest first."""
    until = None if before is None else datetime.datetime.fromtimestamp(before, datetime.UTC)
    return await service.seen(runtime, terminal, item, until, limit)


@post("/entry-uploads", operation_id="entry_upload", status_code=200, opt={"errors": (ItemUnknown,)})
async def entry_upload(
    data: JSONBody[EntryUploadRequest], terminal: Given[Terminal], runtime: Given[Runtime], catalogue: Given[Catalogue]
) -> EntryUploadAnswer:
    """Upload what a gate let in offline 上传离线入场: as often as need be; of one code the first seen counts."""
    return await uploading.upload(runtime, catalogue, data, terminal)


@get("/entry-conflicts", operation_id="entry_conflicts")
async def entry_conflicts(terminal: Given[Terminal], runtime: Given[Runtime]) -> list[EntryConflict]:
    """List entries whose code was taken elsewhere as well 入场冲突: both agencies are told."""
    return await service.conflicts(runtime.pool, terminal)


@get("/work-hours", operation_id="work_hours")
async def work_hours(
    terminal: Given[Terminal],
    runtime: Given[Runtime],
    day: _Day = None,
) -> list[WorkDay]:
    """List what each person worked at this site on a day 工地考勤 (A1-91), by pseudonym."""
    try:
        named = today(runtime) if day is None else datetime.date.fromisoformat(day)
        return await service.work_at(runtime, terminal, named)
    except (ValueError, OverflowError):
        raise Invalid(pointer="/query/day") from None


@get("/me/entries", operation_id="my_entries")
async def my_entries(holder: Given[Holder], runtime: Given[Runtime], catalogue: Given[Catalogue]) -> list[MyEntry]:
    """List the holder's entries 入场记录, youngest first."""
    return await service.mine(runtime.pool, catalogue, holder)


@get("/me/work-hours", operation_id="my_work_hours")
async def my_work_hours(holder: Given[Holder], runtime: Given[Runtime]) -> list[MyWorkDay]:
    """List what the holder worked at each site and day of the last month 上工记录 (A1-91)."""
    return await service.work_of(runtime, holder)


router = Router(
    "/v1",
    route_handlers=[
        entry_rule_set,
        entry_rules,
        entry_list_create,
        entry_list_add,
        entry_list,
        entry_create,
        entries,
        entry_upload,
        entry_conflicts,
        work_hours,
        my_entries,
        my_work_hours,
    ],
    tags=["entries"],
)
