"""Registering endpoints, and asking for events again."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from auth.clients.model import address_allowed
from ecard.audit import store as audit
from ecard.callers import Terminal
from ecard.db import Pool, Tx
from ecard.errors import NotFound
from ecard.ids import new_id
from ecard.runtime import Runtime
from ecard.vault import Vault
from pay.webhooks import store
from pay.webhooks.errors import AddressRefused, NotTheServer, TooManyEndpoints
from pay.webhooks.model import BOTH_HOURS, MOST_ENDPOINTS, Event, new_secret, shown
from pay.webhooks.schemas import Endpoint, EndpointRequest, EndpointSecret, EventView, Resent, Triggered

PLACE = "webhook_endpoint.secret"
"""Where secrets are sealed for."""
TEST = "endpoint.test"
"""The kind of an event that is made to test."""


def merchant_of(terminal: Terminal) -> UUID:
    """Return the merchant whose server calls; raises NotTheServer for a till: it must not divert what is reported."""
    if terminal.setting != "online":
        raise NotTheServer
    return terminal.agency


async def register(
    tx: Tx, vault: Vault, merchant: UUID, asked: EndpointRequest, *, by: UUID | None, sandbox: bool
) -> EndpointSecret:
    """Add an endpoint and return its secret, this once.

    Raises AddressRefused (outside the sandbox: what is not https and public), NotFound (no such merchant),
    TooManyEndpoints. `by` is None for the command line.
    """
    if not address_allowed(asked.url, sandbox=sandbox):
        raise AddressRefused(pointer="/url")
    if not await store.lock_merchant(tx, merchant):
        raise NotFound
    if await store.living(tx, merchant) >= MOST_ENDPOINTS:
        raise TooManyEndpoints(most=MOST_ENDPOINTS)
    endpoint, secret = new_id(), new_secret()
    await store.add(tx, endpoint, merchant, asked.url, vault.seal(PLACE, secret))
    await _record(tx, "webhook_registered", endpoint, by)
    return EndpointSecret(id=endpoint, url=asked.url, secret=shown(secret))


async def rotate(tx: Tx, vault: Vault, merchant: UUID, endpoint: UUID, *, by: UUID) -> EndpointSecret:
    """Return a new secret; for a day both sign. Raises NotFound."""
    secret = new_secret()
    url = await store.rotate(tx, endpoint, merchant, vault.seal(PLACE, secret), BOTH_HOURS)
    if url is None:
        raise NotFound
    await _record(tx, "webhook_rotated", endpoint, by)
    return EndpointSecret(id=endpoint, url=url, secret=shown(secret))


async def remove(tx: Tx, merchant: UUID, endpoint: UUID, *, by: UUID) -> None:
    """Tell an endpoint nothing more; raises NotFound."""
    if not await store.remove(tx, endpoint, merchant):
        raise NotFound
    await _record(tx, "webhook_removed", endpoint, by)


async def endpoints(pool: Pool, merchant: UUID) -> list[Endpoint]:
    """Return a merchant's endpoints, with the disabled ones."""
    return [msgspec.convert(dict(row), Endpoint) for row in await store.endpoints(pool, merchant)]


async def events(runtime: Runtime, merchant: UUID, after: int, limit: int) -> list[EventView]:
    """Return a merchant's events after a number, for one that was away longer than it is told."""
    return _views(await store.events(runtime.pool, merchant, after, limit))


async def resend(tx: Tx, merchant: UUID, event: UUID) -> Resent:
    """Send an event again to the merchant's endpoints, by the same id; raises NotFound."""
    count = await store.resend(tx, event, merchant=merchant)
    if count is None:
        raise NotFound
    return Resent(endpoints=count)


async def trigger(tx: Tx, merchant: UUID, kind: str) -> Triggered:
    """Make an event of this kind that says `test` and names no order."""
    event = new_id()
    await store.trigger(tx, event, {"merchant": str(merchant), "event": kind, "test": True})
    return Triggered(id=f"evt_{event.hex}")


def _views(found: Sequence[Event]) -> list[EventView]:
    return [
        EventView(id=f"evt_{one.id.hex}", type=one.kind, timestamp=one.at, sequence=one.n, data=one.data)
        for one in found
    ]


async def _record(tx: Tx, kind: str, endpoint: UUID, by: UUID | None) -> None:
    await audit.insert(tx, kind=kind, outcome="ok", actor=by, detail={"endpoint": str(endpoint)})
