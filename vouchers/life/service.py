"""Claiming a voucher, stopping and ending it, redeeming and reversing it; and what each party sees of it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from ecard.audit import store as audit
from ecard.callers import Holder, Operator, Terminal
from ecard.db import Db, Pool, Row, Tx
from ecard.desk.errors import CardSuspended
from ecard.errors import EcardError, NotFound
from pay.ledger.service import command
from pay.merchants.errors import MerchantSuspended, NotAMerchant
from vouchers.life import store
from vouchers.life.errors import (
    AlreadyRedeemed,
    AlreadySettled,
    ForNamedPeople,
    GroupWanted,
    HasOne,
    NoneLeft,
    NotAudited,
    SerialUnknown,
    ServerWanted,
    VoucherExpired,
    VoucherFrozen,
    VoucherState,
    WrongInstitution,
)
from vouchers.life.model import Stage, serial_valid
from vouchers.life.schemas import (
    ClaimRequest,
    Moved,
    MyEvent,
    MyVoucher,
    Offer,
    Redemption,
    Voucher,
    VoucherEvent,
)
from vouchers.programmes import store as programmes
from vouchers.programmes.errors import ProgrammeEnded

CLAIM_ERRORS: Mapping[str, type[EcardError]] = {
    "not_found": NotFound,
    "ended": ProgrammeEnded,
    "suspended": CardSuspended,
    "targeted": ForNamedPeople,
    "group_wanted": GroupWanted,
    "has_one": HasOne,
    "none_left": NoneLeft,
}
MOVE_ERRORS: Mapping[str, type[EcardError]] = {
    "not_found": NotFound,
    "not_live": VoucherState,
    "not_redeemed": VoucherState,
    "settled": AlreadySettled,
}
REDEEM_ERRORS: Mapping[str, type[EcardError]] = {
    "not_found": NotFound,
    "wrong_institution": WrongInstitution,
    "taken": AlreadyRedeemed,
    "frozen": VoucherFrozen,
    "expired": VoucherExpired,
    "cancelled": VoucherState,
    "reversed": VoucherState,
    "not_audited": NotAudited,
    "not_merchant": NotAMerchant,
    "merchant_suspended": MerchantSuspended,
}
Move = Callable[[Tx], Awaitable[str]]


def institution_of(terminal: Terminal) -> UUID:
    """Return the institution whose server calls; raises ServerWanted for what stands in a hall."""
    if terminal.setting != "online":
        raise ServerWanted
    return terminal.agency


async def claim(tx: Tx, asked: ClaimRequest, by: Holder) -> MyVoucher:
    """Claim a voucher of a programme; raises CLAIM_ERRORS."""
    outcome, voucher = await store.claim(tx, asked.programme, by.card, by.actor, asked.group)
    if outcome == "group_wanted":
        found = await programmes.find(tx, asked.programme)
        raise GroupWanted(pointer="/group", groups=found["groups"] if found else [])
    if outcome != "ok" or voucher is None:
        raise CLAIM_ERRORS[outcome]
    return _mine(await store.my_one(tx, by.card, voucher))


async def refused(pool: Pool, asked: ClaimRequest, by: Holder, refusal: EcardError) -> None:
    """Leave an audit row of a claim that was refused, beside its transaction, which is undone."""
    detail: dict[str, object] = {"programme": str(asked.programme)}
    await audit.insert(pool, kind="voucher_claim", outcome=refusal.code, actor=by.actor, card=by.card, detail=detail)


async def offers(db: Db, by: Holder, before: UUID | None, limit: int) -> list[Offer]:
    """Return programmes of which vouchers can be claimed, youngest first."""
    return [msgspec.convert(dict(row), Offer) for row in await store.offers(db, by.card, before, limit)]


async def mine(db: Db, by: Holder, before: UUID | None, limit: int) -> list[MyVoucher]:
    """Return the holder's vouchers, youngest first."""
    return [_mine(row) for row in await store.mine(db, by.card, before, limit)]


async def my_one(db: Db, by: Holder, voucher: UUID) -> MyVoucher:
    """Return a voucher of the holder with what happened to it; raises NotFound."""
    found = _mine(await store.my_one(db, by.card, voucher))
    seen = [
        MyEvent(**{name: row[name] for name in MyEvent.__struct_fields__}) for row in await store.events(db, voucher)
    ]
    return msgspec.structs.replace(found, events=seen)


async def voucher(db: Db, wanted: UUID) -> Voucher:
    """Return a voucher as its bureau sees it; raises NotFound."""
    return await _whole(db, await store.one(db, wanted))


async def by_serial(pool: Pool, serial: str, by: Operator) -> Voucher:
    """Return the voucher of a number; raises SerialUnknown, and leaves an audit row of that."""
    row = await store.by_serial(pool, serial) if serial_valid(serial) else None
    if row is None:
        await audit.insert(pool, kind="voucher_lookup", outcome=SerialUnknown.code, actor=by.actor)
        raise SerialUnknown
    return await _whole(pool, row)


async def freeze(pool: Pool, wanted: UUID, reason: str, by: Operator, *, frozen: bool) -> Moved:
    """Freeze a voucher, or let it go on as it was; again changes nothing. Raises NotFound, VoucherState."""
    return await _move(pool, wanted, lambda tx: store.freeze(tx, wanted, by.actor, reason, frozen=frozen))


async def cancel(pool: Pool, wanted: UUID, reason: str, by: Operator) -> Moved:
    """Make a voucher void that was not redeemed; again changes nothing. Raises NotFound, VoucherState."""
    return await _move(pool, wanted, lambda tx: store.cancel(tx, wanted, by.actor, reason))


async def reverse(pool: Pool, wanted: UUID, reason: str, by: Operator) -> Moved:
    """Undo a redemption before it is settled; again changes nothing.

    Raises NotFound, VoucherState, AlreadySettled, BalanceShort (the institution has spent the money).
    """
    return await _move(pool, wanted, lambda tx: store.reverse(tx, wanted, by.actor, reason))


async def _move(pool: Pool, wanted: UUID, move: Move) -> Moved:
    """Return the voucher after a move whose refusal is on record, too: it is committed before it is told."""
    outcome = await command(pool, move)
    if outcome == "not_found":
        raise NotFound
    row: Any = await store.one(pool, wanted)
    if outcome not in {"ok", "again"}:
        error = MOVE_ERRORS[outcome]
        raise error(state=row["state"]) if error is VoucherState else error
    return Moved(id=wanted, state=Stage(row["state"]))


async def redeem(pool: Pool, wanted: UUID, by: Terminal, key: str) -> tuple[Redemption, bool]:
    """Redeem an audited voucher for its institution; return what came of it, and whether this is a retry.

    One statement decides, and records, whatever it decides. Raises REDEEM_ERRORS, ServerWanted, KeyReused.
    """
    made = await store.redeem(pool, wanted, institution_of(by), by.actor, key, by.site)
    if made.outcome == "taken":
        raise AlreadyRedeemed(first_at=int(made.first_at.timestamp()), first_by=str(made.first_by))
    if made.outcome in {"cancelled", "reversed"}:
        raise VoucherState(state=made.outcome)
    if made.outcome not in {"ok", "again"}:
        raise REDEEM_ERRORS[made.outcome]
    at = int(made.first_at.timestamp())
    return Redemption(voucher=wanted, amount=made.amount, redeemed_at=at, journal=made.journal), made.outcome == "again"


def _mine(row: Row | None) -> MyVoucher:
    if row is None:
        raise NotFound
    return msgspec.convert(dict(row), MyVoucher)


async def _whole(db: Db, row: Row | None) -> Voucher:
    if row is None:
        raise NotFound
    seen = [
        VoucherEvent(**{name: one[name] for name in VoucherEvent.__struct_fields__})
        for one in await store.events(db, row["id"])
    ]
    return msgspec.convert({**row, "events": seen}, Voucher)
