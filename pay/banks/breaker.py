"""熔断 (a circuit breaker), one for each bank in each process: a dead bank does not hold every till.

    closed ── `failures` in a row unheard ──▶ open ── probe heard, or any answer ──▶ closed

While it is open, a charge is refused before its code is spent or anything is written: the holder pays by other
means at once, instead of waiting for a time-out and for a reversal after it. What was begun before is still
queried and reversed. No customer is the probe: a query for a reference that never was is (`directory.py`).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pay.banks.bank import Answer
from pay.banks.errors import BankUnavailable
from pay.banks.model import Ladder


class Breaker:
    """Whether a bank is asked at all."""

    def __init__(self, ladder: Ladder, clock: Callable[[], float] = time.monotonic) -> None:
        self.ladder = ladder
        self._clock = clock
        self._unheard = 0
        self._under_way = 0
        self._opened_at: float | None = None
        self._probed_at = 0.0

    @property
    def open(self) -> bool:
        """Whether new payments are refused."""
        return self._opened_at is not None

    def admit(self) -> None:
        """Raise BankUnavailable when a new payment would find no answer."""
        if self.open or self._under_way >= self.ladder.at_once:
            raise BankUnavailable(headers={"Retry-After": str(max(1, round(self.ladder.rest)))})

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count a request while it is under way."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    def note(self, answer: Answer) -> None:
        """Learn from an answer."""
        if answer.heard:
            self._unheard, self._opened_at = 0, None
            return
        self._unheard += 1
        if self._unheard >= self.ladder.failures and self._opened_at is None:
            self._opened_at = self._probed_at = self._clock()

    def probe_due(self) -> bool:
        """Return whether the bank is to be probed now; once for each `rest` seconds of an open circuit."""
        if self._opened_at is None or self._clock() - self._probed_at < self.ladder.rest:
            return False
        self._probed_at = self._clock()
        return True
