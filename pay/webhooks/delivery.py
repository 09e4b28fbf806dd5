"""Delivering events: from the booking's row to each endpoint, until it is heard, for three days."""

import asyncio
import datetime
import logging

import httpx

from ecard.clock import Clock
from ecard.db import Pool
from ecard.outbox import Message, Topic
from ecard.telling import Telling, TooSlow, post
from ecard.vault import Vault
from pay.webhooks import store
from pay.webhooks.model import headers
from pay.webhooks.service import PLACE
from pay.webhooks.store import Delivery

_MINUTE, _HOUR = 60.0, 3600.0
TOPIC = Topic(
    "webhook_delivery",
    "endpoint",
    (
        30.0,
        5 * _MINUTE,
        30 * _MINUTE,
        2 * _HOUR,
        5 * _HOUR,
        10 * _HOUR,
        14 * _HOUR,
        20 * _HOUR,
        24 * _HOUR,
        24 * _HOUR,
    ),
    together=8,
)
"""Told ten times over three days, as Standard Webhooks recommends."""
SECONDS = 10.0
"""Seconds in which an endpoint must have answered."""
PATIENCE = datetime.timedelta(days=3)
"""An endpoint that has failed for so long, with nothing heard between, is disabled."""
PERIOD = 0.5
_GONE = 410
_JSON = {"Content-Type": "application/json", "User-Agent": "ecard-webhooks/1"}
log = logging.getLogger("pay.webhooks")


async def deliver_for_ever(pool: Pool, vault: Vault, clock: Clock, http: httpx.AsyncClient) -> None:
    """Deliver what is due; until cancelled."""

    async def tell(message: Message) -> bool:
        return await _tell(pool, vault, clock, http, message)

    async with asyncio.TaskGroup() as group:
        group.create_task(_hand_for_ever(pool))
        group.create_task(Telling(pool, TOPIC, tell).for_ever())


async def _hand_for_ever(pool: Pool) -> None:
    """Hand each event to its merchant's endpoints, as soon as it is booked."""
    while True:
        handed = 0
        try:
            handed = await store.fan_out(pool)
        except Exception as error:  # noqa: BLE001 - whatever it was, the next round must come
            log.warning("events not handed on: %s", type(error).__name__)
        await asyncio.sleep(0 if handed == store.FAN_OUT else PERIOD)


async def _tell(pool: Pool, vault: Vault, clock: Clock, http: httpx.AsyncClient, message: Message) -> bool:
    """Return whether a message is over: heard, or its endpoint is told nothing any more."""
    endpoint = message.body["endpoint"]
    found = await store.delivery(pool, endpoint, message.body["event"])
    if found is None:
        return True
    try:
        status = await _post(found, vault, clock, http)
    except TooSlow:
        await _failed(pool, endpoint, "timeout")
        raise
    except (httpx.HTTPError, httpx.InvalidURL):
        await _failed(pool, endpoint, "connection")
        raise
    if httpx.codes.is_success(status):
        if found.failing:
            await store.heard(pool, endpoint)
        return True
    return await _failed(pool, endpoint, "gone" if status == _GONE else f"http_{status}")


async def _post(found: Delivery, vault: Vault, clock: Clock, http: httpx.AsyncClient) -> int:
    sealed = [found.secret, *([found.old_secret] if found.old_secret is not None else [])]
    body = found.event.body()
    signed = headers(found.event.id, clock.time(), body, *(vault.open(PLACE, one) for one in sealed))
    return await post(http, found.url, SECONDS, body=body, headers={**signed, **_JSON})


async def _failed(pool: Pool, endpoint: str, how: str) -> bool:
    disabled = await store.failed(pool, endpoint, how, PATIENCE)
    if disabled:
        log.warning("endpoint %s disabled: %s", endpoint, how)
    return disabled
