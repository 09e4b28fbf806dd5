"""Orders on the merchant's side: a holder's code charged at the till, an order opened, queried, closed."""

import datetime
from hashlib import sha256
from uuid import UUID

from ecard.audit import store as audit
from ecard.callers import Terminal
from ecard.catalogue.model import Catalogue, Item
from ecard.db import Db, Tx, begin
from ecard.desk.errors import CardSuspended, DeviceUnbound, LevelTooLow, NotActing, Replayed, VisitRefused
from ecard.desk.model import Evidence
from ecard.errors import EcardError, NotFound
from ecard.guards import KeyRevoked
from ecard.idempotency import InFlight, KeyReused
from ecard.ids import new_id
from pay.banks.bank import Debit
from pay.banks.errors import BankUnknown
from pay.merchants.errors import MerchantSuspended, NotAMerchant
from pay.merchants.model import check_payable
from pay.orders import store
from pay.orders.asking import Till, account_of, ask, bind, open_banks, why_not
from pay.orders.errors import ItemNotAllowed, OrderNotWaiting, OutTradeNoUsed, OverDayLimit, OverOrderLimit
from pay.orders.model import CONFIRM_SECONDS, IN_FLIGHT_SECONDS, NUMBER, OrderKind, OrderState, check_evidence, class_of
from pay.orders.schemas import ChargeRequest, Order, OrderRequest

_REFUSALS: dict[str, type[EcardError]] = {
    "taken": OutTradeNoUsed,
    "not_merchant": NotAMerchant,
    "merchant_suspended": MerchantSuspended,
    "item_not_allowed": ItemNotAllowed,
    "over_order_limit": OverOrderLimit,
    "over_day_limit": OverDayLimit,
    "payer_unknown": BankUnknown,
    "key_reused": KeyReused,
    "suspended": CardSuspended,
    "device_revoked": DeviceUnbound,
    "not_acting": NotActing,
    "terminal_revoked": KeyRevoked,
}


async def charge(till: Till, asked: ChargeRequest, by: Terminal, *, key: str, body: bytes) -> tuple[Order, bool]:
    """Charge the holder whose code was scanned at terminal `by`; return the order, and whether this is a retry.

    The order, the use of the code and the bank's attempt are committed before the bank is asked. The same request
    (key and body) is for ever answered with how its order stands, and with InFlight while the first is under way.
    A refusal leaves an audit row and no effect; a payment that the bank declines has spent its code.
    """
    body_sha256 = sha256(body).digest()
    try:
        item, evidence, confirm = await _present(till, asked, by)
        charged = await _charge(till, asked, by, item, evidence, confirm=confirm, key=key, body_sha256=body_sha256)
    except EcardError as refusal:
        # The code may have expired, or the merchant been suspended, since the answer that the till did not get.
        before = await _again(till, by, asked.out_trade_no, key, body_sha256, refusal)
        if before is None:
            raise
        return before, True
    return charged, False


async def _present(till: Till, asked: ChargeRequest, by: Terminal) -> tuple[Item, Evidence, bool]:
    """Return item and evidence, which the catalogue lets pay here, and whether the password must follow."""
    item = None
    try:
        item = till.desk.catalogue.get(asked.item)
        check_payable(item)
        evidence = await till.desk.read(asked.evidence, item, by)
        return item, evidence, check_evidence(item, evidence, by.setting)
    except EcardError as refusal:
        await audit.insert(
            till.runtime.pool, kind="charge", outcome=refusal.code, actor=by.actor, item=item.code if item else None
        )
        raise


async def _charge(
    till: Till,
    asked: ChargeRequest,
    by: Terminal,
    item: Item,
    evidence: Evidence,
    *,
    confirm: bool,
    key: str,
    body_sha256: bytes,
) -> Order:
    claim = store.Charge(
        id=new_id(),
        attempt=new_id(),
        terminal=by.actor,
        merchant=by.agency,
        request_id=key,
        body_sha256=body_sha256,
        out_trade_no=asked.out_trade_no,
        amount=asked.amount,
        subject=asked.subject,
        item=item.code,
        level=item.level,
        confirm=confirm,
        confirm_seconds=CONFIRM_SECONDS,
        banks=open_banks(till.banks),
        evidence_class=class_of(evidence),
    )
    charged = await store.charge(till.runtime.pool, claim, evidence)
    if charged.outcome == "payer_unknown":
        await bind(till, evidence.card, charged.profile)
        charged = await store.charge(till.runtime.pool, claim, evidence)
    if charged.outcome != "ok" or charged.state is None:
        raise _refusal(till, charged, item)
    state, paid_at, reason = charged.state, None, None
    if charged.bank is not None and charged.bank_ref is not None:
        debit = Debit(charged.bank_ref, account_of(till, charged.profile), asked.amount, asked.subject)
        booked, answer = await ask(till, charged.bank, claim.attempt, debit)
        state, paid_at = booked.state or state, booked.paid_at
        reason = answer.code if state is OrderState.FAILED else None
    return Order(
        id=claim.id,
        out_trade_no=asked.out_trade_no,
        item=item.code,
        subject=asked.subject,
        kind=OrderKind.CODE,
        state=state,
        amount=asked.amount,
        refunded=0,
        created_at=int(charged.at.timestamp()),
        expires_at=_unix(charged.expires_at),
        paid_at=_unix(paid_at),
        reason=reason,
    )


def _refusal(till: Till, charged: store.Charged, item: Item) -> EcardError:
    match charged.outcome:
        case "replayed":
            return Replayed(**({"first_at": charged.first_at.isoformat()} if charged.first_at else {}))
        case "level":
            return LevelTooLow(required=item.level)
        case "bank_unavailable":
            return why_not(till.banks, charged.bank or "")
        case outcome:
            return _REFUSALS.get(outcome, VisitRefused)()


async def _again(
    till: Till, by: Terminal, out_trade_no: str, key: str, body_sha256: bytes, refusal: EcardError
) -> Order | None:
    """Return the order that this very request made, None if it made none.

    Raises KeyReused, InFlight, and OutTradeNoUsed with the other order where that is the refusal.
    """
    known = await store.by_number(till.runtime.pool, by.agency, out_trade_no, IN_FLIGHT_SECONDS)
    if known is None:
        return None
    if (known.terminal, known.request_id) == (by.actor, key):
        if known.body_sha256 != body_sha256:
            raise KeyReused
        if known.in_flight:
            raise InFlight(headers={"Retry-After": "1"})
        return view(known)
    if isinstance(refusal, OutTradeNoUsed):
        raise _used_by(known)
    return None


def _used_by(known: store.Known) -> OutTradeNoUsed:
    return OutTradeNoUsed(order=str(known.id), state=known.state.value)


async def open_order(
    tx: Tx,
    catalogue: Catalogue,
    asked: OrderRequest,
    *,
    merchant: UUID,
    kind: OrderKind,
    key: str,
    body: bytes,
    terminal: UUID | None = None,
) -> Order:
    """Make an order that waits for a holder: in an app, behind an order code, for a bill, a ride, a cash leg.

    Raises ItemUnknown, ItemNotPayable, NotAMerchant, MerchantSuspended, ItemNotAllowed, OverOrderLimit and
    OutTradeNoUsed.
    """
    item = catalogue.get(asked.item)
    if kind not in {OrderKind.RIDE, OrderKind.MEDICAL}:
        check_payable(item)
    outcome, order = await store.open_order(
        tx,
        new_id(),
        merchant,
        terminal,
        key,
        sha256(body).digest(),
        asked.out_trade_no,
        asked.amount,
        asked.subject,
        item.code,
        kind.value,
        asked.expires_in,
    )
    if outcome == "taken":
        known = await store.by_number(tx, merchant, asked.out_trade_no, 0)
        raise OutTradeNoUsed if known is None else _used_by(known)
    if outcome != "ok" or order is None:
        raise _REFUSALS.get(outcome, VisitRefused)
    return view(order)


async def order(db: Db, by: Terminal, number: UUID) -> Order:
    """Return an order of the terminal's agency; raises NotFound."""
    return view(_of(await store.find(db, number), by))


async def order_by_number(db: Db, by: Terminal, out_trade_no: str) -> Order:
    """Return an order of the terminal's agency by its own number; raises NotFound."""
    if not NUMBER.fullmatch(out_trade_no):
        raise NotFound
    return view(_of(await store.by_number(db, by.agency, out_trade_no, 0), by))


async def close(till: Till, by: Terminal, number: UUID) -> Order:
    """End an order that waits for its holder; closing it again changes nothing. Raises NotFound, OrderNotWaiting."""
    async with begin(till.runtime.pool) as tx:
        outcome, state = await store.close(tx, number, merchant=by.agency)
        if outcome == "not_found":
            raise NotFound
        if outcome == "not_waiting":
            raise OrderNotWaiting(state=state)
        return await order(tx, by, number)


def view(known: store.Known) -> Order:
    """Return an order as its merchant sees it."""
    return Order(
        id=known.id,
        out_trade_no=known.out_trade_no,
        item=known.item,
        subject=known.subject,
        kind=known.kind,
        state=known.state,
        amount=known.amount,
        refunded=known.refunded,
        created_at=int(known.created_at.timestamp()),
        expires_at=_unix(known.expires_at),
        paid_at=_unix(known.paid_at),
        reason=known.raw_code if known.state is OrderState.FAILED else None,
    )


def _of(known: store.Known | None, by: Terminal) -> store.Known:
    if known is None or known.merchant != by.agency:
        raise NotFound
    return known


def _unix(at: datetime.datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())
