"""The certificate of employment: put on record, and shown."""

from collections.abc import Mapping
from typing import Any

from ecard.client.actors import Phone, Terminal


def record(terminal: Terminal, visit: str, certificate: Mapping[str, str]) -> dict[str, Any]:
    """Return the certificate that is on record now; a physical card was written with the same fields before."""
    body = {"visit": visit, "certificate": dict(certificate)}
    made: dict[str, Any] = terminal.call("POST", "/v1/employment-certificates", body).json()
    return made


def look_up(terminal: Terminal, visit: str) -> dict[str, Any]:
    """Return the certificate in force of a visit's holder."""
    found: dict[str, Any] = terminal.call("GET", f"/v1/employment-certificates/{visit}").json()
    return found


def mine(phone: Phone) -> list[dict[str, Any]]:
    """Return the holder's certificates, youngest first."""
    found: list[dict[str, Any]] = phone.call("GET", "/v1/me/employment-certificates").json()
    return found
