"""A request that an operation fulfils."""

from typing import Any, NamedTuple

from ecard.client import Session


class Good(NamedTuple):
    """A request: its caller (None for a public operation), body and path parameters."""

    caller: Session | None = None
    body: dict[str, Any] | None = None
    path: dict[str, str] | None = None
