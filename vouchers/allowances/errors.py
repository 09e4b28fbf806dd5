"""Why no allowance is handed in."""

from ecard.errors import Conflict, NotFound, Text


class AllowanceUnset(NotFound):
    """The programme pays no allowance: its terms were never set."""

    code = "allowance_unset"
    title = Text("该项目未设生活费、交通费补贴", "This programme pays no allowance")
    action = Text("请先设定补贴标准。", "Set its terms first.")


class AllowanceTooEarly(Conflict):
    """The month is not over: who completes later in it would be left out."""

    code = "allowance_too_early"
    title = Text("该月尚未结束", "The month is not over")
    action = Text("请在次月提交。", "Hand it in when the month is over.")


class NothingDue(Conflict):
    """Nobody's training of this programme was passed in that month."""

    code = "allowance_nothing_due"
    title = Text("该月没有应发的补贴", "No allowance is due for that month")
    action = Text("请核对月份与审核情况。", "Check the month, and what was audited in it.")
