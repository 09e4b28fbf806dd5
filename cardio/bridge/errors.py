"""Why the bridge does not do something: each reason its own error, said at the counter in both languages.

CardError (cardio.errors)
└── BridgeError
    ├── set up:      NotEnrolled · ConfigurationWrong · FileExposed · AddressRefused · AlreadyRunning · QueueBroken
    ├── the link:    LinkLost · NotAdmitted · Replaced · ServerSpeaksOtherwise
    ├── a session:   SessionBusy · SessionOver · ReaderAmbiguous · PinCancelled
    ├── the loopback: PageNotAdmitted
    └── a scanner:   ScannerMissing
"""

from cardio.errors import CardError, Text


class BridgeError(CardError):
    """The root of the bridge's own errors."""


class NotEnrolled(BridgeError):
    """There is no key or no configuration yet."""

    code = "not_enrolled"
    title = Text("本机尚未登记", "This PC is not enrolled")
    action = Text(
        "请运行 ecard-bridge enrol --help, 按其中两步登记。",
        "Run ecard-bridge enrol --help and follow its two steps.",
    )


class ConfigurationWrong(BridgeError):
    """A file of the bridge's directory is not what it should be; `where` says which part, never its content."""

    code = "configuration_wrong"
    title = Text("配置文件有误", "The configuration is wrong")
    action = Text(
        "请按所指位置修改 bridge.json, 或重新登记。", "Correct bridge.json where it is named, or enrol again."
    )

    def __init__(self, where: str = "") -> None:
        super().__init__()
        self.where = where


class FileExposed(BridgeError):
    """The key or the configuration can be read by other accounts of this PC."""

    code = "file_exposed"
    title = Text("密钥文件可被其他用户读取", "Others on this PC can read the key file")
    action = Text(
        "请执行 chmod 600 device.key bridge.json; 若他人可能已读取, 请吊销并重新登记。",
        "Run chmod 600 on device.key and bridge.json; if somebody may have read them, revoke and enrol again.",
    )


class AddressRefused(BridgeError):
    """The server's address is not https."""

    code = "address_refused"
    title = Text("服务地址须为 https", "The server's address must be https")
    action = Text(
        "请使用 https:// 地址; http 仅限本机沙箱。", "Use an https:// address; http is for a sandbox on this PC."
    )


class AlreadyRunning(BridgeError):
    """Another process of this PC holds the bridge's directory."""

    code = "already_running"
    title = Text("桥接程序已在运行", "The bridge is running already")
    action = Text("一台计算机只运行一个; 请先停止另一个。", "One per PC: stop the other one first.")


class QueueBroken(BridgeError):
    """The off-line queue was altered, or belongs to another key."""

    code = "queue_broken"
    title = Text("脱网队列无法读取", "The off-line queue cannot be read")
    action = Text(
        "请勿删除 queue.log, 连同 device.key 一起备份并联系平台。",
        "Do not delete queue.log: back it up together with device.key and call the operator.",
    )


class LinkLost(BridgeError):
    """The backend is not reached."""

    code = "link_lost"
    title = Text("与平台的连接已断开", "No connection to the server")
    action = Text(
        "正在自动重连; 若持续, 请检查网络与服务地址。", "Trying again; if it stays, check network and address."
    )


class NotAdmitted(BridgeError):
    """The backend knows no such bridge, or it was revoked, or this PC's clock is wrong."""

    code = "not_admitted"
    title = Text("平台未接纳本机", "The server does not admit this PC")
    action = Text(
        "请校准本机时钟, 并请管理员确认登记未被吊销。",
        "Set this PC's clock, and ask the operator whether the registration stands.",
    )


class Replaced(BridgeError):
    """Another bridge with the same identity has connected."""

    code = "replaced"
    title = Text("另一台计算机正以本机身份连接", "Another PC connects as this one")
    action = Text(
        "密钥可能被复制: 请停止另一台, 或吊销后重新登记。",
        "The key may have been copied: stop the other PC, or revoke and enrol again.",
    )


class ServerSpeaksOtherwise(BridgeError):
    """The backend sent what this version does not understand."""

    code = "bad_message"
    title = Text("平台消息无法识别", "The server said something unknown")
    action = Text("请升级 ecard-bridge。", "Upgrade ecard-bridge.")


class SessionBusy(BridgeError):
    """A session lives on this reader."""

    code = "session_busy"
    title = Text("读卡器正在进行另一次读卡", "The reader is in another session")
    action = Text("请等待其结束, 或取走卡片。", "Wait for its end, or take the card out.")


class SessionOver(BridgeError):
    """No such session any more."""

    code = "session_over"
    title = Text("读卡已结束", "The session is over")
    action = Text("请重新开始。", "Begin again.")


class ReaderAmbiguous(BridgeError):
    """Two readers hold a card, and none was named."""

    code = "reader_ambiguous"
    title = Text("多个读卡器中都有卡", "More than one reader has a card")
    action = Text("请只保留一张卡。", "Leave one card in.")


class PinCancelled(BridgeError):
    """The holder did not enter the PIN."""

    code = "pin_cancelled"
    title = Text("未输入密码", "No PIN was entered")
    action = Text("请持卡人重新开始。", "Begin again with the holder.")


class PageNotAdmitted(BridgeError):
    """A page without a token of this bridge, or with one that was used or is over."""

    code = "page_not_admitted"
    title = Text("网页未获准使用读卡器", "The page may not use the reader")
    action = Text("请刷新网页后重试。", "Reload the page and try again.")


class ScannerMissing(BridgeError):
    """A scanner that was set up is not there, or its speed is unknown."""

    code = "scanner_missing"
    title = Text("未找到扫码枪", "A scanner is missing")
    action = Text("请检查连接、设备名与访问权限。", "Check cable, device name and access rights.")
