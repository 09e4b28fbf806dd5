"""Time, passed in: rules take `now` as an argument and services take a `Clock`.

Money and one-time decisions use the database's own clock; this one dates codes, sessions and
tokens, where the phone and the verifier compare clocks anyway.
"""

import time
from typing import Protocol

SKEW = 30
"""The one tolerance between two clocks, seconds, used wherever a signed time is compared."""


class Clock(Protocol):
    """Where the time comes from."""

    def time(self) -> float:
        """Return seconds since 1970-01-01 UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def time(self) -> float:
        """Return the machine's time, seconds since 1970-01-01 UTC."""
        return time.time()


class SteppedClock:
    """A clock that stands still until told to move; for tests and the sandbox."""

    def __init__(self, at: float) -> None:
        self.at = at

    def time(self) -> float:
        """Return the time that was set, seconds since 1970-01-01 UTC."""
        return self.at

    def advance(self, seconds: float) -> None:
        """Move the clock by `seconds` (negative moves it back)."""
        self.at += seconds
