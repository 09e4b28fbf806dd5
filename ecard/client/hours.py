"""The volunteer time bank: service recorded, time set aside, spent and given back."""

from typing import Any

from ecard.client.actors import Operator, Phone, Terminal


def register_body(registrar: Operator, agency: object, *, records: bool = True, redeems: bool = True) -> None:
    """Let an agency record volunteers' service, and take their time."""
    registrar.call("PUT", "/v1/volunteer-bodies", {"agency": agency, "records": records, "redeems": redeems})


def arrive(terminal: Terminal, visit: str, project: str, *, key: str | None = None) -> dict[str, Any]:
    """Return the service that a volunteer begins."""
    body = {"visit": visit, "project": project}
    made: dict[str, Any] = terminal.call("POST", "/v1/volunteer-services", body, key=key).json()
    return made


def depart(terminal: Terminal, visit: str, *, key: str | None = None) -> dict[str, Any]:
    """Return the service that a volunteer ends, credited."""
    body = {"visit": visit}
    made: dict[str, Any] = terminal.call("POST", "/v1/volunteer-services/departures", body, key=key).json()
    return made


def redeem(terminal: Terminal, visit: str, minutes: int, service: str) -> dict[str, Any]:
    """Return the redemption for which minutes are set aside."""
    body = {"visit": visit, "minutes": minutes, "service": service}
    made: dict[str, Any] = terminal.call("POST", "/v1/hour-redemptions", body).json()
    return made


def complete(terminal: Terminal, redemption: str, minutes: int) -> dict[str, Any]:
    """Return the redemption whose minutes are spent."""
    path = f"/v1/hour-redemptions/{redemption}/completion"
    made: dict[str, Any] = terminal.call("POST", path, {"minutes": minutes}).json()
    return made


def cancel(terminal: Terminal, redemption: str) -> dict[str, Any]:
    """Return the redemption whose minutes are given back."""
    made: dict[str, Any] = terminal.call("POST", f"/v1/hour-redemptions/{redemption}/cancellation").json()
    return made


def my_hours(phone: Phone) -> dict[str, Any]:
    """Return a volunteer's account."""
    found: dict[str, Any] = phone.call("GET", "/v1/me/hours").json()
    return found
