"""Why a scanned order code is refused: each reason its own error, so that a phone knows what to say.

OrderCodeRefused
├── form:     OrderCodeMalformed · OrderCodeTruncated · OrderCodeTooLong · OrderCodeChecksum · OrderCodeVersion
└── content:  OrderCodeForeign · OrderCodeCurrency · OrderCodeAltered · OrderCodeEnded · AmountFixed
"""

from ecard.errors import EcardError, Text


class OrderCodeRefused(EcardError):
    """The scanned text names no order of this system."""

    status = 422
    code = "order_code_refused"
    title = Text("订单码不可用", "The order code cannot be used")
    action = Text("请商户重新出示订单码。", "Ask the merchant to show the order code again.")


class OrderCodeMalformed(OrderCodeRefused):
    """Not tag, length and value throughout; or a tag twice, out of place, or with a value of the wrong form."""

    code = "order_code_malformed"
    title = Text("不是商户订单码", "Not a merchant's order code")


class OrderCodeTruncated(OrderCodeRefused):
    """The text ends inside a value, or before its checksum."""

    code = "order_code_truncated"
    title = Text("订单码内容不完整", "The order code is incomplete")
    action = Text("请重新扫描。", "Scan it again.")


class OrderCodeTooLong(OrderCodeRefused):
    """Longer than any order code (512 characters, EMVCo MPM §4)."""

    code = "order_code_too_long"
    title = Text("订单码内容过长", "The order code is too long")
    action = Text("请重新扫描, 一次只扫一个码。", "Scan again, one code at a time.")


class OrderCodeChecksum(OrderCodeRefused):
    """The checksum in tag 63 does not fit the text."""

    code = "order_code_checksum"
    title = Text("订单码校验和不正确", "The order code's checksum is wrong")
    action = Text("请重新扫描; 若反复出现, 请商户重新出示。", "Scan again; if it recurs, ask for a new code.")


class OrderCodeVersion(OrderCodeRefused):
    """A payload format indicator that is not "01"."""

    code = "order_code_version"
    title = Text("订单码版本不支持", "The order code's version is not supported")
    action = Text("请更新应用后重新扫描。", "Update the application, then scan again.")


class OrderCodeForeign(OrderCodeRefused):
    """A merchant's code of other payment schemes only."""

    code = "order_code_foreign"
    title = Text("这是其他支付网络的收款码", "This code belongs to another payment scheme")
    action = Text("请商户出示电子社保卡订单码。", "Ask the merchant for an e-card order code.")


class OrderCodeCurrency(OrderCodeRefused):
    """Another currency or country than CNY (156) in CN."""

    code = "order_code_currency"
    title = Text("订单码的币种或国家不支持", "The order code's currency or country is not supported")
    action = Text("仅支持人民币 (156) 与 CN。", "Only CNY (156) in CN.")


class OrderCodeAltered(OrderCodeRefused):
    """The text says another amount or kind than the merchant's order: somebody changed or pasted over it."""

    code = "order_code_altered"
    title = Text("订单码内容与商户订单不符", "The order code does not say what the merchant's order says")
    action = Text(
        "请勿付款, 并告知商户: 收款码可能被替换。", "Do not pay; tell the merchant that the code may be forged."
    )


class OrderCodeEnded(OrderCodeRefused):
    """The order is paid or closed, the static code withdrawn, or the merchant suspended."""

    status = 409
    code = "order_code_ended"
    title = Text("该订单码已失效", "The order code has ended")


class AmountFixed(OrderCodeRefused):
    """A dynamic code bears its order's amount; the payer says none."""

    code = "amount_fixed"
    title = Text("金额由订单确定", "The amount is that of the order")
    action = Text("动态码不得另填金额。", "Send no amount with a dynamic code.")
