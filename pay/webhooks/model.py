"""通知 (webhook): how an event is written, signed and verified (Standard Webhooks 1.0.0); pure.

The signed text is `{webhook-id}.{webhook-timestamp}.{body}` under HMAC-SHA256, its header `v1,` and base64. While a
secret is being replaced the header bears a signature of each, with a space between them.
"""

import base64
import binascii
import datetime
import hmac
import os
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

PREFIX = "whsec_"
TOLERANCE = 300
"""Seconds that a message's timestamp may lie from the receiver's clock."""
SECRET_BYTES = 32
BOTH_HOURS = 24
"""Hours for which messages bear the signature of the secret before, too."""
MOST_ENDPOINTS = 16
_VERSION = "v1"


class Why(StrEnum):
    """Why an endpoint is told nothing any more: its owner's wish, days of failures, or its answer 410 Gone."""

    OWNER = "owner"
    FAILING = "failing"
    GONE = "gone"


class NotGenuine(Exception):
    """A message that was not signed with this secret, or not lately."""


class Event(NamedTuple):
    """Something that happened to a merchant's order; `n` grows among the events of one order."""

    id: UUID
    n: int
    kind: str
    at: datetime.datetime
    data: dict[str, Any]

    def body(self) -> bytes:
        """Return what is sent, the same bytes however often."""
        return msgspec.json.encode(
            {"type": self.kind, "timestamp": self.at, "sequence": self.n, "data": self.data}, order="deterministic"
        )


def new_secret() -> bytes:
    """Return a new secret's 32 bytes."""
    return os.urandom(SECRET_BYTES)


def shown(secret: bytes) -> str:
    """Return a secret as its owner is shown it, once.

    >>> shown(bytes(24))
    'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
    """
    return PREFIX + base64.b64encode(secret).decode()


def secret_of(text: str) -> bytes:
    """Return the bytes of a secret as shown; ValueError for what is none."""
    try:
        secret = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        secret = b""
    if not text.startswith(PREFIX) or not secret:
        msg = "a secret is whsec_ and base64"
        raise ValueError(msg)
    return secret


def headers(event: UUID, now: float, body: bytes, *secrets: bytes) -> dict[str, str]:
    """Return the three headers of a message; `now` is the time of this try (Unix seconds)."""
    name, at = f"evt_{event.hex}", str(int(now))
    signatures = " ".join(_signature(secret, name, at, body) for secret in secrets)
    return {"webhook-id": name, "webhook-timestamp": at, "webhook-signature": signatures}


def verify(given: Mapping[str, str], body: bytes, secret: bytes, now: float) -> str:
    """Return the id of a genuine message; raises NotGenuine. For receivers: `ecard webhooks listen`."""
    name, at, signatures = (given.get(f"webhook-{one}", "") for one in ("id", "timestamp", "signature"))
    if not (at.isascii() and at.isdecimal() and len(at) <= len(str(2**63)) and abs(now - int(at)) <= TOLERANCE):
        raise NotGenuine
    wanted = _signature(secret, name, at, body).encode()
    if not any(hmac.compare_digest(one.encode(), wanted) for one in signatures.split()):
        raise NotGenuine
    return name


def event_id(text: str) -> UUID:
    """Return the event that a `webhook-id` names, or a bare UUID; ValueError for what is none."""
    return UUID(text.removeprefix("evt_"))


def _signature(secret: bytes, name: str, at: str, body: bytes) -> str:
    made = hmac.digest(secret, f"{name}.{at}.".encode() + body, "sha256")
    return f"{_VERSION},{base64.b64encode(made).decode()}"
