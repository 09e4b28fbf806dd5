"""What a running process holds: one object, injected by Litestar under the name `runtime`."""

from typing import Any, NamedTuple

from redis.asyncio import BlockingConnectionPool, Redis

from ecard import db
from ecard.callers import Tickets
from ecard.clock import Clock, SystemClock
from ecard.db import Pool
from ecard.denied import Denied
from ecard.keyring import service as keyring
from ecard.keyring.model import Keyring
from ecard.limits import Limiter
from ecard.settings import Settings
from ecard.vault import Vault


class Runtime(NamedTuple):
    """The process's settings, stores and keys; features add their own beside it in `ecard.app`."""

    settings: Settings
    clock: Clock
    vault: Vault
    pool: Pool
    redis: Any
    limiter: Limiter
    denied: Denied
    ring: Keyring
    tickets: Tickets

    async def close(self) -> None:
        """Close the connections to the stores."""
        await self.pool.close()
        await self.redis.aclose()


async def open_runtime(settings: Settings, *, clock: Clock | None = None, pool_size: int = 8) -> Runtime:
    """Connect to the stores that `settings` names (both URLs set) and read keys and dead cards."""
    clock = clock or SystemClock()
    vault = Vault(settings.master_key)
    pool = await db.connect(settings.database_url or "", size=pool_size)
    # A burst waits for a connection: a full pool of our own is not a Redis that does not answer.
    connections = BlockingConnectionPool.from_url(
        settings.redis_url or "", max_connections=32, timeout=2, socket_timeout=0.5, socket_connect_timeout=0.5
    )
    redis = Redis.from_pool(connections)
    denied, ring = Denied(clock), Keyring()
    runtime = Runtime(
        settings, clock, vault, pool, redis, Limiter(redis), denied, ring, Tickets(vault.derive("session ticket"))
    )
    await keyring.ensure(pool, vault, settings.suite)
    await keyring.refresh(pool, vault, ring, clock)
    await denied.load(pool)
    return runtime
