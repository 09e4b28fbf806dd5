"""Rate limits in Redis: one atomic Lua call a request, keyed by (operation, actor).

A limit never decides what happens once; PostgreSQL does. When Redis does not answer, an ordinary
limit lets the call through and one that guards a guessable secret refuses it (`guarded=True`).
"""

import logging
from typing import NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError

from ecard.errors import TooMany, Unavailable

log = logging.getLogger("ecard.limits")

# A window starts with its first hit; counting and its end are set in one step, so no key lives for ever.
_HIT = """
local n = redis.call('INCRBY', KEYS[1], ARGV[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]); left = tonumber(ARGV[2]) end
return {n, left}
"""


class Limit(NamedTuple):
    """At most `times` in `seconds` for each actor of an operation."""

    operation: str
    times: int
    seconds: int
    guarded: bool = False


class Limiter:
    """Counts hits in Redis."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._hit = redis.register_script(_HIT)

    async def hit(self, limit: Limit, actor: str, *, cost: int = 1) -> None:
        """Count `cost` hits of `actor`; a negative cost gives them back.

        Raises TooMany, or Unavailable for a guarded limit when Redis does not answer.
        """
        try:
            count, left = await self._hit([f"ecard:limit:{limit.operation}:{actor}"], [cost, limit.seconds * 1000])
        except (RedisError, OSError, TimeoutError):
            if limit.guarded:
                raise Unavailable(headers={"Retry-After": "5"}) from None
            log.warning("limit not enforced: redis does not answer")
            return
        if cost > 0 and int(count) > limit.times:
            raise TooMany(headers={"Retry-After": str(-(-int(left) // 1000))})
