"""Why a bill is not found or not paid."""

from ecard.errors import Conflict, EcardError, NotFound, Text, Unavailable


class BillerUnknown(NotFound):
    """No such biller, or it does not take this item."""

    code = "biller_unknown"
    title = Text("没有该收费单位, 或其不收取该事项", "No such biller, or not for this item")
    action = Text("请从 GET /v1/billers 的列表中选择。", "Choose one from GET /v1/billers.")


class BillerRefused(EcardError):
    """The biller's address is not one that we call."""

    status = 422
    code = "biller_refused"
    title = Text("收费单位的接口地址不可用", "The biller's address is not accepted")
    action = Text("请登记 https 地址。", "Register an https address.")


class BillerSilent(Unavailable):
    """The agency did not answer in time, or not in the agreed form; nothing was done."""

    code = "biller_silent"
    title = Text("收费单位暂未应答", "The biller does not answer")
    action = Text("未产生任何扣款, 请稍后重试。", "No money was taken; try again later.")


class AccountUnknown(NotFound):
    """The agency knows no account or notice of this number."""

    code = "account_unknown"
    title = Text("收费单位查无此户号或单号", "The biller knows no such account or notice")
    action = Text("请核对户号、单号。", "Check the account or notice number.")


class BillPaidElsewhere(Conflict):
    """The bill was paid at the agency by other means: no money is taken, or what was taken goes back."""

    code = "bill_paid_elsewhere"
    title = Text("该账单已通过其他方式缴清", "The bill was paid elsewhere")
    action = Text("无需再缴; 如已扣款, 将原路退回。", "Nothing is due; money that was taken is refunded.")


class BillChanged(Conflict):
    """The agency's bill is no longer the one that was shown; `amount` is what it asks now (fen)."""

    code = "bill_changed"
    title = Text("账单内容已变化", "The bill has changed")
    action = Text("请重新查询账单并确认金额。", "Look the bill up again and confirm its amount.")


class BillInPayment(Conflict):
    """Somebody is paying this bill, or has paid it here."""

    code = "bill_in_payment"
    title = Text("该账单正在缴纳或已缴纳", "The bill is being paid, or is paid")
    action = Text("请稍后查询账单状态。", "Look at the bill again in a while.")
