"""Why an order is not made, confirmed, closed or refunded. Each leaves everything as it was.

by the merchant     OutTradeNoUsed · ItemNotAllowed · OverOrderLimit · OutRefundNoUsed · OverRefund · BalanceShort
by the holder       OverDayLimit · UseDisputed
by the order        OrderNotWaiting · OrderExpired · NotRefundable
"""

from ecard.errors import Conflict, EcardError, Forbidden, Text


class OutTradeNoUsed(Conflict):
    """The merchant's number belongs to another order; `order` and `state` say which and how it stands."""

    code = "out_trade_no_used"
    title = Text("商户订单号已使用", "The merchant's order number is used")
    action = Text(
        "若在重试, 请使用原 Idempotency-Key 与原请求体; 新订单请用新的订单号。",
        "To retry, send the same Idempotency-Key and body; for a new order, use a new number.",
    )


class ItemNotAllowed(Forbidden):
    """The merchant is not registered for this item."""

    code = "item_not_allowed"
    title = Text("该商户不可收取此事项的费用", "The merchant may not charge for this item")
    action = Text("请使用登记时允许的事项。", "Use an item that it was registered for.")


class OverOrderLimit(EcardError):
    """The amount is above the most that this merchant may take at once."""

    status = 422
    code = "over_order_limit"
    title = Text("超过商户单笔限额", "Above the merchant's limit for one order")
    action = Text("请核对金额。", "Check the amount.")


class OverDayLimit(Conflict):
    """The holder's limit of the day for evidence of this class is reached (银发〔2017〕296号)."""

    code = "over_day_limit"
    title = Text("超过持卡人当日累计限额", "Above the holder's limit of the day")
    action = Text(
        "请持卡人改用更强的验证方式 (密码), 或以其他方式付款。",
        "The holder may prove more (the password), or pay by other means.",
    )


class UseDisputed(Conflict):
    """The holder disputed the use of the card that the charge came of."""

    code = "use_disputed"
    title = Text("持卡人已对该次用卡提出异议", "The holder disputed this use of the card")
    action = Text("请与持卡人核实。", "Settle it with the holder.")


class OrderNotWaiting(Conflict):
    """The order does not wait for anybody any more; `state` says how it stands."""

    code = "order_not_waiting"
    title = Text("订单已不在等待付款的状态", "The order does not wait for a payment any more")
    action = Text("请按 state 处理。", "See state.")


class OrderExpired(Conflict):
    """The time to confirm the order is over."""

    code = "order_expired"
    title = Text("订单已过期", "The order has expired")
    action = Text("请商户重新下单。", "Ask the merchant for a new order.")


class NotRefundable(Conflict):
    """The order was not paid, or not yet; `state` says how it stands."""

    code = "order_not_refundable"
    title = Text("订单当前不可退款", "The order cannot be refunded in its state")
    action = Text("请在订单支付成功后退款。", "Refund an order that is paid.")


class OverRefund(Conflict):
    """More than is left of what was paid; `refundable` is that, 分."""

    code = "over_refund"
    title = Text("退款金额超过可退金额", "More than is left to refund")
    action = Text("退款不得超过 refundable (分)。", "Refund at most refundable (分).")


class OutRefundNoUsed(Conflict):
    """The merchant's refund number was used for this order with another key."""

    code = "out_refund_no_used"
    title = Text("商户退款号已使用", "The merchant's refund number is used")
    action = Text(
        "若在重试, 请使用原 Idempotency-Key 与原请求体; 新退款请用新的退款号。",
        "To retry, send the same Idempotency-Key and body; for a new refund, use a new number.",
    )


class BalanceShort(Conflict):
    """The merchant's balance, less what is settled and held, does not cover the refund."""

    code = "merchant_balance_short"
    title = Text("商户可用余额不足", "The merchant's balance does not cover it")
    action = Text("待有新的收款入账后再退款。", "Refund when new payments have come in.")
