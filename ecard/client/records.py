"""Looking up and printing, at a terminal or on the holder's phone: from a visit that was made there."""

from typing import Any

from ecard.client.actors import Phone, Terminal


def _prefix(by: Terminal | Phone) -> str:
    return "/v1/me" if isinstance(by, Phone) else "/v1"


def look_up(by: Terminal | Phone, visit: str, *, key: str | None = None) -> dict[str, Any]:
    """Return what the systems say of the holder of a visit, for its item."""
    found: dict[str, Any] = by.call("POST", f"{_prefix(by)}/record-lookups", {"visit": visit}, key=key).json()
    return found
