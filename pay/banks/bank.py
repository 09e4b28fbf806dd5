"""银行 (bank): what is asked of one and what it may answer. The seam behind which every bank stands.

An answer is decided (done, declined, reversed) or it is not. A time-out, a broken line, a status of 500, bytes
that cannot be read or are not signed: all of these are UNKNOWN, never a refusal, because the bank may have
booked. Nothing here raises: what went wrong on the way is a `code`.
"""

from enum import StrEnum
from typing import Protocol

import msgspec


class Outcome(StrEnum):
    """What is known of an attempt; the value is that of `bank_attempt.outcome`."""

    OK = "ok"
    DECLINED = "failed"
    REVERSED = "reversed"
    UNKNOWN = "unknown"


NOT_FOUND = "not_found"
"""The bank knows no such reference: it may still be on its way there, so nothing is decided."""
PENDING = "pending"
"""The bank has taken it in and will decide later, at the latest on its next business day."""


class Answer(msgspec.Struct, frozen=True):
    """An outcome and the bank's own code for it, or what happened on the way ("timeout", "unverified" …)."""

    outcome: Outcome
    code: str = ""

    @property
    def heard(self) -> bool:
        """Whether the bank itself said this: one that answers "not found" is alive."""
        return self.outcome is not Outcome.UNKNOWN or self.code in {NOT_FOUND, PENDING}


class Debit(msgspec.Struct, frozen=True, tag_field="kind", tag="pay"):
    """Take `amount` 分 from an account; `ref` is ours, and the bank books it once however often it is asked."""

    ref: str
    account: str
    amount: int
    memo: str = ""

    def __repr__(self) -> str:
        """Return the reference alone: an account number belongs in no log."""
        return f"Debit({self.ref})"


class Credit(msgspec.Struct, frozen=True, tag_field="kind", tag="refund"):
    """Give back `amount` 分 of what was taken under the reference `of`."""

    ref: str
    of: str
    amount: int
    memo: str = ""


class Payout(msgspec.Struct, frozen=True, tag_field="kind", tag="payout"):
    """Pay `amount` 分 out to an account: a merchant's settlement, a benefit."""

    ref: str
    account: str
    amount: int
    name: str = ""
    memo: str = ""

    def __repr__(self) -> str:
        """Return the reference alone: an account number belongs in no log."""
        return f"Payout({self.ref})"


Ask = Debit | Credit | Payout


class Bank(Protocol):
    """One bank. Every method answers within its own time-out and raises nothing but cancellation."""

    async def pay(self, ask: Debit) -> Answer:
        """Take money; the same reference again is answered with what was decided."""
        ...

    async def refund(self, ask: Credit) -> Answer:
        """Give money back, never more than was taken."""
        ...

    async def payout(self, ask: Payout) -> Answer:
        """Pay money out."""
        ...

    async def query(self, ref: str) -> Answer:
        """Return what became of a reference."""
        ...

    async def reverse(self, ref: str) -> Answer:
        """Undo a payment whose outcome we do not know 撤销: REVERSED also bars a request that comes later.

        OK when it was booked and can no longer be undone, DECLINED when it had been declined.
        """
        ...


async def send(bank: Bank, ask: Ask) -> Answer:
    """Ask the bank for whatever `ask` is."""
    match ask:
        case Debit():
            return await bank.pay(ask)
        case Credit():
            return await bank.refund(ask)
        case Payout():
            return await bank.payout(ask)
