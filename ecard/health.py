"""Is the process alive, is it ready for work, and how does it fare."""

import asyncio
from typing import Literal

import msgspec
from litestar import Response, Router, get
from litestar.openapi.datastructures import ResponseSpec
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess
from redis.exceptions import RedisError

from ecard.given import Given
from ecard.runtime import Runtime

Part = Literal["ok", "down", "stale"]


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The process answers."""

    status: Literal["ok"]


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether work can be done, and which part stands in the way; Redis only slows down its loss."""

    status: Literal["ok", "degraded", "down"]
    database: Part
    redis: Part
    card_status: Part


@get("/health", operation_id="health_get", opt={"public": True})
async def health_get() -> Health:
    """Say that the process answers 存活检查."""
    return Health(status="ok")


@get(
    "/ready",
    operation_id="ready_get",
    opt={"public": True},
    responses={503: ResponseSpec(Readiness, description="不可用 (cannot work)", generate_examples=False)},
)
async def ready_get(runtime: Given[Runtime]) -> Response[Readiness]:
    """Say whether the process can work 就绪检查: 503 without the database or a fresh card status."""
    database, redis = await asyncio.gather(_database(runtime), _redis(runtime))
    card_status: Part = "ok" if runtime.denied.fresh() else "stale"
    down = database != "ok" or card_status != "ok"
    status: Literal["ok", "degraded", "down"] = "down" if down else "ok" if redis == "ok" else "degraded"
    answer = Readiness(status=status, database=database, redis=redis, card_status=card_status)
    return Response(answer, status_code=503 if down else 200)


async def _database(runtime: Given[Runtime]) -> Part:
    try:
        async with asyncio.timeout(1):
            await runtime.pool.fetchval("SELECT 1")
    except Exception:  # noqa: BLE001 - whatever the driver raises, the answer is the same
        return "down"
    return "ok"


async def _redis(runtime: Given[Runtime]) -> Part:
    try:
        async with asyncio.timeout(1):
            await runtime.redis.ping()
    except (RedisError, OSError, TimeoutError):
        return "down"
    return "ok"


@get("/metrics", operation_id="metrics_get", opt={"public": True}, include_in_schema=False)
async def metrics_get(runtime: Given[Runtime]) -> Response[bytes]:
    """Show the counters of all workers for Prometheus."""
    registry = REGISTRY
    if runtime.settings.metrics_dir:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, path=str(runtime.settings.metrics_dir))  # type: ignore[no-untyped-call] # the library has no types here
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


router = Router("/", route_handlers=[health_get, ready_get, metrics_get], tags=["health"])
