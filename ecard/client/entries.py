"""Entries at gates, the lists of who is let in, and hours at work sites."""

from collections.abc import Mapping, Sequence
from typing import Any

from ecard.client.actors import Operator, Phone, Terminal


def set_rule(registrar: Operator, agency: object, site: str, item: str, **rule: Any) -> dict[str, Any]:
    """Return a place's new rule: `listed`, `both_ways`, `capacity`."""
    body = {"agency": agency, "site": site, "item": item, **rule}
    made: dict[str, Any] = registrar.call("PUT", "/v1/entry-rules", body).json()
    return made


def open_list(office: Terminal, **facts: Any) -> dict[str, Any]:
    """Return a new list: site, item, name, opens_at, closes_at, uses."""
    made: dict[str, Any] = office.call("POST", "/v1/entry-lists", facts).json()
    return made


def put_on_list(office: Terminal, number: str, persons: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Return a list with these people on it: id_no, room, seat."""
    made: dict[str, Any] = office.call("PUT", f"/v1/entry-lists/{number}/persons", {"persons": list(persons)}).json()
    return made


def enter(
    gate: Terminal, visit: str, *, direction: str = "in", room: str = "", key: str | None = None
) -> dict[str, Any]:
    """Return the entry of a visit's holder."""
    body = {"visit": visit, "direction": direction, "room": room}
    made: dict[str, Any] = gate.call("POST", "/v1/entries", body, key=key).json()
    return made


def upload(gate: Terminal, item: str, lines: Sequence[Mapping[str, object]]) -> list[dict[str, Any]]:
    """Return what became of each line that an offline gate kept."""
    body = {"item": item, "lines": list(lines)}
    results: list[dict[str, Any]] = gate.call("POST", "/v1/entry-uploads", body).json()["results"]
    return results


def entries(terminal: Terminal, item: str) -> list[dict[str, Any]]:
    """Return who went through the agency's gates for an item, youngest first."""
    found: list[dict[str, Any]] = terminal.call("GET", "/v1/entries", query=f"item={item}").json()
    return found


def my_entries(phone: Phone) -> list[dict[str, Any]]:
    """Return the holder's entries, youngest first."""
    found: list[dict[str, Any]] = phone.call("GET", "/v1/me/entries").json()
    return found


def my_work_hours(phone: Phone) -> list[dict[str, Any]]:
    """Return what the holder worked, by site and day."""
    found: list[dict[str, Any]] = phone.call("GET", "/v1/me/work-hours").json()
    return found
