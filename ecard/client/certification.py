"""Certifying entitlement: at a terminal, and on the own phone."""

from typing import Any

from ecard.client.actors import Phone, Terminal


def certify(terminal: Terminal, visit: str, *, face: str | None = None, key: str | None = None) -> dict[str, Any]:
    """Return the certification of a visit's holder; `face` is the evidence of a check made here."""
    body = {"visit": visit, **({"face": face} if face else {})}
    made: dict[str, Any] = terminal.call("POST", "/v1/certifications", body, key=key).json()
    return made


def certify_oneself(phone: Phone, visit: str) -> dict[str, Any]:
    """Return the certification of the phone's holder, by a visit made with the face (`phone.do(item, face=…)`)."""
    made: dict[str, Any] = phone.call("POST", "/v1/me/certifications", {"visit": visit}).json()
    return made


def certifications(phone: Phone) -> dict[str, Any]:
    """Return how the holder stands, and the history."""
    found: dict[str, Any] = phone.call("GET", "/v1/me/certifications").json()
    return found
