"""Orders on the holder's side: what waits for the password, the yes with it, the no, and the terms agreed to."""

import datetime
from typing import Any
from uuid import UUID

from ecard.audit import store as audit
from ecard.callers import Holder
from ecard.cards import password
from ecard.cards.errors import BusiSeqUnknown
from ecard.db import begin
from ecard.desk.errors import CardSuspended, DeviceUnbound, LevelTooLow, VisitRefused
from ecard.errors import EcardError, NotFound
from ecard.ids import new_id
from pay.banks.bank import Debit
from pay.banks.errors import BankUnknown
from pay.merchants.errors import MerchantSuspended
from pay.orders import store
from pay.orders.asking import Till, account_of, ask, bind, open_banks, why_not
from pay.orders.errors import OrderExpired, OrderNotWaiting, OverDayLimit, UseDisputed
from pay.orders.model import OrderKind, OrderState
from pay.orders.schemas import MyOrder, PayerTerms

_REFUSALS: dict[str, type[EcardError]] = {
    "not_found": NotFound,
    "expired": OrderExpired,
    "payer_unknown": BankUnknown,
    "merchant_suspended": MerchantSuspended,
    "suspended": CardSuspended,
    "device_revoked": DeviceUnbound,
    "disputed": UseDisputed,
    "busi_seq_unknown": BusiSeqUnknown,
    "over_day_limit": OverDayLimit,
}


async def confirm(till: Till, holder: Holder, number: UUID, busi_seq: UUID) -> MyOrder:
    """Pay an order that waits for this holder, or an open one: the proof of the password is used up by it.

    The same proof again is answered with how the order stands. Raises NotFound, OrderNotWaiting, OrderExpired,
    BankUnknown, BankUnavailable, MerchantSuspended, CardSuspended, LevelTooLow, DeviceUnbound, UseDisputed,
    BusiSeqUnknown, OverDayLimit.
    """
    known = await store.find(till.runtime.pool, number)
    if known is None:
        raise NotFound
    level = till.desk.catalogue.get(known.item).level
    attempt = new_id()

    async def once() -> store.Confirmed:
        banks = open_banks(till.banks)
        return await store.confirm(
            till.runtime.pool, number, attempt, holder.card, holder.actor, busi_seq, level, banks
        )

    confirmed = await once()
    if confirmed.outcome == "payer_unknown":
        await bind(till, holder.card, confirmed.profile)
        confirmed = await once()
    if confirmed.outcome == "ok" and confirmed.bank is not None:
        debit = Debit(
            confirmed.bank_ref or "",
            account_of(till, confirmed.profile),
            confirmed.amount or 0,
            confirmed.subject or "",
        )
        await ask(till, confirmed.bank, attempt, debit)
    elif confirmed.outcome != "retry":
        raise _refusal(till, confirmed, level)
    return await order(till, holder, number)


def _refusal(till: Till, confirmed: store.Confirmed, level: int) -> EcardError:
    match confirmed.outcome:
        case "not_waiting":
            return OrderNotWaiting(state=confirmed.state)
        case "level":
            return LevelTooLow(required=level)
        case "bank_unavailable":
            return why_not(till.banks, confirmed.bank or "")
        case outcome:
            return _REFUSALS.get(outcome, VisitRefused)()


async def decline(till: Till, holder: Holder, number: UUID) -> MyOrder:
    """Refuse a charge that waits for this holder; once more changes nothing. Raises NotFound, OrderNotWaiting."""
    async with begin(till.runtime.pool) as tx:
        outcome, state = await store.close(tx, number, card=holder.card)
        if outcome == "not_found":
            raise NotFound
        if outcome == "not_waiting":
            raise OrderNotWaiting(state=state)
    return await order(till, holder, number)


async def order(till: Till, holder: Holder, number: UUID) -> MyOrder:
    """Return an order that this holder pays or paid, or an open one that any holder may pay; raises NotFound."""
    row = await store.mine(till.runtime.pool, number)
    if row is None or (row["payer"] != holder.card and not (row["payer"] is None and row["state"] == "created")):
        raise NotFound
    return mine(row)


async def orders(till: Till, holder: Holder, before: datetime.datetime | None, limit: int) -> list[MyOrder]:
    """Return the holder's orders, youngest first: those that wait for the password among them."""
    until = before or datetime.datetime.fromtimestamp(till.runtime.clock.time() + 60, datetime.UTC)
    return [mine(row) for row in await store.latest(till.runtime.pool, holder.card, until, limit)]


async def agree(till: Till, holder: Holder, terms: PayerTerms) -> None:
    """Note the terms that the holder agrees to, with a proof of the password; raises BusiSeqUnknown."""
    async with begin(till.runtime.pool) as tx:
        await password.spend(tx, terms.busi_seq, holder.actor)
        await store.agree(tx, holder.card, terms.free_each, terms.free_times, terms.agreed)
        detail: dict[str, object] = {
            "free_each": terms.free_each,
            "free_times": terms.free_times,
            "agreed": terms.agreed,
        }
        await audit.insert(tx, kind="payment_terms", outcome="ok", actor=holder.actor, card=holder.card, detail=detail)


def mine(row: Any) -> MyOrder:
    """Return an order as its payer sees it."""
    return MyOrder(
        id=row["id"],
        merchant=row["merchant"],
        item=row["item"],
        subject=row["subject"],
        kind=OrderKind(row["kind"]),
        state=OrderState(row["state"]),
        amount=row["amount"],
        refunded=row["refunded"],
        created_at=int(row["created_at"].timestamp()),
        expires_at=_unix(row["expires_at"]),
        paid_at=_unix(row["paid_at"]),
    )


def _unix(at: datetime.datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())
