"""The JSON of orders and refunds. Amounts are 分, times Unix seconds."""

from typing import Annotated
from uuid import UUID

import msgspec

from ecard.access.schemas import Body, Name
from ecard.desk.schemas import EvidenceRequest
from pay.merchants.model import Amount
from pay.merchants.schemas import ItemCode
from pay.orders.model import NUMBER, OrderKind, OrderState, RefundState

Number = Annotated[
    str,
    msgspec.Meta(
        pattern=f"^{NUMBER.pattern}(?!\\n)$",
        description="商户自编号 (the merchant's own number): letters, digits, - and _",
    ),
]


class ChargeRequest(Body, frozen=True, kw_only=True):
    """A holder is at the till and showed a code of scene pay, or its 19 digits."""

    item: ItemCode
    evidence: EvidenceRequest
    out_trade_no: Number
    amount: Amount
    subject: Name


class OrderRequest(Body, frozen=True, kw_only=True):
    """An order that a holder shall confirm in the app within `expires_in` seconds."""

    item: ItemCode
    out_trade_no: Number
    amount: Amount
    subject: Name
    expires_in: Annotated[int, msgspec.Meta(ge=60, le=86400)] = 900


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order as its merchant sees it. `reason` is the bank's code where it declined.

    `user_confirming`, `processing`, `unknown` and `reversing` are under way: ask again, and never charge anew
    under another number before the order has ended.
    """

    id: UUID
    out_trade_no: str
    item: str
    subject: str
    kind: OrderKind
    state: OrderState
    amount: int
    refunded: int
    created_at: int
    expires_at: int | None = None
    paid_at: int | None = None
    reason: str | None = None


class MyOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order as its payer sees it: to whom, for what, how much."""

    id: UUID
    merchant: str
    item: str
    subject: str
    kind: OrderKind
    state: OrderState
    amount: int
    refunded: int
    created_at: int
    expires_at: int | None = None
    paid_at: int | None = None


class WaitingOrders(msgspec.Struct, frozen=True, kw_only=True):
    """The orders that wait for this holder's password; `mark` stands for just these and is given with the next call."""

    mark: str
    orders: list[MyOrder]


class Confirmation(Body, frozen=True, kw_only=True):
    """The holder's yes, with a proof of the password (`POST /v1/me/verifications`) that is used up by it."""

    busi_seq: UUID


class RefundRequest(Body, frozen=True, kw_only=True):
    """Money to be given back: all of the order, or a part of it."""

    out_refund_no: Number
    amount: Amount
    reason: Name


class Refund(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A refund; `processing` and `unknown` are under way, and `failed` left the money with the merchant."""

    id: UUID
    order: UUID
    out_refund_no: str
    amount: int
    reason: str
    state: RefundState
    created_at: int
    done_at: int | None = None


class PayerTerms(Body, frozen=True, kw_only=True):
    """What a holder agrees to (分): small payments without the password, each and how many a day; class A a day."""

    busi_seq: UUID
    free_each: Annotated[int, msgspec.Meta(ge=0, le=100_000)]
    free_times: Annotated[int, msgspec.Meta(ge=0, le=50)]
    agreed: Annotated[int, msgspec.Meta(ge=0, le=100_000_000)] = 0
