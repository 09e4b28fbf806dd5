"""A large batch whose process is killed at random, again and again: each voucher exists once, and the budget is right.

The process is a real `ecard vouchers resume`, killed with SIGKILL, which nothing can catch.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from uuid import UUID

import asyncpg
import pytest

from ecard import db
from ecard.db import Db
from ecard.settings import Settings
from tests.bureau import ecard, environment, new_database, rows
from tests.pay.ledger.checking import checked
from tests.vouchers.sql import FACE, batch, programme
from vouchers.batches import store
from vouchers.batches.working import work_for_ever

QUANTITY, KILLS = (100_000, 10) if os.environ.get("ECARD_FULL_RACES") == "1" else (12_000, 3)
RESUMES = 5.0
"""Seconds in which a process that takes up a batch has made a voucher; a busy machine may take longer to start it."""
MADE = "SELECT issued FROM voucher_batch WHERE id = $1"


@pytest.fixture
def own(settings: Settings) -> Settings:
    """A database that no server issues batches of."""
    return new_database(settings)


def begun(settings: Settings) -> tuple[UUID, UUID]:
    """Return a programme and its batch, whose money was set aside and of which no voucher exists."""

    async def begin() -> tuple[UUID, UUID]:
        connection = await asyncpg.connect(settings.database_url)
        try:
            of = await programme(connection, money=(QUANTITY + 7) * FACE)
            return of, await batch(connection, of, QUANTITY, issued=False)
        finally:
            await connection.close()

    return asyncio.run(begin())


def made(settings: Settings, one: UUID) -> int:
    """Return how many vouchers the batch says exist."""
    return int(rows(settings, MADE, one)[0][0])


def test_a_batch_that_is_killed_again_and_again_is_issued_once(own: Settings) -> None:
    of, one = begun(own)
    command = [sys.executable, "-m", "ecard.cli", "vouchers", "resume", str(one)]
    kept, kills = 0, 0
    for _ in range(KILLS):
        worker = subprocess.Popen(
            command, env={**os.environ, **environment(own)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while made(own, one) == kept and worker.poll() is None:
            time.sleep(0.02)
        time.sleep(random.uniform(0, 0.6) * QUANTITY / 100_000)
        worker.send_signal(signal.SIGKILL)
        kills += worker.wait() == -signal.SIGKILL
        now = made(own, one)
        exist = "SELECT count(*), count(DISTINCT n), coalesce(max(n), -1) + 1 FROM voucher WHERE batch = $1"
        assert set(rows(own, exist, one)[0]) == {now}, "what is there is what the batch says, each once"
        assert now > kept
        kept = now
    assert kills == KILLS, "each was killed while it worked"

    started = time.monotonic()
    asyncio.run(resumed(own, one, kept))
    assert time.monotonic() - started < RESUMES
    finished = ecard(own, "vouchers", "resume", str(one))
    assert finished.exit_code == 0, finished.output
    totals = """
        SELECT count(*), count(DISTINCT v.n), count(DISTINCT v.serial), sum(h.amount)::bigint
        FROM voucher v JOIN hold h ON h.id = v.hold AND h.state = 'open' WHERE v.batch = $1
    """
    assert list(rows(own, totals, one)[0]) == [QUANTITY, QUANTITY, QUANTITY, QUANTITY * FACE]
    fund = "SELECT balance FROM account WHERE id = voucher_fund($1, 'province')"
    assert rows(own, fund, of)[0][0] == 7 * FACE
    checked(own)


def test_a_batch_that_cannot_be_issued_keeps_no_other_waiting(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (_, stuck), (_, other) = begun(own), begun(own)
    issue = store.issue

    async def fails(database: Db, one: UUID, limit: int) -> int | None:
        if one == stuck:
            raise TimeoutError
        return await issue(database, one, limit)

    monkeypatch.setattr(store, "issue", fails)
    asyncio.run(asyncio.wait_for(resumed(own, other, 0), 60))
    assert (made(own, stuck), made(own, other) > 0) == (0, True)


async def resumed(settings: Settings, one: UUID, kept: int) -> None:
    """Wait until a process that looks for work has taken the batch up again."""

    pool = await db.connect(settings.database_url or "", size=2)
    working = asyncio.create_task(work_for_ever(pool))
    try:
        while await pool.fetchval(MADE, one) == kept:
            await pool.fetchval("SELECT pg_sleep(0.02)")
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await pool.close()
