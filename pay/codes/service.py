"""A merchant shows an order code; a holder scans it, and is told what it would pay."""

from uuid import UUID

from ecard.callers import Holder, Terminal
from ecard.catalogue.model import Catalogue
from ecard.db import Db, Tx
from ecard.errors import Invalid, NotFound
from ecard.ids import new_id
from pay.codes import store
from pay.codes.errors import AmountFixed, OrderCodeAltered, OrderCodeEnded
from pay.codes.model import CodeKind, OrderCode, parse, text
from pay.codes.schemas import OrderCodeAnswer, OrderCodeRequest, OrderCodeScan, ScannedOrder
from pay.merchants.errors import NotAMerchant
from pay.merchants.model import check_payable
from pay.orders.errors import ItemNotAllowed
from pay.orders.model import OrderKind
from pay.orders.schemas import OrderRequest
from pay.orders.service import open_order

_STATIC_SECONDS = 900
"""Seconds that a payer has to confirm what was typed at a static code."""


async def show(
    tx: Tx, catalogue: Catalogue, asked: OrderCodeRequest, by: Terminal, *, key: str, body: bytes
) -> OrderCodeAnswer:
    """Return the code of a new order, or a static one.

    Raises Invalid (an amount without a number, or the other way round), NotAMerchant, ItemUnknown, ItemNotPayable,
    ItemNotAllowed, MerchantSuspended, OverOrderLimit, OutTradeNoUsed.
    """
    if (asked.amount is None) != (asked.out_trade_no is None):
        raise Invalid(pointer="/amount" if asked.amount is None else "/out_trade_no")
    check_payable(catalogue.get(asked.item))
    payee = await store.payee(tx, by.agency)
    if payee is None:
        raise NotAMerchant
    if asked.item not in payee.items:
        raise ItemNotAllowed
    order, expires_at = None, None
    if asked.amount is not None and asked.out_trade_no is not None:
        wanted = OrderRequest(
            item=asked.item,
            out_trade_no=asked.out_trade_no,
            amount=asked.amount,
            subject=asked.subject,
            expires_in=asked.expires_in,
        )
        made = await open_order(
            tx,
            catalogue,
            wanted,
            merchant=by.agency,
            kind=OrderKind.ORDER_CODE,
            key=key,
            body=body,
            terminal=by.actor,
        )
        order, expires_at = made.id, made.expires_at
    code, kind = new_id(), CodeKind.STATIC if order is None else CodeKind.DYNAMIC
    await store.add(tx, code, by.agency, by.actor, kind.value, asked.item, asked.subject, order)
    said = OrderCode(id=code, kind=kind, amount=asked.amount, category=payee.category, name=payee.name, city=by.region)
    return OrderCodeAnswer(id=code, kind=kind, text=text(said), order=order, expires_at=expires_at)


async def end(db: Db, by: Terminal, code: UUID) -> None:
    """Withdraw a code of this merchant: scans of it are refused from now on; raises NotFound."""
    if not await store.end(db, code, by.agency):
        raise NotFound


async def scan(
    tx: Tx, catalogue: Catalogue, asked: OrderCodeScan, holder: Holder, *, key: str, body: bytes
) -> ScannedOrder:
    """Return what a scanned code would pay; with a static one and an amount, its order is made for this holder.

    Raises the errors of `pay.codes.errors` and those of `open_order`.
    """
    said = parse(asked.text)
    known = await store.find(tx, said.id)
    if known is None:
        raise NotFound
    if (known.kind, known.amount) != (said.kind.value, said.amount):
        raise OrderCodeAltered
    if known.ended or known.payer not in {None, holder.card}:
        raise OrderCodeEnded
    if said.kind is CodeKind.DYNAMIC and asked.amount is not None:
        raise AmountFixed
    order = known.order_id
    if said.kind is CodeKind.STATIC and asked.amount is not None:
        wanted = OrderRequest(
            item=known.item,
            out_trade_no=new_id().hex,
            amount=asked.amount,
            subject=known.subject,
            expires_in=_STATIC_SECONDS,
        )
        made = await open_order(
            tx,
            catalogue,
            wanted,
            merchant=known.merchant,
            kind=OrderKind.STATIC_CODE,
            key=key,
            body=body,
            terminal=known.terminal,
        )
        order = made.id
        await store.hold(tx, order, holder.card)
    return ScannedOrder(
        kind=said.kind,
        merchant=known.name,
        item=known.item,
        subject=known.subject,
        amount=known.amount or asked.amount,
        order=order,
    )
