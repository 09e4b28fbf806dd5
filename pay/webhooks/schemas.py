"""The JSON of endpoints and events."""

import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from pay.webhooks.model import Why


class EndpointRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a merchant wants to be notified."""

    url: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class EndpointSecret(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint and its secret, shown this once."""

    id: UUID
    url: str
    secret: str


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint, since when it fails (null: it does not), and since when and why it is told nothing."""

    id: UUID
    url: str
    created_at: datetime.datetime
    failing_since: datetime.datetime | None
    last_failure: str | None
    disabled_at: datetime.datetime | None
    why: Why | None


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it was sent: `id` is its webhook-id, `sequence` grows among the events of one order."""

    id: str
    type: str
    timestamp: datetime.datetime
    sequence: int
    data: dict[str, Any]


class Resent(msgspec.Struct, frozen=True, kw_only=True):
    """To how many endpoints an event is sent again."""

    endpoints: int


class Triggered(msgspec.Struct, frozen=True, kw_only=True):
    """The webhook-id of an event that was made to test."""

    id: str
