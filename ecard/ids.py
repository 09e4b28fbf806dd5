"""Identifiers: UUID version 7 (RFC 9562 §5.7), so that a primary key's index grows at one end."""

import os
import time
from uuid import UUID

ID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?!\n)$"
"""How an identifier is written in a query: read as a text, for the framework takes the text `null` for none."""

_VERSION_AND_VARIANT = (0x7 << 76) | (0b10 << 62)
_RANDOM = (1 << 80) - 1 - (0xF << 76) - (0b11 << 62)


def new_id() -> UUID:
    """Return a new identifier: 48 bits of milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big") & _RANDOM
    return UUID(int=(milliseconds << 80) | _VERSION_AND_VARIANT | random)


def id_of(text: str | None) -> UUID | None:
    """Return the identifier that a text of the form `ID` is, None for none."""
    return None if text is None else UUID(text)
