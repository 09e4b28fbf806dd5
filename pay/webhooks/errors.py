"""Why an endpoint is not registered, or an event not sent again."""

from ecard.errors import Conflict, Forbidden, Invalid, Text


class AddressRefused(Invalid):
    """The address is none that we may be told to call."""

    code = "webhook_address_refused"
    title = Text("通知地址不可用", "The address cannot be called")
    action = Text(
        "请使用 https 的域名或公网地址; 沙箱中可用回环地址的 http。",
        "Use https with a name or a public address; http to a loopback address is for the sandbox.",
    )


class TooManyEndpoints(Conflict):
    """A merchant has as many endpoints as it may."""

    code = "webhook_endpoints_full"
    title = Text("通知地址数量已达上限", "The merchant has as many endpoints as it may")
    action = Text("请先停用不再使用的地址; most 为上限。", "Remove one that is not used; most is the limit.")


class NotTheServer(Forbidden):
    """A till, counter, gate or kiosk: where money is reported is decided by the merchant's server."""

    code = "webhook_terminal_refused"
    title = Text("仅商户服务器可管理通知", "Only the merchant's server may manage notifications")
    action = Text("请以 setting 为 online 的终端调用。", "Call as a terminal whose setting is online.")
