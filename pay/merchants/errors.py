"""Why a merchant is not registered, or may not take money."""

from ecard.errors import Conflict, EcardError, Forbidden, Text


class NotAMerchant(Forbidden):
    """The terminal's agency is not registered as a merchant."""

    code = "not_a_merchant"
    title = Text("该机构未登记为商户", "The agency is not registered as a merchant")
    action = Text("请由财务操作员登记商户。", "Ask an operator of role finance to register it as a merchant.")


class MerchantSuspended(Forbidden):
    """The merchant may take no money for now; queries and refunds go on."""

    code = "merchant_suspended"
    title = Text("该商户已暂停收款", "The merchant is suspended")
    action = Text("请联系平台财务。", "Ask the platform's finance operators.")


class MerchantExists(Conflict):
    """The agency is a merchant already."""

    code = "merchant_exists"
    title = Text("该机构已是商户", "The agency is a merchant already")
    action = Text("请在商户列表中查看。", "See the list of merchants.")


class ItemNotPayable(EcardError):
    """The item's flow is not payment: nothing is charged for it."""

    status = 422
    code = "item_not_payable"
    title = Text("该事项不是缴费事项", "The item is not one that is paid for")
    action = Text("请选择办理流程为 pay 的事项。", "Choose an item whose flow is pay.")


class LimitsContradict(EcardError):
    """A small payment without a password would be larger than the largest order."""

    status = 422
    code = "limits_contradict"
    title = Text("限额相互矛盾", "The limits contradict each other")
    action = Text(
        "小额免密限额不得高于单笔限额。", "Let the limit without a password be no higher than that of an order."
    )
