"""PostgreSQL over asyncpg: SQL stands on the page, one statement or one function per command.

A request has one transaction (`begin`), committed before its response leaves. A command that is a
single statement needs none: it is sent straight to the pool and is its own transaction.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg
import msgspec

# asyncpg publishes no types; these names say which of its objects is meant.
Pool: TypeAlias = Any
"""A pool: a statement sent to it is a transaction of its own."""
Tx: TypeAlias = Any
"""A connection inside a transaction."""
Db: TypeAlias = Any
"""Either of them, or a single connection: for reading."""
Row: TypeAlias = Any
"""A record, by column name."""

_CODECS = ("json", "jsonb")
BATCH = 5000
"""Rows that one statement of a sweep takes at most: it stays far below the time that a statement has."""


WAIT = 3.0
"""Seconds to wait for a connection; a statement needs a hundredth of one."""


class _Connection(asyncpg.Connection):  # type: ignore[misc] # asyncpg has no types
    """A pooled connection that keeps no session state, so giving it back costs no round trip."""

    def get_reset_query(self) -> str:
        """Nothing to reset: no statement here sets a parameter, listens or opens a cursor."""
        return ""


class _Pool(asyncpg.pool.Pool):  # type: ignore[misc] # asyncpg has no types
    """A pool at which nobody waits for ever: neither for a free connection nor for one that hangs to come back."""

    def acquire(self, *, timeout: float | None = None) -> Any:
        """Return a context of a connection, had and given back within `timeout` seconds (WAIT by default)."""
        return super().acquire(timeout=timeout or WAIT)


async def connect(url: str, *, size: int = 8) -> Pool:
    """Return a pool of at most `size` connections with the limits that every command lives under.

    A lock is waited for 2 s, a statement runs 5 s, a transaction may idle 10 s (all server-side); a
    server that says nothing at all is given up after 6 s.
    """
    return await _Pool(
        url,
        min_size=0,  # connections are made by need: the pool's own upkeep would log each failed try at length
        max_size=size,
        max_queries=50_000,
        max_inactive_connection_lifetime=300.0,
        loop=None,
        connection_class=_Connection,
        record_class=asyncpg.Record,
        init=_prepare,
        timeout=WAIT,
        command_timeout=6,
        server_settings={
            "application_name": "ecard",
            "lock_timeout": "2s",
            "statement_timeout": "5s",
            "idle_in_transaction_session_timeout": "10s",
            "timezone": "UTC",
            "jit": "off",
        },
    )


async def _prepare(connection: Any) -> None:
    for name in _CODECS:
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=_dumps, decoder=msgspec.json.decode, format="text"
        )


def _dumps(value: object) -> str:
    return msgspec.json.encode(value).decode()


@asynccontextmanager
async def begin(pool: Pool) -> AsyncIterator[Any]:
    """Yield a connection in one transaction: committed at the end, rolled back by any exception."""
    async with pool.acquire() as connection, connection.transaction():
        yield connection


async def in_batches(db: Db, *statements: str) -> None:
    """Repeat each statement, which takes at most BATCH rows, until it finds fewer."""
    for sql in statements:
        while int((await db.execute(sql)).rpartition(" ")[2]) >= BATCH:
            pass
