"""The JSON of statistics: objects for tables, and columns of equal length for charts. Money is 分."""

import datetime
from uuid import UUID

import msgspec

from vouchers.statistics.model import Figures


class SourceFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the vouchers of one source of money; `fund` is what of its budget is in no voucher."""

    source: str
    fund: int
    figures: Figures


class DailySeries(msgspec.Struct, frozen=True, kw_only=True):
    """Columns for a chart: what happened on each of the `days` (of Beijing), one value a day, without gaps."""

    days: list[datetime.date]
    claimed: list[int]
    redeemed: list[int]
    expired: list[int]
    money_redeemed: list[int]


class ProgrammeStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """A programme's figures as of a time (Unix seconds): all together, by source, and by day."""

    programme: UUID
    name: str
    as_of: int
    total: Figures
    sources: list[SourceFigures]
    daily: DailySeries


class InstitutionFigures(msgspec.Struct, frozen=True, kw_only=True):
    """An institution's own part of a programme: vouchers that are or were bound to its classes."""

    programme: UUID
    name: str
    figures: Figures
