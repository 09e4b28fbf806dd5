"""HTTP of reconciliation: for operators of finance."""

import asyncio
import datetime
from io import BytesIO
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from ecard.access.model import Role
from ecard.callers import Operator
from ecard.errors import Invalid, NotFound
from ecard.given import Given
from ecard.idempotency import Creation, InFlight
from ecard.ids import ID, id_of
from ecard.runtime import Runtime
from pay.banks.connector import StatementUnavailable
from pay.banks.directory import Banks
from pay.banks.errors import BankUnknown
from pay.ledger.errors import BalanceShort
from pay.reconciliation import service
from pay.reconciliation.errors import (
    BreakNotOpen,
    DayLoaded,
    DayOpen,
    FileRefused,
    NoMerchant,
    NothingProposed,
    SamePerson,
    StatementMissing,
)
from pay.reconciliation.schemas import (
    Break,
    BreakDecision,
    BreakProposal,
    Reconciliation,
    ReconciliationRequest,
)

_BANK = QueryParameter(description="银行代码 (bank's code)", schema_extra={"pattern": "^[A-Z0-9]{2,16}$"})
_STATES = ("open", "proposed", "closed")
_at_once = asyncio.Semaphore(1)
"""A day file is large: one at a time in a process."""


@post(
    "/reconciliations",
    operation_id="reconciliation_run",
    status_code=200,
    opt={"role": Role.FINANCE, "errors": (NotFound, BankUnknown, StatementMissing, FileRefused, DayLoaded, DayOpen)},
)
async def reconciliation_run(
    data: JSONBody[ReconciliationRequest], operator: Given[Operator], runtime: Given[Runtime], banks: Given[Banks]
) -> Reconciliation:
    """Fetch a bank's day file and reconcile it 对账: the same file again changes nothing."""
    async with _at_once:
        file = await _file(banks, data)
        return await service.reconcile(
            runtime.pool, BytesIO(file), bank=data.bank, day=data.day, now=runtime.clock.time(), by=operator.actor
        )


async def _file(banks: Banks, asked: ReconciliationRequest) -> bytes:
    if asked.content is not None:
        return asked.content.encode()
    try:
        return await banks.statement(asked.bank, f"{asked.day:%Y%m%d}")
    except StatementUnavailable:
        raise StatementMissing(headers={"Retry-After": "60"}) from None


@get("/reconciliations", operation_id="reconciliations_list", opt={"role": Role.FINANCE})
async def reconciliations_list(
    operator: Given[Operator],
    runtime: Given[Runtime],
    bank: Annotated[str | None, _BANK] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100, description="最多条数 (at most so many)")] = 20,
) -> list[Reconciliation]:
    """List the youngest day files 对账文件 and what came of them."""
    del operator
    return await service.reports(runtime.pool, bank, limit)


@get("/reconciliations/{file:uuid}", operation_id="reconciliation_get", opt={"role": Role.FINANCE})
async def reconciliation_get(
    file: FromPath[UUID], operator: Given[Operator], runtime: Given[Runtime]
) -> Reconciliation:
    """Return a day file's report 对账结果, with the lines that were not believed."""
    del operator
    return await service.report(runtime.pool, file)


@get("/breaks", operation_id="breaks_list", opt={"role": Role.FINANCE})
async def breaks_list(
    operator: Given[Operator],
    runtime: Given[Runtime],
    bank: Annotated[str | None, _BANK] = None,
    status: Annotated[
        str | None, QueryParameter(description="状态 (state)", schema_extra={"enum": list(_STATES)})
    ] = None,
    day: Annotated[str | None, QueryParameter(description="账务日期 (day)", schema_extra={"format": "date"})] = None,
    after: Annotated[str | None, QueryParameter(pattern=ID, description="此差错之后 (after this break)")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=500, description="最多条数 (at most so many)")] = 100,
) -> list[Break]:
    """List breaks 差错, oldest first: what the bank's files and our books do not agree on."""
    del operator
    if status not in {None, *_STATES}:
        raise Invalid(pointer="/query/status")
    return await service.breaks(runtime.pool, bank, status, None if day is None else _day(day), id_of(after), limit)


@post(
    "/breaks/{wanted:uuid}/proposal",
    operation_id="break_propose",
    status_code=201,
    opt={"role": Role.FINANCE, "errors": (BreakNotOpen, NoMerchant, InFlight)},
)
async def break_propose(
    wanted: FromPath[UUID], data: JSONBody[BreakProposal], operator: Given[Operator], creation: Given[Creation]
) -> Response[Break]:
    """Propose how a break is closed 提出处理意见; another operator decides."""
    return await creation.once(operator.actor, lambda tx: service.propose(tx, wanted, data, operator.actor))


@post(
    "/breaks/{wanted:uuid}/decision",
    operation_id="break_decide",
    status_code=201,
    opt={"role": Role.FINANCE, "errors": (NothingProposed, SamePerson, BalanceShort, InFlight)},
)
async def break_decide(
    wanted: FromPath[UUID], data: JSONBody[BreakDecision], operator: Given[Operator], creation: Given[Creation]
) -> Response[Break]:
    """Decide on a proposal 复核: agreed, its journal is posted; refused, the break is open as before."""
    return await creation.once(operator.actor, lambda tx: service.decide(tx, wanted, data, operator.actor))


def _day(text: str) -> datetime.date:
    """Return the day that `text` names (ISO 8601); raises Invalid."""
    try:
        return msgspec.convert(text, datetime.date)
    except msgspec.ValidationError:
        raise Invalid(pointer="/query/day") from None


router = Router(
    "/v1",
    route_handlers=[
        reconciliation_run,
        reconciliations_list,
        reconciliation_get,
        breaks_list,
        break_propose,
        break_decide,
    ],
    tags=["reconciliation"],
)
