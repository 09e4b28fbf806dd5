"""缴费: what a biller answers, what of it is kept, and which moves a bill has; pure.

biller 收费单位 · account 户号 / 单号 · bill 账单 · inquiry 查询 · mark paid 销账.

    open ──order──▶ ordered ──paid──▶ paid ──agency heard──▶ marked
      ▲                │                └──paid there before──▶ elsewhere (money goes back)
      └──failed, closed┘       open ──paid there before──▶ elsewhere
"""

from enum import StrEnum
from typing import Annotated, Protocol
from uuid import UUID

import msgspec

MAX_AMOUNT = 10_000_000_00
"""分 of the largest bill."""
MAX_BILLS = 50
"""Bills that an agency may answer for one account."""
Amount = Annotated[int, msgspec.Meta(ge=1, le=MAX_AMOUNT)]
Number = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=r"^[0-9A-Za-z-]+(?!\n)$")]
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+(?!\n)$")]


class BillState(StrEnum):
    """Where a bill stands here."""

    OPEN = "open"
    ORDERED = "ordered"
    PAID = "paid"
    MARKED = "marked"
    ELSEWHERE = "elsewhere"


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """A bill as its agency says it: amount in 分, `due` a date (RFC 3339) where there is one."""

    bill_no: Number
    title: Line
    amount: Amount
    due: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(?!\n)$")] | None = None

    def snapshot(self) -> bytes:
        """Return the bytes that say what was shown: always the same for the same bill."""
        return msgspec.json.encode((self.bill_no, self.title, self.amount, self.due))


class Paid(msgspec.Struct, frozen=True, kw_only=True):
    """What an agency is told: bill, amount in 分, when (Unix seconds), and the order, by which it does it once."""

    order: UUID
    bill_no: str
    amount: int
    paid_at: int


class Marked(StrEnum):
    """What an agency made of it."""

    MARKED = "marked"
    """Noted; also when it was told the same order before."""
    ELSEWHERE = "paid_elsewhere"
    """The bill was paid by other means before: the money must go back."""


class Silent(Exception):
    """The agency did not answer, or not in the agreed form: what became of it is unknown, and it is asked again."""


class Biller(Protocol):
    """An agency that bills. Two implementations: over HTTP, and a simulator behind the same HTTP."""

    async def inquire(self, account: str) -> list[Owed] | None:
        """Return what is owed on an account, None when there is no such account; raises Silent."""
        ...

    async def mark_paid(self, paid: Paid) -> Marked:
        """Tell that a bill is paid; may be told again, so the agency goes by the order's id. Raises Silent."""
        ...
