"""Which grants and tokens ended within a token's life, held in memory and fresh within two seconds.

A token that has ended by its own time needs no list; so only what was revoked within the last minutes
is held. The feed is woken with that of dead cards (`ecard.denied`) and keeps a time of its own: when it is late, for
whatever reason, the database is asked.
"""

from typing import Any
from uuid import UUID

from ecard.clock import Clock
from ecard.db import Db
from ecard.denied import STALE

KEPT = 600.0
"""Seconds that an end is held: twice an access token's life."""
_OVERLAP = 60.0
_SINCE = """
    SELECT id FROM consent_grant WHERE revoked_at > clock_timestamp() - make_interval(secs => $1)
    UNION ALL SELECT jti FROM revoked_token WHERE revoked_at > clock_timestamp() - make_interval(secs => $1)
"""
_NOW = """
    SELECT EXISTS (SELECT FROM consent_grant WHERE id = any($1) AND revoked_at IS NOT NULL)
        OR EXISTS (SELECT FROM revoked_token WHERE jti = any($1))
"""
_FORGET = "DELETE FROM revoked_token WHERE revoked_at < now() - interval '1 hour'"


class Ended:
    """The ended grants and revoked tokens, by their ids."""

    def __init__(self, clock: Clock) -> None:
        self.as_of = 0.0
        self._clock = clock
        self._young: set[UUID] = set()
        self._old: set[UUID] = set()
        self._turned = 0.0

    def fresh(self) -> bool:
        """Return whether this was read within the last STALE seconds."""
        return 0 <= self._clock.time() - self.as_of <= STALE

    async def refresh(self, db: Db) -> None:
        """Read what ended since the last time, with an overlap longer than any transaction."""
        asked = self._clock.time()
        late = asked - self.as_of > _OVERLAP / 2
        rows = await db.fetch(_SINCE, KEPT if late else _OVERLAP)
        # Two generations: what is older than a turn is in neither, and was of no use for as long.
        if asked - self._turned > KEPT:
            self._old, self._young, self._turned = self._young, set(), asked
        self._young.update(row[0] for row in rows)
        self.as_of = asked

    async def contain(self, db: Db, *ids: UUID) -> bool:
        """Return whether one of `ids` (a grant, a token's `jti`) has ended."""
        if any(one in self._young or one in self._old for one in ids):
            return True
        if self.fresh():
            return False
        asked: Any = await db.fetchval(_NOW, list(ids))
        return bool(asked)


async def forget(db: Db) -> None:
    """Drop what no token can need any more."""
    await db.execute(_FORGET)
