"""Limits on a real Valkey: counted in one step, told when to come back, and safe when it is gone."""

import asyncio
import contextlib
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from redis.asyncio import Redis

from ecard.embedded import Stores
from ecard.errors import TooMany, Unavailable
from ecard.limits import Limit, Limiter

Scenario = Callable[[Limiter, "Redis"], Awaitable[None]]


@contextlib.asynccontextmanager
async def connected(url: str, patience: float) -> AsyncIterator[Redis]:
    redis = Redis.from_url(url, socket_timeout=patience, socket_connect_timeout=patience)
    try:
        yield redis
    finally:
        await redis.aclose()


def on(url: str, scenario: Scenario, *, patience: float = 0.3) -> None:
    """Run `scenario` with a limiter on the Redis at `url`, whose answer it awaits for `patience` seconds."""

    async def run() -> None:
        async with connected(url, patience) as redis:
            await scenario(Limiter(redis), redis)

    asyncio.run(run())


def new_limit(times: int = 3, seconds: int = 60, *, guarded: bool = False) -> Limit:
    """Return a limit that no other test has counted under."""
    return Limit(f"test-{uuid.uuid4().hex}", times, seconds, guarded)


async def refusal(limiter: Limiter, limit: Limit, actor: str = "a", *, cost: int = 1) -> TooMany:
    with pytest.raises(TooMany) as refused:
        await limiter.hit(limit, actor, cost=cost)
    return refused.value


def test_so_many_hits_pass_and_the_next_is_told_when_to_come_back(stores: Stores) -> None:
    async def scenario(limiter: Limiter, _: Redis) -> None:
        limit = new_limit(3, 60)
        for __ in range(3):
            await limiter.hit(limit, "a")
        for __ in range(3):
            refused = await refusal(limiter, limit)
            assert 58 <= int(refused.headers["Retry-After"]) <= 60

    on(stores.redis_url, scenario)


def test_each_actor_and_each_operation_has_a_count_of_its_own(stores: Stores) -> None:
    async def scenario(limiter: Limiter, _: Redis) -> None:
        one, other = new_limit(1), new_limit(1)
        await limiter.hit(one, "a")
        await refusal(limiter, one, "a")
        await limiter.hit(one, "b")
        await limiter.hit(other, "a")

    on(stores.redis_url, scenario)


def test_after_its_window_an_actor_starts_anew(stores: Stores) -> None:
    async def scenario(limiter: Limiter, _: Redis) -> None:
        limit = new_limit(2, 1)
        for __ in range(2):
            await limiter.hit(limit, "a")
        assert (await refusal(limiter, limit)).headers["Retry-After"] == "1"
        await asyncio.sleep(1.05)
        for __ in range(2):
            await limiter.hit(limit, "a")
        await refusal(limiter, limit)

    on(stores.redis_url, scenario)


def test_hits_do_not_prolong_the_window(stores: Stores) -> None:
    async def scenario(limiter: Limiter, redis: Redis) -> None:
        limit = new_limit(1, 60)
        await limiter.hit(limit, "a")
        await redis.pexpire(f"ecard:limit:{limit.operation}:a", 5000)
        assert int((await refusal(limiter, limit)).headers["Retry-After"]) <= 5
        assert await redis.pttl(f"ecard:limit:{limit.operation}:a") <= 5000

    on(stores.redis_url, scenario)


def test_a_hit_that_is_given_back_is_as_if_it_had_not_been(stores: Stores) -> None:
    async def scenario(limiter: Limiter, _: Redis) -> None:
        limit = new_limit(2)
        for __ in range(10):
            await limiter.hit(limit, "a")
            await limiter.hit(limit, "a", cost=-1)
        await limiter.hit(limit, "a")
        await limiter.hit(limit, "a")
        assert int((await refusal(limiter, limit)).headers["Retry-After"]) > 50

    on(stores.redis_url, scenario)


def test_giving_back_is_never_refused_and_a_refused_hit_counts(stores: Stores) -> None:
    async def scenario(limiter: Limiter, _: Redis) -> None:
        limit = new_limit(1)
        await limiter.hit(limit, "a")
        for __ in range(3):
            await refusal(limiter, limit)
        for __ in range(3):
            await limiter.hit(limit, "a", cost=-1)
        await refusal(limiter, limit)

    on(stores.redis_url, scenario)


def test_a_hit_may_cost_more_than_one(stores: Stores) -> None:
    async def scenario(limiter: Limiter, _: Redis) -> None:
        limit = new_limit(20)
        await limiter.hit(limit, "a", cost=20)
        await refusal(limiter, limit)

    on(stores.redis_url, scenario)


def test_no_count_lives_for_ever(stores: Stores) -> None:
    async def scenario(limiter: Limiter, redis: Redis) -> None:
        given_back, counted, found = (new_limit(1, 30) for _ in range(3))
        await redis.set(f"ecard:limit:{found.operation}:a", 0)  # left without an end by some accident
        await limiter.hit(given_back, "a", cost=-1)
        await limiter.hit(counted, "a")
        await limiter.hit(found, "a")
        for limit in (given_back, counted, found):
            assert 0 < await redis.pttl(f"ecard:limit:{limit.operation}:a") <= 30_000

    on(stores.redis_url, scenario)


def test_of_many_hits_at_once_exactly_so_many_pass(stores: Stores) -> None:
    async def scenario(limiter: Limiter, _: Redis) -> None:
        limit = new_limit(10)
        hits = await asyncio.gather(*(limiter.hit(limit, "a") for _ in range(64)), return_exceptions=True)
        assert sum(one is None for one in hits) == 10
        assert sum(isinstance(one, TooMany) for one in hits) == 54

    # 64 connections open at once: on a busy machine that takes a while, and an answer too late lets a hit pass.
    on(stores.redis_url, scenario, patience=20)


def test_a_redis_that_forgot_the_script_is_taught_it_again(stores: Stores) -> None:
    async def scenario(limiter: Limiter, redis: Redis) -> None:
        limit = new_limit(2)
        await limiter.hit(limit, "a")
        await redis.script_flush()
        await limiter.hit(limit, "a")
        await refusal(limiter, limit)

    on(stores.redis_url, scenario)


@pytest.fixture(params=["refuses", "hangs"])
def dead_redis(request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield the URL of a port that refuses the connection, or takes it and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if request.param == "hangs":
            listener.listen()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}"


def test_without_redis_a_guarded_limit_refuses_and_another_lets_through(
    dead_redis: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(limiter: Limiter, _: Redis) -> None:
        with pytest.raises(Unavailable) as refused:
            await limiter.hit(new_limit(guarded=True), "a")
        assert refused.value.headers == {"Retry-After": "5"}
        with pytest.raises(Unavailable):
            await limiter.hit(new_limit(guarded=True), "a", cost=-1)
        limit = new_limit(1)
        for __ in range(3):
            await limiter.hit(limit, "a")

    on(dead_redis, scenario)
    assert "limit not enforced" in caplog.text
