"""From what the SQL decided to the error that says so, and each refusal on record."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from ecard.audit import store as audit
from ecard.callers import Terminal
from ecard.db import Pool
from ecard.desk.errors import CardSuspended, DeviceUnbound, LevelTooLow, NotActing, VisitRefused
from ecard.entries.errors import (
    EnteredBefore,
    Inside,
    NotListed,
    OneWay,
    OutsideTime,
    PlaceFull,
    UsedUp,
    WrongRoom,
)
from ecard.errors import EcardError, Unavailable
from ecard.idempotency import InFlight, KeyMissing, KeyReused

PLACE = (NotListed, WrongRoom, OutsideTime, UsedUp, Inside, PlaceFull, OneWay)
"""What a place refuses for."""
_PLAIN: Mapping[str, type[EcardError]] = {
    "not_listed": NotListed,
    "one_way": OneWay,
    "entered": EnteredBefore,
    "card_suspended": CardSuspended,
    "device_unbound": DeviceUnbound,
    "not_acting": NotActing,
}
_NOBODYS = (KeyMissing, KeyReused, InFlight, Unavailable)
"""Refusals that say nothing about an entry, and are not recorded with it."""


def refusal(row: Any, *, level: int) -> EcardError:
    """Return the error of an outcome, with what helps the gate."""
    match row["outcome"]:
        case "wrong_room":
            return WrongRoom(room=row["room"])
        case "outside_time":
            return OutsideTime(opens_at=_seconds(row["opens_at"]), closes_at=_seconds(row["closes_at"]))
        case "used_up":
            return UsedUp(first_at=_seconds(row["first_at"]))
        case "inside":
            return Inside(since=_seconds(row["first_at"]))
        case "full":
            return PlaceFull(capacity=row["capacity"])
        case "level":
            return LevelTooLow(required=level)
        case outcome:
            return _PLAIN.get(outcome, VisitRefused)()


@asynccontextmanager
async def recorded(pool: Pool, by: Terminal, *, item: str | None = None, **detail: object) -> AsyncIterator[None]:
    """Leave an audit row for a refusal inside, in a transaction of its own, and raise it again."""
    try:
        yield
    except EcardError as refused:
        if not isinstance(refused, _NOBODYS):
            known: dict[str, object] = {name: str(value) for name, value in detail.items()}
            await audit.insert(pool, kind="entry", outcome=refused.code, actor=by.actor, item=item, detail=known)
        raise


def _seconds(at: Any) -> int | None:
    return None if at is None else int(at.timestamp())
