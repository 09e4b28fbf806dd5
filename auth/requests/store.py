"""The table of pushed requests."""

from uuid import UUID

import msgspec

from auth.requests.model import PUSHED_SECONDS, Asked
from ecard.db import Db, in_batches

_PUSH = f"""
    INSERT INTO pushed_request (handle, client, request, expires_at)
    VALUES ($1, $2, $3, clock_timestamp() + interval '{PUSHED_SECONDS} seconds')
"""  # noqa: S608 - a constant of our own
_TAKE = """
    UPDATE pushed_request SET used_at = clock_timestamp()
    WHERE handle = $1 AND client = $2 AND used_at IS NULL AND expires_at > clock_timestamp() RETURNING request
"""
_FORGET = """
    DELETE FROM pushed_request WHERE handle IN
        (SELECT handle FROM pushed_request WHERE expires_at < now() - interval '10 minutes'
         LIMIT 5000 FOR UPDATE SKIP LOCKED)
"""


async def push(db: Db, handle: bytes, asked: Asked) -> None:
    """Keep a request for PUSHED_SECONDS."""
    await db.execute(_PUSH, handle, asked.client, msgspec.to_builtins(asked))


async def take(db: Db, handle: bytes, client: UUID) -> Asked | None:
    """Use a pushed request up, once; None when it cannot be used."""
    found = await db.fetchval(_TAKE, handle, client)
    return None if found is None else msgspec.convert(found, Asked)


async def forget(db: Db) -> None:
    """Drop requests whose time is over."""
    await in_batches(db, _FORGET)
