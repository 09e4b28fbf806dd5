"""The JSON of allowances. Amounts are 分."""

from typing import Annotated
from uuid import UUID

import msgspec

_Worth = Annotated[int, msgspec.Meta(ge=0, le=1_000_000, description="每天金额, 单位分 (分 a day)")]


class AllowanceTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a day of training is worth to a learner, and the benefit programme (A1-77) that pays it.

    `agency` hands the batches in and must be one of the benefit programme's; this has the components "living" and
    "travel", as far as they are worth something.
    """

    benefit: UUID
    agency: UUID
    living: _Worth
    travel: _Worth
    most_days: Annotated[int, msgspec.Meta(ge=1, le=366, description="每人每月最多天数 (days a month)")]


class AllowanceRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which month's allowances are to be handed in: of trainings that were passed in it."""

    month: Annotated[str, msgspec.Meta(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])(?!\n)$")]


class AllowanceBatch(msgspec.Struct, frozen=True, kw_only=True):
    """The disbursement that a month's allowances became: handed in, to be reviewed and released there."""

    batch: UUID
    state: str
    manifest: str | None
    lines: int
    total: int
