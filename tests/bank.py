"""The simulated bank as tests use it: told to fail, and its book read."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from ecard.ids import new_id
from ecard.runtime import open_runtime
from ecard.settings import Settings
from pay.banks import sandbox
from pay.banks.model import Ladder
from pay.banks.sandbox import Simulator
from tests.bureau import Bureau, rows

QUICK = Ladder(
    timeout=0.8,
    first_query=1.0,
    interval=0.5,
    reverse_after=2.0,
    suspend_after=6.0,
    suspended_interval=1.0,
    failures=1000,
)
"""The ladder of tests: the same steps as in practice, in seconds that a test can wait for.

Its circuit stays closed, however long a test keeps the bank silent: an open one would refuse the payments of the next
test until the bank is probed. A test of the circuit asks for another ladder.
"""


class Bank:
    """The simulator's control endpoint."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.http = httpx.Client(base_url=simulator.control, timeout=10)

    def fault(self, kind: str, *, on: str | tuple[str, ...] = (), times: int | None = 1, **more: Any) -> None:
        """Let the next `times` requests `on` pay, refund, payout, query or reverse meet a fault (`Kind`)."""
        body = {"kind": kind, "on": [on] if isinstance(on, str) else on, "times": times, **more}
        self.http.post("/faults", json=body).raise_for_status()

    def clear(self) -> None:
        """Let all be well again."""
        self.http.delete("/faults").raise_for_status()

    def calm(self) -> None:
        """Let all be well, and nothing be notified."""
        self.clear()
        self.notify("")

    def met(self) -> dict[str, int]:
        """Return how often each kind of fault was met."""
        found: dict[str, int] = self.http.get("/faults").json()["met"]
        return found

    def book(self) -> dict[str, dict[str, Any]]:
        """Return every transaction of the bank's own book, by reference."""
        return {tx["ref"]: tx for tx in self.http.get("/book").json()["transactions"]}

    def find(self, ref: str) -> dict[str, Any] | None:
        """Return one transaction of the bank's own book."""
        found: dict[str, Any] | None = self.http.get(f"/book?{ref}").json()
        return found

    def balance(self, account: str, amount: int) -> None:
        """Say what is on an account, 分."""
        self.http.put("/accounts", json={account: amount}).raise_for_status()

    def notify(self, url: str, *, delay: float = 0.0, copies: int = 1, shuffle: int = 1) -> None:
        """Say where decisions are notified, and how ("" for nowhere)."""
        how = {"url": url, "delay": delay, "copies": copies, "shuffle": shuffle}
        self.http.put("/notices", json=how).raise_for_status()

    def next_day(self) -> str:
        """End the bank's business day."""
        return str(self.http.post("/next-day").json()["day"])

    def statement(self, day: str = "") -> str:
        """Return the day file."""
        return self.http.get(f"/statement?{day}").text


def suspended(bureau: Bureau) -> str:
    """Return a pay-out that its bank left undecided to the end of the ladder."""
    assert bureau.settings is not None
    attempt, subject = new_id(), new_id()
    sql = """
        INSERT INTO bank_attempt (id, subject, kind, bank, bank_ref, amount, checks, next_check_at)
        VALUES ($1, $2, 'payout', 'SANDBOX', $3, 100, 1, now() + interval '1 day')
    """
    rows(bureau.settings, sql, attempt, subject, f"T{subject.hex}")
    rows(bureau.settings, "SELECT bank_suspend($1)", attempt)
    return str(attempt)


@contextlib.contextmanager
def banking(directory: Path, settings: Settings, *, ladder: Ladder = QUICK) -> Iterator[Bank]:
    """Run a simulator with its book in `directory`, registered as bank SANDBOX in the database of `settings`."""
    with sandbox.simulated(directory) as simulator:

        async def connect() -> None:
            runtime = await open_runtime(settings, pool_size=1)
            try:
                await sandbox.connect(runtime.pool, runtime.vault, simulator, ladder)
            finally:
                await runtime.close()

        asyncio.run(connect())
        bank = Bank(simulator)
        try:
            yield bank
        finally:
            bank.http.close()
