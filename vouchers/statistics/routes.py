"""HTTP of statistics: a programme's for its bureau, an institution's own part for itself."""

import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, get
from litestar.params import FromPath, QueryParameter

from ecard.access.model import Role
from ecard.callers import Operator, Terminal
from ecard.errors import Invalid, NotFound
from ecard.given import Given
from ecard.runtime import Runtime
from vouchers.life.errors import ServerWanted
from vouchers.life.service import institution_of
from vouchers.statistics import service
from vouchers.statistics.schemas import InstitutionFigures, ProgrammeStatistics
from vouchers.statistics.service import Counter

_CSV = "text/csv"
_LONGEST = 366
_Day = Annotated[
    str | None, QueryParameter(description="日期, 北京时间 (a day, by Beijing's time)", schema_extra={"format": "date"})
]


@get(
    "/voucher-programmes/{programme:uuid}/statistics",
    operation_id="voucher_statistics",
    opt={"role": Role.TRAINING, "errors": (NotFound,)},
)
async def voucher_statistics(
    programme: FromPath[UUID],
    operator: Given[Operator],
    statistics: Given[Counter],
    since: _Day = None,
    until: _Day = None,
) -> ProgrammeStatistics:
    """Count a programme's vouchers and money 培训券统计, by source and by day; a count is up to 30 seconds old."""
    del operator
    return await statistics.programme(programme, _span(since, until))


@get(
    "/voucher-programmes/{programme:uuid}/statistics.csv",
    operation_id="voucher_statistics_csv",
    media_type=_CSV,
    opt={"role": Role.TRAINING, "errors": (NotFound,), "media": _CSV},
)
async def voucher_statistics_csv(
    programme: FromPath[UUID], operator: Given[Operator], statistics: Given[Counter]
) -> Response[bytes]:
    """Download a programme's figures by source 培训券统计表, as CSV."""
    del operator
    return _file(await statistics.programme_csv(programme), "voucher-statistics.csv")


@get("/voucher-statistics", operation_id="institution_statistics", opt={"errors": (ServerWanted,)})
async def institution_statistics(terminal: Given[Terminal], runtime: Given[Runtime]) -> list[InstitutionFigures]:
    """Count the vouchers bound to the institution's own classes 本机构培训券统计, by programme."""
    return await service.own_part(runtime, institution_of(terminal))


@get(
    "/voucher-statistics.csv",
    operation_id="institution_statistics_csv",
    media_type=_CSV,
    opt={"errors": (ServerWanted,), "media": _CSV},
)
async def institution_statistics_csv(terminal: Given[Terminal], runtime: Given[Runtime]) -> Response[bytes]:
    """Download the institution's own part 本机构培训券统计表, by programme and source, as CSV."""
    return _file(await service.own_part_csv(runtime, institution_of(terminal)), "voucher-statistics.csv")


def _span(since: str | None, until: str | None) -> tuple[datetime.date, datetime.date] | None:
    """Return the days asked for, None for the usual ones; raises Invalid: half a span, or more than a year."""
    if since is None and until is None:
        return None
    begun, ended = _day(since, "since"), _day(until, "until")
    if not 0 <= (ended - begun).days < _LONGEST:
        raise Invalid(pointer="/query/until")
    return begun, ended


def _day(text: str | None, named: str) -> datetime.date:
    try:
        return msgspec.convert(text, datetime.date)
    except msgspec.ValidationError:
        raise Invalid(pointer=f"/query/{named}") from None


def _file(content: bytes, named: str) -> Response[bytes]:
    return Response(content, media_type=_CSV, headers={"Content-Disposition": f'attachment; filename="{named}"'})


router = Router(
    "/v1",
    route_handlers=[
        voucher_statistics,
        voucher_statistics_csv,
        institution_statistics,
        institution_statistics_csv,
    ],
    tags=["statistics"],
)
