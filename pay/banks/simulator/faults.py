"""What the simulated bank is told to do wrong, and how often."""

import random
from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """A way in which a bank fails; each was seen in the field."""

    DECLINE = "decline"
    """Refuse with `code`."""
    DELAY = "delay"
    """Book and answer after `seconds`."""
    SLOW_REPLY = "slow_reply"
    """Book at once, answer after `seconds`."""
    LOSE_REPLY = "lose_reply"
    """Book, then break the line."""
    LOSE_REQUEST = "lose_request"
    """Break the line, and book nothing."""
    HALF_OPEN = "half_open"
    """Say nothing more on this line, and keep it; `booked` says whether it was booked."""
    ERROR = "error"
    """Answer 500, unsigned; `booked` says whether it was booked."""
    TWICE = "twice"
    """Send the answer twice: the second one meets the next request on this line."""
    OUT_OF_ORDER = "out_of_order"
    """Hold the answer until another request has been answered, or `seconds` have passed."""
    NEXT_DAY = "next_day"
    """Take it in and book it on the next business day."""
    RETURN = "return"
    """Book a pay-out and say so, and return it on the next business day 退票."""
    GARBAGE = "garbage"
    """Book, and answer with what is no JSON."""
    UNSIGNED = "unsigned"
    """Book, and answer without a signature."""
    FORGED = "forged"
    """Book, and let somebody else answer that it was declined."""


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A fault for requests `on` some of pay, refund, payout, query, reverse (all, if none is named).

    `times` None is for ever; `account` is how the payer's account begins; `chance` is of each request.
    """

    kind: Kind
    on: tuple[str, ...] = ()
    times: int | None = 1
    code: str = "05"
    seconds: float = 1.0
    booked: bool = True
    account: str = ""
    chance: float = 1.0

    def fits(self, on: str, account: str) -> bool:
        """Return whether this request is one of those."""
        named = not self.on or on in self.on
        return named and account.startswith(self.account) and (self.chance >= 1 or random.random() < self.chance)  # noqa: S311 - no secret


class Script:
    """The faults that are still to come, in the order in which they were told."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.met: dict[str, int] = {}

    def take(self, on: str, account: str) -> Fault | None:
        """Return the fault that this request meets, and count it."""
        for fault in self.faults:
            if fault.fits(on, account):
                self.met[fault.kind] = self.met.get(fault.kind, 0) + 1
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """Forget what is still to come: from now on all is well."""
        self.faults.clear()
