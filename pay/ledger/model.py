"""What the ledger is made of, pure.

科目 (book), 账户 (account), 凭证 (journal), 分录 (entry), 冻结 (hold). One sign everywhere: + is credit, what came
to the account or is owed to its owner; − is debit. Amounts are integers in the account's unit: 分, pieces, minutes.
"""

from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import msgspec

from ecard.merkle import Leaf, digest

CNY = "CNY"
"""Money, in 分."""
VHOUR = "VHOUR"
"""志愿服务时长 (volunteer time): whole minutes."""


def voucher(programme: str) -> str:
    """Return the unit of a programme's vouchers."""
    return f"VOUCHER/{programme}"


class Book(StrEnum):
    """What an account is for; the terms of each stand in the table `book`."""

    BANK_CLEARING = "bank_clearing"
    SETTLEMENT_CLEARING = "settlement_clearing"
    MERCHANT_PAYABLE = "merchant_payable"
    FUND = "fund"
    ESCROW = "escrow"
    WALLET = "wallet"
    FEE = "fee"
    SUBSIDY = "subsidy"
    RECEIVABLE = "receivable"
    ROUNDING = "rounding"
    SUSPENSE = "suspense"
    ISSUE = "issue"


class Leg(msgspec.Struct, frozen=True, array_like=True):
    """One line of a journal."""

    account: UUID
    amount: int


class Balance(msgspec.Struct, frozen=True):
    """What an account holds, appended legs included; `available` is None where no floor stops it."""

    balance: int
    held: int
    available: int | None
    pending: int


class Posted(NamedTuple):
    """A leg as it is hashed into its period: fields cannot be reordered or deleted, only appended."""

    xid: int
    n: int
    journal: str
    kind: str
    ref_kind: str
    ref: str
    reverses: str | None
    at_us: int
    account: str
    unit: str
    amount: int


def leaf(posted: Posted) -> Leaf:
    """Return the leaf of a posted leg."""
    return Leaf(posted.xid, posted.n, digest(posted))
