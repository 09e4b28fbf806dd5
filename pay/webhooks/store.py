"""The tables of endpoints and events."""

import datetime
from typing import Any, NamedTuple
from uuid import UUID

from ecard.db import Db, Row, Tx, in_batches
from pay.webhooks.model import Event

_LOCK_MERCHANT = "SELECT true FROM agency WHERE id = $1 FOR NO KEY UPDATE"
_LIVING = "SELECT count(*) FROM webhook_endpoint WHERE merchant = $1 AND disabled_at IS NULL"
_ADD = "INSERT INTO webhook_endpoint (id, merchant, url, secret) VALUES ($1, $2, $3, $4)"
_ENDPOINTS = """
    SELECT id, url, created_at, failing_since, last_failure, disabled_at, why FROM webhook_endpoint
    WHERE merchant = $1 ORDER BY id
"""
_ROTATE = """
    UPDATE webhook_endpoint SET secret = $3, old_secret = secret, old_until = now() + make_interval(hours => $4)
    WHERE id = $1 AND merchant = $2 AND disabled_at IS NULL RETURNING url
"""
_REMOVE = """
    UPDATE webhook_endpoint SET disabled_at = now(), why = 'owner'
    WHERE id = $1 AND merchant = $2 AND disabled_at IS NULL RETURNING true
"""
_EVENTS = "SELECT id, n, kind, at, data FROM webhook_event WHERE merchant = $1 AND n > $2 ORDER BY n LIMIT $3"
_FAN_OUT = "SELECT webhook_fan_out($1)"
_RESEND = """
    INSERT INTO outbox (id, topic, body)
    SELECT gen_random_uuid(), 'webhook_delivery', jsonb_build_object('endpoint', p.id, 'event', e.id)
    FROM webhook_event e JOIN webhook_endpoint p ON p.merchant = e.merchant AND p.disabled_at IS NULL
    WHERE e.id = $1 AND ($2::uuid IS NULL OR e.merchant = $2) AND ($3::uuid IS NULL OR p.id = $3)
    RETURNING id
"""
_EVENT_EXISTS = "SELECT true FROM webhook_event WHERE id = $1 AND ($2::uuid IS NULL OR merchant = $2)"
_DELIVERY = """
    SELECT p.url, p.secret, CASE WHEN p.old_until > now() THEN p.old_secret END AS old_secret,
           p.failing_since IS NOT NULL AS failing, e.id, e.n, e.kind, e.at, e.data
    FROM webhook_endpoint p JOIN webhook_event e ON e.id = $2 WHERE p.id = $1 AND p.disabled_at IS NULL
"""
_HEARD = "UPDATE webhook_endpoint SET failing_since = NULL, last_failure = NULL WHERE id = $1"
_FAILED = "SELECT webhook_failed($1, $2, $3)"
_TRIGGER = "INSERT INTO outbox (id, topic, body) VALUES ($1, 'webhook', $2)"
_FORGET = """
    DELETE FROM webhook_event WHERE id IN (
        SELECT id FROM webhook_event WHERE at < now() - interval '90 days' LIMIT 5000 FOR UPDATE SKIP LOCKED)
"""
FAN_OUT = 500
"""Events that are handed to endpoints in one statement."""


class Delivery(NamedTuple):
    """An event on its way to one endpoint: where, sealed secrets (the one before: while both hold), what."""

    url: str
    secret: bytes
    old_secret: bytes | None
    failing: bool
    event: Event


async def lock_merchant(tx: Tx, merchant: UUID) -> bool:
    """Return whether the agency is registered, and keep others from adding an endpoint of it meanwhile."""
    return await tx.fetchval(_LOCK_MERCHANT, merchant) is not None


async def living(tx: Tx, merchant: UUID) -> int:
    """Return how many endpoints of a merchant are not disabled."""
    return int(await tx.fetchval(_LIVING, merchant))


async def add(tx: Tx, endpoint: UUID, merchant: UUID, url: str, secret: bytes) -> None:
    """Add an endpoint; its secret is sealed."""
    await tx.execute(_ADD, endpoint, merchant, url, secret)


async def endpoints(db: Db, merchant: UUID) -> list[Row]:
    """Return a merchant's endpoints, oldest first, with the disabled ones."""
    return list(await db.fetch(_ENDPOINTS, merchant))


async def rotate(tx: Tx, endpoint: UUID, merchant: UUID, secret: bytes, hours: int) -> str | None:
    """Replace a secret, the one before good for some hours more; return the address, None when there is none such."""
    url: str | None = await tx.fetchval(_ROTATE, endpoint, merchant, secret, hours)
    return url


async def remove(tx: Tx, endpoint: UUID, merchant: UUID) -> bool:
    """Disable an endpoint by its owner's wish; return False when there is none such."""
    return await tx.fetchval(_REMOVE, endpoint, merchant) is not None


async def events(db: Db, merchant: UUID, after: int, limit: int) -> list[Event]:
    """Return a merchant's events whose number is greater than `after`."""
    return [Event(*row.values()) for row in await db.fetch(_EVENTS, merchant, after, limit)]


async def fan_out(db: Db) -> int:
    """Hand the events that wait in the outbox to their merchants' endpoints; return how many."""
    return int(await db.fetchval(_FAN_OUT, FAN_OUT))


async def resend(db: Db, event: UUID, *, merchant: UUID | None = None, endpoint: UUID | None = None) -> int | None:
    """Send an event again; return to how many endpoints, None when there is no such event (of this merchant)."""
    if await db.fetchval(_EVENT_EXISTS, event, merchant) is None:
        return None
    return len(await db.fetch(_RESEND, event, merchant, endpoint))


async def delivery(db: Db, endpoint: str, event: str) -> Delivery | None:
    """Return what is to be sent, None when the endpoint is disabled or the event forgotten."""
    row = await db.fetchrow(_DELIVERY, UUID(endpoint), UUID(event))
    if row is None:
        return None
    url, secret, old, failing, *event_row = row.values()
    return Delivery(url, secret, old, failing, Event(*event_row))


async def heard(db: Db, endpoint: str) -> None:
    """Note that an endpoint which failed answers again."""
    await db.execute(_HEARD, UUID(endpoint))


async def failed(db: Db, endpoint: str, how: str, patience: datetime.timedelta) -> bool:
    """Note a failure; return whether it was the one that disabled the endpoint, which its merchant is told."""
    return bool(await db.fetchval(_FAILED, UUID(endpoint), how, patience))


async def trigger(db: Db, event: UUID, body: dict[str, Any]) -> None:
    """Put an event into the outbox as a booking does: `body` names merchant and event."""
    await db.execute(_TRIGGER, event, body)


async def forget(db: Db) -> None:
    """Drop events of more than 90 days ago."""
    await in_batches(db, _FORGET)
