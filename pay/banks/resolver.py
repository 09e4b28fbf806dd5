"""Resolving what is unknown: each worker takes due attempts and climbs the ladder with their bank (`model.py`).

Whoever takes a row moves its time ahead, so no lock and no connection is held while a bank is asked, and a worker
that is killed leaves its rows to the others. Nothing becomes a failure by time: only the bank's answer, or at the
end of the ladder two people, decide.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple
from uuid import UUID

from ecard.db import Db, Pool
from pay.banks import attempts
from pay.banks.attempts import Attempt
from pay.banks.bank import NOT_FOUND, PENDING, Answer, Ask, Credit, Outcome
from pay.banks.directory import Banks
from pay.banks.errors import BankUnknown
from pay.banks.model import Step, after_query, next_in, to_be_suspended

PERIOD = 0.25
"""Seconds between two looks at what is due."""
_MOST = 64
"""Attempts under way at once in one process."""
_NO_BANK = 30.0
"""Seconds until an attempt whose bank is not registered any more is looked at again."""
_SWEEP = 3600.0
"""Seconds between two sweeps of old notifications."""
log = logging.getLogger("pay.banks")


class Kind(NamedTuple):
    """What is particular to a kind of attempt: what is sent again (None: nothing), and how an answer is booked.

    `book` is given the attempt's id, the answer, and whether it is that to a reversal; it is called again for
    an answer that was booked before, and changes nothing then.
    """

    ask: Callable[[Db, Attempt], Awaitable[Ask | None]]
    book: Callable[[Db, UUID, Answer, bool], Awaitable[None]]


Kinds = Mapping[str, Kind]


async def book_order(db: Db, attempt: UUID, answer: Answer, of_reversal: bool) -> None:  # noqa: FBT001 - `Kind.book`
    """Book an answer about a payment or a refund."""
    outcome = await attempts.book(db, attempt, answer, of_reversal=of_reversal)
    if outcome == "conflict":
        log.error("a bank contradicts itself about attempt %s", attempt)


async def nothing_again(db: Db, attempt: Attempt) -> None:
    """Send nothing again: a payment is reversed instead."""
    del db, attempt


async def refund_again(db: Db, attempt: Attempt) -> Ask | None:
    """Return the refund as it was sent."""
    found = await attempts.refund(db, attempt.subject)
    return Credit(attempt.ref, found[0], attempt.amount, found[1]) if found else None


KINDS: Kinds = {"pay": Kind(nothing_again, book_order), "refund": Kind(refund_again, book_order)}
"""The kinds that orders have; `ecard.app` adds those of the packages above."""


class Resolver:
    """Takes what is due and asks."""

    def __init__(self, pool: Pool, banks: Banks, kinds: Kinds = KINDS) -> None:
        self._pool = pool
        self._banks = banks
        self.kinds = kinds
        self._under_way: set[asyncio.Task[None]] = set()

    async def work_for_ever(self) -> None:
        """Look at what is due again and again; until cancelled."""
        swept = time.monotonic()
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    if time.monotonic() - swept > _SWEEP:
                        swept = time.monotonic()
                        await attempts.forget(self._pool)
                    taken = await self._round(group)
                except Exception as error:  # noqa: BLE001 - whatever it was, the next round must come
                    log.warning("unknown payments were not looked at: %s", type(error).__name__)
                    taken = 0
                await asyncio.sleep(0 if taken and len(self._under_way) < _MOST else PERIOD)

    async def _round(self, group: asyncio.TaskGroup) -> int:
        free = _MOST - len(self._under_way)
        due = await attempts.take(self._pool, free) if free else []
        for attempt in due:
            task = group.create_task(self._safely(attempt))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return len(due)

    async def _safely(self, attempt: Attempt) -> None:
        try:
            await self.resolve(attempt)
        except BankUnknown:
            await attempts.later(self._pool, attempt.id, _NO_BANK)
        except Exception as error:  # noqa: BLE001 - whatever it was, the attempt is due again by itself
            log.warning("an unknown payment was not resolved: %s", type(error).__name__)

    async def resolve(self, attempt: Attempt) -> None:
        """Ask the bank what became of an attempt, book its answer or say when to ask again."""
        ladder = self._banks.ladder(attempt.bank)
        answer, of_reversal = await self._asked(attempt)
        if answer.outcome is not Outcome.UNKNOWN:
            await self.kinds[attempt.kind].book(self._pool, attempt.id, answer, of_reversal)
            return
        suspended = attempt.suspended
        if not suspended and to_be_suspended(ladder, attempt.age):
            suspended = await attempts.suspend(self._pool, attempt.id)
        heard = answer.code if answer.heard else None
        await attempts.later(self._pool, attempt.id, next_in(ladder, attempt.age, suspended=suspended), heard)

    async def _asked(self, attempt: Attempt) -> tuple[Answer, bool]:
        """Return what the bank said last, and whether it is the answer to a reversal."""
        if attempt.reversing:
            return await self._banks.reverse(attempt.bank, attempt.ref), True
        answer = await self._banks.query(attempt.bank, attempt.ref)
        if answer.outcome is not Outcome.UNKNOWN:
            return answer, False
        ladder = self._banks.ladder(attempt.bank)
        step = after_query(ladder, attempt.kind, attempt.age, found=answer.code == PENDING)
        if step is Step.REVERSE and await attempts.reversing(self._pool, attempt.id):
            return await self._banks.reverse(attempt.bank, attempt.ref), True
        if step is Step.SEND_AGAIN and answer.code == NOT_FOUND:
            ask = await self.kinds[attempt.kind].ask(self._pool, attempt)
            if ask is not None:
                return await self._banks.send(attempt.bank, ask), False
        return answer, False
