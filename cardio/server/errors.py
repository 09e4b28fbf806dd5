"""What can go wrong between a counter's page, its bridge and a card.

CardReadRefused
├── of the session: CardSessionUnknown · CardSessionOpen · CardSessionExpired · CardSessionForItem
└── of the card:    CardRefused, with the reason that the session ended with
BridgeRefused: the connection of a bridge is not admitted, closed with 4401.
"""

from ecard.errors import Conflict, EcardError, Forbidden, Text, Unauthenticated, Unavailable


class BridgeRefused(Unauthenticated):
    """The bridge's token is not valid, was used before, or its key is revoked; `reason` says which."""

    code = "bridge_refused"
    title = Text("读卡服务未获准接入", "The bridge is not admitted")
    action = Text(
        "请核对时间、服务器地址与登记的密钥, 或由操作员重新登记。",
        "Check the clock, the server's address and the registered key, or have an operator register it again.",
    )


class PairingRefused(Forbidden):
    """No bridge of this agency shows these digits now."""

    code = "pairing_refused"
    title = Text("配对码无效或已过期", "The pairing code is not valid or has expired")
    action = Text("请输入读卡服务当前显示的八位配对码。", "Enter the eight digits that the bridge shows now.")


class BridgeUnpaired(Conflict):
    """No bridge is paired with this terminal."""

    code = "bridge_unpaired"
    title = Text("本终端未与读卡服务配对", "No bridge is paired with this terminal")
    action = Text("请输入读卡服务显示的配对码。", "Enter the pairing code that the bridge shows.")


class BridgeOffline(Unavailable):
    """The paired bridge is not connected."""

    code = "bridge_offline"
    title = Text("读卡服务未连接", "The bridge is not connected")
    action = Text("请检查窗口电脑上的 ecard-bridge 与网络。", "Check ecard-bridge on the counter PC, and its network.")


class CardWriteRefused(EcardError):
    """The item does not write to the card, or not this; nothing was begun."""

    status = 422
    code = "card_write_refused"
    title = Text("该事项不能写入这些内容", "The item does not write this to the card")
    action = Text("请核对事项与 write 中的字段、长度。", "Check the item, and the fields in write and their lengths.")


class CardReadRefused(EcardError):
    """The session gives no evidence."""

    status = 422
    code = "card_read_refused"
    title = Text("读卡结果不可用", "The read of the card cannot be used")
    action = Text("请重新读卡。", "Read the card again.")


class CardSessionUnknown(CardReadRefused):
    """No such session of this terminal."""

    status = 404
    code = "card_session_unknown"
    title = Text("没有此读卡会话", "No such card session of this terminal")


class CardSessionOpen(CardReadRefused):
    """The card is still being read."""

    status = 409
    code = "card_session_open"
    title = Text("读卡尚未完成", "The card is still being read")
    action = Text("请等待会话状态变为 proven 或 read。", "Wait until the session is proven or read.")


class CardSessionExpired(CardReadRefused):
    """The read is older than its minute."""

    code = "card_session_expired"
    title = Text("读卡结果已过期", "The read of the card has expired")


class CardSessionForItem(CardReadRefused):
    """The card was read for another item: its challenge names that one."""

    code = "card_session_other_item"
    title = Text("该卡是为另一事项读取的", "The card was read for another item")
    action = Text("请为本事项重新读卡。", "Read the card again for this item.")


class CardRefused(CardReadRefused):
    """The card was refused; `reason` is what the session ended with."""

    code = "card_refused"
    title = Text("该社会保障卡未通过核验", "The card was refused")
    action = Text("请查看 reason 所示原因。", "See the reason.")
