"""From what the SQL decided to the error that says so, and each refusal on record."""

import datetime
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from ecard.audit import store as audit
from ecard.catalogue.model import Item
from ecard.db import Pool
from ecard.desk.errors import CardSuspended, DeviceUnbound, LevelTooLow, NotActing, Replayed, VisitRefused
from ecard.errors import EcardError, NotFound, Unavailable
from ecard.guards import KeyRevoked
from ecard.idempotency import InFlight, KeyMissing, KeyReused
from vouchers.classes.errors import AlreadySeated, ClassFull, ClassOver, OtherProgramme
from vouchers.life.errors import (
    NotYourVoucher,
    VoucherEarly,
    VoucherExpired,
    VoucherFrozen,
    VoucherState,
    WrongInstitution,
)

VOUCHER = (VoucherFrozen, VoucherExpired, VoucherEarly, VoucherState, NotYourVoucher, WrongInstitution, NotFound)
"""What a voucher is refused for, wherever it is used."""
PRESENCE = (CardSuspended, DeviceUnbound, LevelTooLow, NotActing, Replayed, VisitRefused)
"""What evidence at a terminal is refused for, beside what its readers and the catalogue raise."""
_REFUSALS: Mapping[str, type[EcardError]] = {
    "class_unknown": NotFound,
    "voucher_unknown": NotFound,
    "class_over": ClassOver,
    "full": ClassFull,
    "seated": AlreadySeated,
    "other_programme": OtherProgramme,
    "wrong_institution": WrongInstitution,
    "not_yours": NotYourVoucher,
    "frozen": VoucherFrozen,
    "expired": VoucherExpired,
    "early": VoucherEarly,
    "suspended": CardSuspended,
    "card_suspended": CardSuspended,
    "device_revoked": DeviceUnbound,
    "device_unbound": DeviceUnbound,
    "not_acting": NotActing,
    "terminal_revoked": KeyRevoked,
    "key_reused": KeyReused,
    "retry": KeyReused,
}
_NOBODYS = (KeyMissing, KeyReused, InFlight, Unavailable)
"""Refusals that say nothing about a voucher, and are not recorded with it."""


def refusal(
    outcome: str,
    *,
    more: Mapping[str, type[EcardError]] | None = None,
    state: str | None = None,
    item: Item | None = None,
    first_at: datetime.datetime | None = None,
) -> EcardError:
    """Return the error of an outcome; `more` are those that a feature adds."""
    known = (more or {}).get(outcome) or _REFUSALS.get(outcome)
    first: dict[str, Any] = {"first_at": first_at.isoformat()} if first_at else {}
    if known is not None:
        return known(**first)
    match outcome:
        case "state":
            return VoucherState(state=state)
        case "replayed":
            return Replayed(**first)
        case "level" if item is not None:
            return LevelTooLow(required=item.level)
        case _:
            return VisitRefused()


@asynccontextmanager
async def recorded(
    pool: Pool, kind: str, actor: UUID, *, card: int | None = None, item: str | None = None, **detail: object
) -> AsyncIterator[None]:
    """Leave an audit row of `kind` for a refusal inside, in a transaction of its own, and raise it again.

    Around the transaction, not in it: what was tried is undone, that it was tried is not.
    """
    try:
        yield
    except EcardError as refused:
        if not isinstance(refused, _NOBODYS):
            known = {name.rstrip("_"): str(value) for name, value in detail.items() if value is not None}
            await audit.insert(
                pool, kind=kind, outcome=refused.code, actor=actor, card=card, item=item, detail=dict(known)
            )
        raise
