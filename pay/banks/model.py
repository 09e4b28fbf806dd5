"""查询与撤销的阶梯 (the ladder): when a bank that did not answer is asked again, and what. Pure; it is data, per bank.

    sent ─ first_query ─▶ query, then every `interval` ─ reverse_after ─▶ reverse, until answered
         ─ suspend_after ─▶ suspended: a person decides; the bank is asked every `suspended_interval` all the same

Ages are seconds since the attempt was sent, by the database's clock. A payment is reversed. A refund and a
pay-out are not: there the same reference is sent again, which the bank books once.
Figures of practice: query after 5 s, then each 10 s, reverse no sooner than 15 s after the charge, and repeat the
reversal until it is answered (WeChat Pay, payment codes, https://pay.weixin.qq.com/doc/global/v2/zh/4013634893).
"""

from enum import StrEnum
from typing import Annotated, Self

import msgspec

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86400)]


class Ladder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The seconds of one bank, and when its circuit opens."""

    timeout: Seconds = 4.0
    """That it has to answer one request; less than `first_query`, or a query would overtake the answer."""
    first_query: Seconds = 5.0
    interval: Seconds = 10.0
    reverse_after: Seconds = 15.0
    suspend_after: Seconds = 3600.0
    suspended_interval: Seconds = 600.0
    failures: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 5
    """Requests in a row that went unheard before the circuit opens."""
    rest: Seconds = 5.0
    """That an open circuit waits before the bank is probed."""
    at_once: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 200
    """Requests under way in one process, at most."""

    def problem(self) -> str | None:
        """Return the name of a figure that contradicts another, or None."""
        if self.timeout >= self.first_query:
            return "timeout"
        if self.reverse_after < self.first_query:
            return "reverse_after"
        return "suspend_after" if self.suspend_after <= self.reverse_after else None

    def scaled(self, factor: float) -> Self:
        """Return the same ladder with every time multiplied by `factor`; for drills."""
        times = (
            "timeout",
            "first_query",
            "interval",
            "reverse_after",
            "suspend_after",
            "suspended_interval",
            "rest",
        )
        return msgspec.structs.replace(self, **{name: getattr(self, name) * factor for name in times})


class Step(StrEnum):
    """What is done with an attempt that is not decided."""

    QUERY = "query"
    SEND_AGAIN = "send_again"
    REVERSE = "reverse"


def after_query(ladder: Ladder, kind: str, age: float, *, found: bool) -> Step | None:
    """Return what follows a query that decided nothing; None to wait for the next one.

    `found` says that the bank knows the reference: what it has in its hands is not sent again.
    """
    if kind != "pay":
        return None if found else Step.SEND_AGAIN
    return Step.REVERSE if age >= ladder.reverse_after else None


def next_in(ladder: Ladder, age: float, *, suspended: bool) -> float:
    """Return the seconds until an undecided attempt is looked at again."""
    if suspended:
        return ladder.suspended_interval
    # Not beyond the moment from which it may be reversed: nobody waits an interval longer for it.
    before_reversal = ladder.reverse_after - age
    return min(ladder.interval, before_reversal) if before_reversal > 0 else ladder.interval


def to_be_suspended(ladder: Ladder, age: float) -> bool:
    """Return whether the bank has been silent for so long that a person must look at it."""
    return age >= ladder.suspend_after
