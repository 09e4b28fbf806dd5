"""商户 (merchant) and amounts; pure.

An amount is a whole number of 分. A merchant category is ISO 18245's four digits (EMVCo tag 52).
"""

from typing import Annotated

import msgspec

from ecard.catalogue.model import Flow, Item
from pay.merchants.errors import ItemNotPayable

LARGEST = 999_999_999_999
"""The largest amount of an order, 分: just under ten thousand million yuan; the tables' checks name it too."""

Amount = Annotated[int, msgspec.Meta(ge=1, le=LARGEST, description="金额, 单位分 (in 分)")]


def check_payable(item: Item) -> None:
    """Check that `item` is one that is paid for; raises ItemNotPayable."""
    if item.flow is not Flow.PAY:
        raise ItemNotPayable


def check_chargeable(item: Item) -> None:
    """Check that a merchant may be registered for `item`: paid for, ridden, or settled; raises ItemNotPayable."""
    if item.flow not in {Flow.RIDE, Flow.SETTLE}:
        check_payable(item)


def masked(account: str) -> str:
    """Return the last four digits of an account, the rest as stars."""
    return "*" * (len(account) - 4) + account[-4:]
