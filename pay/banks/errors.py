"""Why a bank is not asked, and why something about one is refused."""

from ecard.errors import Conflict, Forbidden, Invalid, Text, Unauthenticated, Unavailable


class BankUnknown(Conflict):
    """The card's bank is not connected here, or is switched off."""

    code = "bank_unknown"
    title = Text("该卡的银行未接入", "The card's bank is not connected")
    action = Text("请使用其他支付方式。", "Pay by other means.")


class BankUnavailable(Unavailable):
    """The bank does not answer at present; nothing was written, and the code is not spent."""

    code = "bank_unavailable"
    title = Text("银行暂时无响应", "The bank does not answer at present")
    action = Text(
        "付款码未被使用; 请改用其他支付方式, 或按 Retry-After 稍后再试。",
        "The code is not spent: pay by other means, or try again after Retry-After.",
    )


class BankExists(Conflict):
    """A bank of this code or name is registered."""

    code = "bank_exists"
    title = Text("银行代码或名称已登记", "A bank of this code or name is registered")
    action = Text("请改用 ecard banks change 修改。", "Change it with `ecard banks change`.")


class LadderRefused(Invalid):
    """The figures of a ladder contradict each other; `reason` names one."""

    code = "ladder_refused"
    title = Text("查询与撤销的时间相互矛盾", "The times of query and reversal contradict each other")
    action = Text(
        "timeout 须小于 first_query, reverse_after 不小于 first_query, suspend_after 大于 reverse_after。",
        "timeout < first_query ≤ reverse_after < suspend_after.",
    )


class NotificationUnsigned(Unauthenticated):
    """A notification is not signed by the bank that its path names, or too old."""

    code = "notification_unsigned"
    title = Text("通知未通过签名验证", "The notification's signature does not verify")
    action = Text(
        "请以登记的密钥签名, 时间与本系统相差不超过 30 秒。", "Sign with the registered key, within 30 s of our time."
    )


class AttemptDecided(Conflict):
    """The attempt is not suspended, or no longer."""

    code = "attempt_decided"
    title = Text("该笔交易不在挂账状态", "The attempt is not suspended")
    action = Text("请重新读取其状态。", "Read its state again.")


class FourEyes(Forbidden):
    """The one who proposed a decision cannot confirm it."""

    code = "four_eyes"
    title = Text("提议人不能复核", "Who proposed it cannot confirm it")
    action = Text("请由另一名财务操作员复核。", "Let another operator of finance confirm it.")


class ProposalDiffers(Conflict):
    """The decision differs from the one that was proposed."""

    code = "proposal_differs"
    title = Text("决定与提议不一致", "The decision is not the one that was proposed")
    action = Text("请先撤回提议, 再重新提议。", "Withdraw the proposal first, then propose again.")
