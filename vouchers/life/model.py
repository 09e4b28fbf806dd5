"""培训券 (voucher): the states of its life and its number; pure.

    issued → claimed → bound → in_use → completed → audited → redeemed → settled
    待领取    已领取     已绑定   培训中    待审核        已审核     已核销      已结算

Exits: expired 已过期, cancelled 已作废, reversed 已冲回; from none of them a way leads on. frozen 已冻结 goes back to
what it was. A drop-out makes it claimed again, a rejected completion in_use. The database holds these ways
(`voucher_moved`).
"""

import re
from enum import StrEnum

_SERIAL = re.compile(r"[0-9]{20}")


class Stage(StrEnum):
    """Where a voucher is in its life."""

    ISSUED = "issued"
    CLAIMED = "claimed"
    BOUND = "bound"
    IN_USE = "in_use"
    COMPLETED = "completed"
    AUDITED = "audited"
    REDEEMED = "redeemed"
    SETTLED = "settled"
    FROZEN = "frozen"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REVERSED = "reversed"


LIVE = (Stage.ISSUED, Stage.CLAIMED, Stage.BOUND, Stage.IN_USE, Stage.COMPLETED, Stage.AUDITED, Stage.FROZEN)
"""What may still become value; each voucher of them with a face has its open hold."""
EXITS = (Stage.EXPIRED, Stage.CANCELLED, Stage.REVERSED)
UNFINISHED = (Stage.ISSUED, Stage.CLAIMED, Stage.BOUND, Stage.IN_USE)
"""What ends when its time is over."""


def serial_valid(serial: str) -> bool:
    """Return whether `serial` could be a voucher's: 20 digits, the last two of which check the others.

    GB/T 17710-2008 (ISO 7064 MOD 97-10): the number leaves 1 when it is divided by 97.

    >>> serial_valid("12345678901234567888"), serial_valid("12345678901234567898"), serial_valid("1")
    (True, False, False)
    """
    return _SERIAL.fullmatch(serial) is not None and int(serial) % 97 == 1
