"""Counting vouchers, past the tables that are written to: read-only, with a time-out, one count at a time a process."""

import contextlib
import datetime
from collections.abc import AsyncIterator
from uuid import UUID

import msgspec

from ecard.db import Db, Pool, Row
from vouchers.statistics.model import Pile

_SECONDS = 20
# By the batches' own index: no index on the state, which every step of every voucher would have to keep.
_OF_PROGRAMME = """
    SELECT b.source, v.state, v.frozen_from AS was, count(*)::int AS vouchers, count(v.holder)::int AS held,
           sum(v.face)::bigint AS face, coalesce(sum(v.amount), 0)::bigint AS amount
    FROM voucher_batch b JOIN voucher v ON v.batch = b.id
    WHERE b.programme = $1 GROUP BY 1, 2, 3
"""
_OF_INSTITUTION = """
    SELECT p.id AS programme, p.name, b.source, v.state, v.frozen_from AS was, count(*)::int AS vouchers,
           count(v.holder)::int AS held, sum(v.face)::bigint AS face, coalesce(sum(v.amount), 0)::bigint AS amount
    FROM voucher v JOIN voucher_batch b ON b.id = v.batch JOIN voucher_programme p ON p.id = v.programme
    WHERE v.institution = $1 GROUP BY 1, 2, 3, 4, 5 ORDER BY p.name, p.id
"""
_NAME = "SELECT name FROM voucher_programme WHERE id = $1"
_FUNDS = """
    SELECT split_part(owner, '/', 2) AS source, balance FROM account_balance
    WHERE owner_kind = 'programme' AND book = 'fund' AND owner LIKE $1::uuid::text || '/%'
"""
# The first step of each kind on each day of Beijing.
_DAYS = """
    SELECT (e.at AT TIME ZONE 'Asia/Shanghai')::date AS day,
           count(*) FILTER (WHERE e.kind IN ('claimed', 'pushed'))::int AS claimed,
           count(*) FILTER (WHERE e.kind = 'redeemed')::int AS redeemed,
           count(*) FILTER (WHERE e.kind = 'expired')::int AS expired,
           coalesce(sum(v.amount) FILTER (WHERE e.kind = 'redeemed'), 0)::bigint AS money_redeemed
    FROM voucher_event e JOIN voucher v ON v.id = e.voucher
    WHERE e.at >= $2::date::timestamp AT TIME ZONE 'Asia/Shanghai'
        AND e.at < ($3::date + 1)::timestamp AT TIME ZONE 'Asia/Shanghai' AND v.programme = $1
        AND e.kind IN ('claimed', 'pushed', 'redeemed', 'expired')
    GROUP BY 1 ORDER BY 1
"""


@contextlib.asynccontextmanager
async def counting(pool: Pool) -> AsyncIterator[Db]:
    """Yield a connection that sees one moment, changes nothing and gives up after some seconds."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(f"SET LOCAL statement_timeout = '{_SECONDS}s'")
        yield connection


async def name(db: Db, programme: UUID) -> str | None:
    """Return a programme's name, None when there is no such."""
    found: str | None = await db.fetchval(_NAME, programme)
    return found


async def of_programme(db: Db, programme: UUID) -> list[Pile]:
    """Return the vouchers of a programme, counted by source and state."""
    return [msgspec.convert(dict(row), Pile) for row in await db.fetch(_OF_PROGRAMME, programme)]


async def of_institution(db: Db, agency: UUID) -> dict[tuple[UUID, str], list[Pile]]:
    """Return the vouchers bound to classes of an institution, by programme (id and name)."""
    found: dict[tuple[UUID, str], list[Pile]] = {}
    for row in await db.fetch(_OF_INSTITUTION, agency):
        facts = dict(row)
        found.setdefault((facts.pop("programme"), facts.pop("name")), []).append(msgspec.convert(facts, Pile))
    return found


async def funds(db: Db, programme: UUID) -> dict[str, int]:
    """Return what of a programme's budget is not in vouchers, by source."""
    return {row["source"]: row["balance"] for row in await db.fetch(_FUNDS, programme)}


async def days(db: Db, programme: UUID, since: datetime.date, until: datetime.date) -> list[Row]:
    """Return what happened on each day of a span, days without anything left out."""
    return list(await db.fetch(_DAYS, programme, since, until))
