"""The JSON of billers and bills. Amounts are 分."""

from typing import Annotated
from uuid import UUID

import msgspec

from ecard.access.schemas import Body
from pay.bills.model import BillState, Number
from pay.merchants.schemas import ItemCode


class BillerRequest(Body, frozen=True, kw_only=True):
    """A merchant whose bills are looked up at its own server, for which of its items."""

    merchant: UUID
    url: Annotated[str, msgspec.Meta(min_length=8, max_length=512)]
    items: Annotated[list[ItemCode], msgspec.Meta(min_length=1, max_length=16)]


class BillerAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A registered biller, and the key (hexadecimal) that its server shares with us; it is shown once."""

    merchant: UUID
    key: str


class BillerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A biller as holders choose it."""

    id: UUID
    name: str
    items: list[str]


class InquiryRequest(Body, frozen=True, kw_only=True):
    """Asks a biller what is owed for an item on an account or notice."""

    biller: UUID
    item: ItemCode
    account: Number


class Bill(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A bill as its holder sees it; `order` is the one that pays for it."""

    id: UUID
    biller: str
    item: str
    bill_no: str
    title: str
    amount: int
    due: str | None = None
    state: BillState
    order: UUID | None = None


class BillOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The order to confirm with the password, and its amount in 分."""

    order: UUID
    amount: int
