"""Alembic's entry: one transaction for the whole upgrade, under a lock."""

import asyncio

from alembic import context
from sqlalchemy import pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from ecard.db import Db


def _migrate(connection: Db) -> None:
    context.configure(connection=connection, transactional_ddl=True)
    with context.begin_transaction():
        # Two servers that start at once: the second waits here, then finds nothing left to do.
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('ecard.migrate'))"))
        context.run_migrations()


async def _run() -> None:
    engine = create_async_engine(context.config.attributes["url"], poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_migrate)
        await connection.commit()
    await engine.dispose()


asyncio.run(_run())
