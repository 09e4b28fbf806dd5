"""Vouchers: how fast a batch is issued, and requests that redeem what was audited; seeding is not what is measured."""

import asyncio
import time
from uuid import UUID

import msgspec

from ecard.ids import new_id
from ecard.runtime import Runtime, open_runtime
from ecard.settings import Settings
from tests.bench import seed as seeding
from tests.vouchers.sql import COMPLETED, FACE, PASSED, batch, programme
from vouchers.batches.working import drive

ISSUED = 50_000
PROMISED = 10_000.0
"""Vouchers a second that a batch is to be issued at."""
# The whole training of a batch in a few statements; a person of no slot may have more than one voucher.
_TRAINED = """
    UPDATE voucher SET state = 'claimed', holder = (SELECT id FROM holder LIMIT 1) WHERE batch = $1;
    UPDATE voucher SET state = 'bound', institution = $2, class = $2 WHERE batch = $1;
    UPDATE voucher SET state = 'in_use' WHERE batch = $1;
    UPDATE voucher SET state = 'completed' WHERE batch = $1
"""
_AUDITED = "UPDATE voucher SET state = 'audited', amount = face, version = 5 WHERE batch = $1"


async def audited(runtime: Runtime, cast: seeding.Cast, count: int) -> list[UUID]:
    """Return vouchers that wait to be redeemed by the terminals' agency, which is a merchant."""
    async with runtime.pool.acquire() as connection:
        await connection.execute("SET statement_timeout = 0")
        of = await programme(connection, money=count * FACE)
        one = await batch(connection, of, count)
        for step in _TRAINED.split(";"):
            arguments = (one, cast.terminals[0].agency)[: 1 + ("$2" in step)]
            await connection.execute(step, *arguments, timeout=60)
        found = [row["id"] for row in await connection.fetch("SELECT id FROM voucher WHERE batch = $1 ORDER BY n", one)]
        for sql, *said in ((COMPLETED, found, None, new_id()), (PASSED, found), (_AUDITED, one)):
            await connection.execute(sql, *said, timeout=60)
        await connection.execute("VACUUM ANALYZE voucher", timeout=60)
        await connection.execute("RESET statement_timeout")
    return found


def redemption_requests(runtime: Runtime, cast: seeding.Cast, vouchers: list[UUID]) -> list[bytes]:
    """Return a redemption of each voucher by the institution's servers, in turns."""
    servers = [msgspec.structs.replace(one, setting="online") for one in cast.terminals]
    tickets = [runtime.tickets.seal(one) for one in servers]
    requests = []
    for n, voucher in enumerate(vouchers):
        at, body = n % len(servers), msgspec.json.encode({"voucher": voucher})
        path, key = "/v1/voucher-redemptions", new_id().hex
        requests.append(seeding.signed(runtime, servers[at], tickets[at], path, body, key=key))
    return requests


async def _issued(settings: Settings) -> float:
    runtime = await open_runtime(settings, pool_size=2)
    try:
        async with runtime.pool.acquire() as connection:
            of = await programme(connection, money=ISSUED * FACE)
            one = await batch(connection, of, ISSUED, issued=False)
        started = time.perf_counter()
        await drive(runtime.pool, one)
        return ISSUED / (time.perf_counter() - started)
    finally:
        await runtime.close()


def issuing(settings: Settings) -> float:
    """Return how many vouchers of one batch a process issues a second, each with its hold."""
    return asyncio.run(_issued(settings))
