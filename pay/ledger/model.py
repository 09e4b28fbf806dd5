"""What the ledger is made of, pure.

科目 (book), 账户 (account), 凭证 (journal), 分录 (entry), 冻结 (hold). One sign everywhere: + is credit, what came
to the account or is owed to its owner; − is debit. Amounts are integers in the account's unit: 分, pieces, hours.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from uuid import UUID

import msgspec

CNY = "CNY"
"""Money, in 分."""
VHOUR = "VHOUR"
"""志愿服务时长 (volunteer time): whole hours."""


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


def uneven(legs: Iterable[Leg], units: Mapping[UUID, str]) -> dict[str, int]:
    """Return what is left over in each unit: of a journal that may be posted, nothing."""
    totals: dict[str, int] = {}
    for leg in legs:
        unit = units[leg.account]
        totals[unit] = totals.get(unit, 0) + leg.amount
    return {unit: total for unit, total in totals.items() if total}
