"""A holder looks a bill up and pays it: the agency is asked before anything is locked."""

import secrets
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import httpx
import msgspec

from auth.clients.model import address_allowed
from ecard.audit import store as audit
from ecard.callers import Holder, Operator
from ecard.catalogue.model import Catalogue
from ecard.db import Tx
from ecard.errors import NotFound
from ecard.ids import new_id
from ecard.limits import Limit
from ecard.runtime import Runtime
from pay.bills import store
from pay.bills.connector import HttpBiller
from pay.bills.errors import (
    AccountUnknown,
    BillChanged,
    BillerRefused,
    BillerSilent,
    BillerUnknown,
    BillInPayment,
    BillPaidElsewhere,
)
from pay.bills.model import Biller, BillState, Owed, Silent
from pay.bills.schemas import Bill, BillerAnswer, BillerEntry, BillerRequest, BillOrder, InquiryRequest
from pay.orders.model import OrderKind
from pay.orders.schemas import OrderRequest
from pay.orders.service import open_order

INQUIRIES = Limit("bill_inquiry", 20, 600, guarded=True)
"""Inquiries of a holder in ten minutes: other people's accounts must not be tried out."""
KEY, FACTS = "biller.key", "bill.facts"
_KEY_BYTES = 32


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is sealed of a bill: the account it was found by, and what the agency said."""

    account: str
    owed: Owed


class Office(NamedTuple):
    """What bills are looked up with."""

    runtime: Runtime
    catalogue: Catalogue
    http: httpx.AsyncClient

    def biller(self, connection: store.Connection) -> Biller:
        """Return the connector of a biller."""
        key = self.runtime.vault.open(KEY, connection.key)
        return HttpBiller(self.http, self.runtime.clock, connection.url, key)

    def blind(self, biller: UUID, bill_no: str) -> bytes:
        """Return the blind index of a biller's bill."""
        return self.runtime.vault.index("bill.number", f"{biller}\n{bill_no}")

    def snapshot(self, owed: Owed) -> bytes:
        """Return what is kept to know a bill again: a MAC, since a plain hash of it could be guessed."""
        return self.runtime.vault.mac("bill snapshot", owed.snapshot())

    def facts(self, sealed: bytes) -> Facts:
        """Return what is sealed of a bill."""
        return msgspec.json.decode(self.runtime.vault.open(FACTS, sealed), type=Facts)


async def register(tx: Tx, runtime: Runtime, asked: BillerRequest, by: Operator) -> BillerAnswer:
    """Register a merchant as a biller; raises BillerRefused, BillerUnknown (no such merchant, or not its items)."""
    if not address_allowed(asked.url, sandbox=runtime.settings.sandbox):
        raise BillerRefused(pointer="/url")
    key = secrets.token_bytes(_KEY_BYTES)
    if not await store.add(tx, asked.merchant, asked.url, runtime.vault.seal(KEY, key), asked.items):
        raise BillerUnknown(pointer="/merchant")
    detail: dict[str, object] = {"merchant": str(asked.merchant)}
    await audit.insert(tx, kind="biller_registered", outcome="ok", actor=by.actor, detail=detail)
    return BillerAnswer(merchant=asked.merchant, key=key.hex())


async def billers(runtime: Runtime) -> list[BillerEntry]:
    """Return the billers that take money now."""
    return [BillerEntry(**row) for row in await store.billers(runtime.pool)]


async def inquire(office: Office, holder: Holder, asked: InquiryRequest) -> list[Bill]:
    """Return what is owed on an account, and keep it as the holder's bills.

    Raises BillerUnknown, AccountUnknown, BillerSilent, TooMany.
    """
    runtime = office.runtime
    await runtime.limiter.hit(INQUIRIES, str(holder.actor))
    connection = await store.find(runtime.pool, asked.biller)
    if connection is None or asked.item not in connection.items:
        raise BillerUnknown
    owed = await _ask(office, connection, asked.account)
    indexes = []
    for one in owed:
        index = office.blind(asked.biller, one.bill_no)
        sealed = runtime.vault.seal(FACTS, msgspec.json.encode(Facts(account=asked.account, owed=one)))
        await store.seen(
            runtime.pool,
            new_id(),
            asked.biller,
            asked.item,
            holder.card,
            index,
            sealed,
            one.amount,
            office.snapshot(one),
        )
        indexes.append(index)
    return _bills(office, await store.by_index(runtime.pool, holder.card, asked.biller, indexes))


async def bills(office: Office, holder: Holder) -> list[Bill]:
    """Return the holder's bills, the last seen first."""
    return _bills(office, await store.bills(office.runtime.pool, holder.card))


async def check(office: Office, holder: Holder, number: UUID) -> store.Stored:
    """Ask the agency whether a bill is still what was shown, with nothing locked; return it.

    Raises NotFound, BillInPayment, BillPaidElsewhere, BillChanged, BillerUnknown, BillerSilent, AccountUnknown.
    """
    known = await store.bill(office.runtime.pool, number, holder.card)
    if known is None:
        raise NotFound
    if known.state == BillState.ELSEWHERE:
        raise BillPaidElsewhere
    if known.state != BillState.OPEN:
        raise BillInPayment
    connection = await store.find(office.runtime.pool, known.biller)
    if connection is None:
        raise BillerUnknown
    facts = office.facts(known.facts)
    owed = await _ask(office, connection, facts.account)
    now = next((one for one in owed if one.bill_no == facts.owed.bill_no), None)
    if now is None:
        await store.elsewhere(office.runtime.pool, number, BillState.OPEN)
        raise BillPaidElsewhere
    if office.snapshot(now) != known.snapshot_mac:
        raise BillChanged(amount=now.amount)
    return known


async def pay(tx: Tx, office: Office, holder: Holder, known: store.Stored, *, key: str, body: bytes) -> BillOrder:
    """Open the order for a bill that the agency has just confirmed; raises BillInPayment and what `open_order` does."""
    asked = OrderRequest(
        item=known.item, out_trade_no=new_id().hex, amount=known.amount, subject=office.facts(known.facts).owed.title
    )
    order = await open_order(
        tx, office.catalogue, asked, merchant=known.biller, kind=OrderKind.BILL, key=key, body=body
    )
    if not await store.ordered(tx, known.id, known.snapshot_mac, order.id, holder.card):
        raise BillInPayment
    return BillOrder(order=order.id, amount=known.amount)


async def _ask(office: Office, connection: store.Connection, account: str) -> list[Owed]:
    try:
        owed = await office.biller(connection).inquire(account)
    except Silent:
        raise BillerSilent(headers={"Retry-After": "5"}) from None
    if owed is None:
        raise AccountUnknown
    return owed


def _bills(office: Office, rows: Sequence[store.Stored]) -> list[Bill]:
    bills = []
    for row in rows:
        owed = office.facts(row.facts).owed
        bills.append(
            Bill(
                id=row.id,
                biller=row.name,
                item=row.item,
                bill_no=owed.bill_no,
                title=owed.title,
                amount=row.amount,
                due=owed.due,
                state=BillState(row.state),
                order=row.order_id,
            )
        )
    return bills
