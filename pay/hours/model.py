"""志愿服务时间银行 (volunteer time bank, A2-06): what a service earns; pure.

Time is counted in whole minutes of the unit VHOUR. 签到、签退 are two visits; a minute begun is a minute. Time is
earned and spent by the volunteer alone: it is neither given nor sold, so no journal has two volunteers in it.
"""

import datetime
from enum import StrEnum

OWNER = "volunteer"
"""The kind of owner of a volunteer's wallet."""
LONGEST = datetime.timedelta(hours=12)
"""The longest service: whoever checks out later earned nothing, since nobody knows when they left."""
HELD_SECONDS = 24 * 3600
"""Seconds for which minutes are set aside for a service that is about to be given."""


class ServiceState(StrEnum):
    """服务中, 已计时, 未签退."""

    OPEN = "open"
    CREDITED = "credited"
    LAPSED = "lapsed"


class RedemptionState(StrEnum):
    """已预留, 已兑换, 已取消, 已过期."""

    HELD = "held"
    REDEEMED = "redeemed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


def minutes(came: datetime.datetime, went: datetime.datetime) -> int | None:
    """Return what a service earned, in minutes; None when it was longer than LONGEST.

    >>> at = datetime.datetime(2026, 3, 1, 9, tzinfo=datetime.UTC)
    >>> minutes(at, at), minutes(at, at + datetime.timedelta(minutes=90, seconds=1)), minutes(at, at + 2 * LONGEST)
    (1, 91, None)
    """
    spent = went - came
    if spent > LONGEST:
        return None
    return max(1, -(-spent // datetime.timedelta(minutes=1)))
