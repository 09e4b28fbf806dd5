"""Identifiers that are accepted once: `jti` of client assertions (RFC 7523 §3) and DPoP proofs (RFC 9449 §11.1).

The primary key decides, and two that come at once meet there. Requests that arrive while a statement is under
way go together in the next one: under load a commit and a round trip are shared by dozens. The key names
use, issuer and `jti` with their lengths, so that ('ab', 'c') is not ('a', 'bc').
"""

import asyncio
import datetime
from hashlib import sha256
from typing import NamedTuple

from ecard.db import Pool, in_batches

# In one order in all processes: two batches with marks in common wait for each other, never in a circle.
_ONCE = """
    INSERT INTO used_jti (key, expires_at)
    SELECT key, expires_at FROM unnest($1::bytea[], $2::timestamptz[]) AS asked (key, expires_at) ORDER BY key
    ON CONFLICT DO NOTHING RETURNING key
"""
_FORGET = """
    DELETE FROM used_jti WHERE key IN (SELECT key FROM used_jti WHERE expires_at < now() - interval '5 minutes'
                                       LIMIT 5000 FOR UPDATE SKIP LOCKED)
"""
_LARGEST = 200


class Mark(NamedTuple):
    """Something to be accepted once until `expires` (Unix seconds), after which its own time refuses it."""

    key: bytes
    expires: float


def mark(use: str, issuer: str, jti: str, expires: float) -> Mark:
    """Return the mark of a `jti` of `issuer` in one use ("assertion", "dpop")."""
    # A `jti` is any JSON string, also one with half a surrogate pair, which plain UTF-8 has no bytes for.
    parts = [part.encode(errors="surrogatepass") for part in (use, issuer, jti)]
    return Mark(sha256(b"".join(len(part).to_bytes(4) + part for part in parts)).digest(), expires)


class _Asked(NamedTuple):
    marks: tuple[Mark, ...]
    answer: asyncio.Future[bool]


class Marks:
    """Remembers marks in the database, those of many requests in one statement."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._asked: list[_Asked] = []
        self._writing: asyncio.Task[None] | None = None

    async def first_time(self, *marks: Mark) -> bool:
        """Remember `marks`, and return whether none of them was known; committed when this returns."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asked.append(_Asked(marks, answer))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await answer

    async def _write(self) -> None:
        try:
            while self._asked:
                batch, self._asked = self._asked[:_LARGEST], self._asked[_LARGEST:]
                try:
                    fresh = await self._insert([one for asked in batch for one in asked.marks])
                except Exception as error:  # noqa: BLE001 - each request is told what the statement's fault was
                    for asked in batch:
                        if not asked.answer.done():
                            asked.answer.set_exception(error)
                    continue
                for asked in batch:
                    # A mark that comes twice in one statement is inserted once: the first who asked has it.
                    new = [one.key in fresh for one in asked.marks]
                    fresh.difference_update(one.key for one in asked.marks)
                    if not asked.answer.done():
                        asked.answer.set_result(all(new))
        finally:
            self._writing = None

    async def _insert(self, marks: list[Mark]) -> set[bytes]:
        times = [datetime.datetime.fromtimestamp(one.expires, datetime.UTC) for one in marks]
        rows = await self._pool.fetch(_ONCE, [one.key for one in marks], times)
        return {row[0] for row in rows}


async def forget(pool: Pool) -> None:
    """Drop marks whose time is over, well after any clock could still accept them."""
    await in_batches(pool, _FORGET)
