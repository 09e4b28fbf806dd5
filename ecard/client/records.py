"""Looking up and printing, at a terminal or on the holder's phone: from a visit that was made there."""

from typing import Any

from ecard.client.actors import Phone, Terminal


def _prefix(by: Terminal | Phone) -> str:
    return "/v1/me" if isinstance(by, Phone) else "/v1"


def look_up(by: Terminal | Phone, visit: str, *, key: str | None = None) -> dict[str, Any]:
    """Return what the systems say of the holder of a visit, for its item."""
    found: dict[str, Any] = by.call("POST", f"{_prefix(by)}/record-lookups", {"visit": visit}, key=key).json()
    return found


def print_out(by: Terminal | Phone, visit: str, *, key: str | None = None) -> dict[str, Any]:
    """Return the document that is printed of what was looked up in a visit; `fetch` has its PDF."""
    printed: dict[str, Any] = by.call("POST", f"{_prefix(by)}/record-documents", {"visit": visit}, key=key).json()
    return printed


def fetch(by: Terminal | Phone, document: str) -> bytes:
    """Return the PDF of a document."""
    path = f"{_prefix(by)}/record-documents/{document}"
    return by.call("GET", path, accept="application/pdf").content
