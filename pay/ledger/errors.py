"""What the ledger refuses, for whatever command asked.

    BalanceShort      an account would fall below its floor: an overdraft, a second redemption, an over-issue
    AmountRefused     zero, negative or beyond what any account may hold
    AlreadyReversed   a journal is reversed once
    HoldNotOpen       spent, given back, or its time is over
    HoldExceeded      more than was held
    ReceiptNotReady   posted, and not sealed yet
    ReceiptRefused    a receipt that proves nothing

The SQL functions raise these as SQLSTATE LG…; legs that do not balance or accounts that do not exist are faults of
ours and stay internal errors.
"""

from ecard.errors import Conflict, EcardError, Invalid, Text


class BalanceShort(Conflict):
    """The account does not hold as much, or has promised it elsewhere."""

    code = "balance_short"
    title = Text("账户余额不足", "The account's balance is too low")
    action = Text("请核对可用余额后重试; 未产生任何入账。", "Check what is available; nothing was posted.")


class AmountRefused(Invalid):
    """Not an amount: whole 分 (or pieces, or hours) from 1."""

    code = "amount_invalid"
    title = Text("金额不正确", "Not an amount")
    action = Text("金额须为正整数, 单位为分。", "Give a positive whole number of 分.")


class AlreadyReversed(Conflict):
    """A journal can be reversed once."""

    code = "journal_reversed"
    title = Text("该笔入账已冲正", "The posting was reversed already")
    action = Text("请查询原交易的当前状态, 不要再次冲正。", "Read the payment's state; do not reverse it again.")


class HoldNotOpen(Conflict):
    """The hold was spent, given back, or its time is over."""

    code = "hold_not_open"
    title = Text("冻结已被使用、解除或过期", "The hold was spent, given back or has expired")
    action = Text("请重新发起, 由系统重新冻结。", "Start again: a new hold will be made.")


class HoldExceeded(Conflict):
    """More than was held."""

    code = "hold_exceeded"
    title = Text("超出冻结金额", "More than was held")
    action = Text("使用金额不得超过冻结金额。", "Spend no more than was held.")


class ReceiptNotReady(Conflict):
    """What was posted is sealed within seconds; only then can it be proven."""

    code = "receipt_not_ready"
    title = Text("凭据尚未生成", "The receipt is not ready yet")
    action = Text("入账将在数秒内封存, 请按 Retry-After 稍后再取。", "Postings are sealed within seconds; come again.")


class ReceiptRefused(EcardError):
    """Not a receipt of this platform, or not as it was given; `reason` says which."""

    status = 422
    code = "receipt_refused"
    title = Text("凭据无效", "The receipt proves nothing")
    action = Text("请重新获取凭据, 并核对签名密钥。", "Fetch the receipt again, and check the keys.")


BY_SQLSTATE: dict[str, type[EcardError]] = {
    "LG001": BalanceShort,
    "LG003": AmountRefused,
    "LG006": AlreadyReversed,
    "LG007": HoldNotOpen,
    "LG008": HoldExceeded,
}
"""The refusals that the ledger's SQL functions raise."""
