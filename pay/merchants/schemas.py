"""The JSON of merchants."""

from typing import Annotated
from uuid import UUID

import msgspec

from ecard.access.schemas import Body, Name
from pay.merchants.model import LARGEST, Amount

BankCode = Annotated[
    str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,16}(?!\n)$", description="银行代码 (the bank's code)")
]
Account = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{8,32}(?!\n)$", description="结算账号 (account number)")]
Category = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}(?!\n)$", description="ISO 18245, four digits")]
ItemCode = Annotated[str, msgspec.Meta(max_length=16)]


class MerchantRequest(Body, frozen=True, kw_only=True):
    """A registered agency that shall take money.

    `order_limit` is the most of one order, `small_free_limit` the most that it takes without a password from
    holders who agreed to that (分).
    """

    agency: UUID
    name: Name
    category: Category
    bank: BankCode
    bank_account: Account
    items: Annotated[list[ItemCode], msgspec.Meta(min_length=1, max_length=64)]
    order_limit: Amount
    small_free_limit: Annotated[int, msgspec.Meta(ge=0, le=LARGEST)] = 0


class Merchant(msgspec.Struct, frozen=True, kw_only=True):
    """A merchant as finance operators see it; of the account the last four digits."""

    agency: UUID
    name: str
    category: str
    bank: str
    bank_account: str
    items: list[str]
    order_limit: int
    small_free_limit: int
    suspended: bool


class MerchantState(Body, frozen=True, kw_only=True):
    """Whether the merchant is suspended: it takes no money then, while queries and refunds go on."""

    suspended: bool
