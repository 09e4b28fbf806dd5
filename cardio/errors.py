"""Every way that a reader or a card can fail, as classes: what a clerk is told, Chinese first, English second.

    CardError
    ├── ServiceDown            PC/SC is not running; LibraryMissing: its Python library is not installed
    ├── ReaderMissing, ReaderBusy
    ├── CardMissing, CardMute, CardRemoved, TimedOut
    ├── NotSocialSecurityCard, BankApplicationMissing, AlgorithmUnknown
    ├── BadAnswer              the card says what no card of its kind says
    ├── Refused                the card says no, and its status word why
    ├── PinWrong, PinLastTry, PinLocked, PinMalformed
    ├── NotAuthentic, KeyMissing, KeyServiceDown
    ├── WriteUndone, ValueUnfit
    └── NotAllowed

`code` is stable and goes over the wire. No error carries what a card or a person said: it may be a personal number.
"""

from typing import ClassVar, NamedTuple


class Text(NamedTuple):
    """A sentence for people, in both languages of the project."""

    zh: str
    en: str


class CardError(Exception):
    """The root: something about a reader or a card; the reader is released when one is raised."""

    code: ClassVar[str] = "card_error"
    title: ClassVar[Text] = Text("读卡失败", "The card could not be read")
    action: ClassVar[Text] = Text("请取出卡片后重试。", "Take the card out and try again.")

    def __init__(self) -> None:
        super().__init__(self.code)


class ServiceDown(CardError):
    """PC/SC does not answer."""

    code = "service_down"
    title = Text("读卡器服务未运行", "The card reader service is not running")
    action = Text("请启动 pcscd (Windows: “Smart Card” 服务)。", "Start pcscd, or the Smart Card service of Windows.")


class LibraryMissing(ServiceDown):
    """The Python library of PC/SC is not installed."""

    code = "reader_library_missing"
    title = Text("未安装读卡组件", "The reader's library is not installed")
    action = Text("请运行 make card 安装 pyscard。", "Install pyscard with make card.")


class ReaderMissing(CardError):
    """There is no reader of this name."""

    code = "reader_missing"
    title = Text("未找到读卡器", "No card reader")
    action = Text("请检查读卡器是否已连接。", "Check that the reader is plugged in.")


class ReaderBusy(CardError):
    """Another program holds the reader, or a call before still hangs in it."""

    code = "reader_busy"
    title = Text("读卡器正被其他程序使用", "Another program is using the reader")
    action = Text("请关闭其他读卡程序, 或重新插卡。", "Close other card programs, or insert the card again.")


class CardMissing(CardError):
    """No card is in the reader."""

    code = "card_missing"
    title = Text("请插入社会保障卡", "No card in the reader")
    action = Text("请将卡片芯片朝上插入读卡器。", "Insert the card, chip up.")


class CardMute(CardError):
    """A card is in the reader and does not answer to power."""

    code = "card_mute"
    title = Text("卡片无响应", "The card does not answer")
    action = Text("请检查插卡方向并擦拭芯片后重试。", "Check which way it is inserted, wipe the chip, try again.")


class CardRemoved(CardError):
    """The card was taken out, or reset by somebody else, while it was used."""

    code = "card_removed"
    title = Text("卡片已被取出", "The card was taken out")
    action = Text("请重新插卡, 完成前不要取出。", "Insert it again and leave it until the end.")


class TimedOut(CardError):
    """The card or its reader did not answer within the limit (two seconds)."""

    code = "timed_out"
    title = Text("读卡超时", "The card took too long")
    action = Text("请取出卡片后重试。", "Take the card out and try again.")


class NotSocialSecurityCard(CardError):
    """The card has no social security application."""

    code = "not_social_security_card"
    title = Text("不是社会保障卡", "Not a social security card")
    action = Text("请插入社会保障卡。", "Insert a social security card.")


class BankApplicationMissing(CardError):
    """The card has no bank application, or one that was never activated."""

    code = "bank_application_missing"
    title = Text("卡片没有可用的金融账户", "The card has no usable bank account")
    action = Text("请到发卡银行激活金融账户。", "Have the bank activate the card's account.")


class AlgorithmUnknown(CardError):
    """The card's algorithm is none that this program knows (SSF33 is not public)."""

    code = "algorithm_unknown"
    title = Text("不支持该卡的密码算法", "The card's algorithm is not supported")
    action = Text("请使用本地的密码模块。", "Use a key module of the card's own region.")


class BadAnswer(CardError):
    """Too short, too long, or not what the file is declared to hold."""

    code = "bad_answer"
    title = Text("卡片数据异常", "The card's answer makes no sense")
    action = Text("请重试; 若仍失败, 请到发卡机构检查卡片。", "Try again; else have the issuer check the card.")


class Refused(CardError):
    """The card says no; `sw` is its status word, and `reason` what that means."""

    code = "card_refused"
    title = Text("卡片拒绝了操作", "The card refused")
    action = Text("请核对卡片版本与权限。", "Check the card's version and what was asked of it.")

    def __init__(self, sw: int, reason: Text) -> None:
        super().__init__()
        self.sw, self.reason = sw, reason
        self.args = (f"{self.code} {sw:04X}: {reason.en}",)


class PinMalformed(CardError):
    """A PIN has six digits; what was given was not sent."""

    code = "pin_malformed"
    title = Text("密码应为六位数字", "A PIN has six digits")
    action = Text("请重新输入。", "Enter it again.")


class PinWrong(CardError):
    """The card compared the PIN; `left` tries remain."""

    code = "pin_wrong"
    title = Text("密码错误", "Wrong PIN")
    action = Text("请核对后重新输入, 注意剩余次数。", "Enter it again; mind the tries that are left.")

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left


class PinLastTry(CardError):
    """Not sent: a wrong PIN would lock the card, or the card does not say whether (`left` is then None)."""

    code = "pin_last_try"
    title = Text("密码只剩最后一次机会", "One try is left")
    action = Text(
        "再错一次卡片将锁定。确认密码无误后再输入, 或到发卡机构重置。",
        "One more wrong PIN locks the card. Go on only if sure, or have the issuer reset it.",
    )

    def __init__(self, left: int | None) -> None:
        super().__init__()
        self.left = left


class PinLocked(CardError):
    """No tries are left."""

    code = "pin_locked"
    title = Text("卡片密码已锁定", "The PIN is locked")
    action = Text("请到发卡机构重置密码。", "Have the issuer reset the PIN.")


class NotAuthentic(CardError):
    """The card could not prove that it holds the keys of its identity: a copy, or a card of other keys."""

    code = "not_authentic"
    title = Text("卡片未通过真伪验证", "The card did not prove that it is genuine")
    action = Text("请勿受理, 并联系发卡机构。", "Do not accept it; call the issuer.")


class KeyMissing(CardError):
    """No key module is connected, or it has no key for this kind of card: nothing can be said of the card."""

    code = "key_module_missing"
    title = Text("没有可用的密钥模块", "No key module for this card")
    action = Text("请接入 PSAM 或密码机。", "Connect a PSAM or an HSM.")


class KeyServiceDown(CardError):
    """The key module does not answer, or not sensibly."""

    code = "key_module_down"
    title = Text("密钥模块无响应", "The key module does not answer")
    action = Text("请检查 PSAM 或密码机。", "Check the PSAM or the HSM.")


class WriteUndone(CardError):
    """What was read back is not what was written; the card holds what it held before."""

    code = "write_undone"
    title = Text("写卡未成功, 已恢复原内容", "Not written; the card holds what it held before")
    action = Text("请重新写卡。", "Write it again.")


class ValueUnfit(CardError):
    """A value to be written does not fit its field; nothing was written."""

    code = "value_unfit"
    title = Text("写入内容不符合字段要求", "A value does not fit its field")
    action = Text("请核对长度与字符。", "Check its length and characters.")


class NotAllowed(CardError):
    """The session may not send this command."""

    code = "not_allowed"
    title = Text("该操作未获授权", "Not allowed in this session")
    action = Text("请从相应事项重新发起。", "Begin again from the item concerned.")
