"""Why a scanned code is refused: each reason its own error, so that a counter knows what to say.

CodeRefused
├── before reading:  CodeMalformed · CodeTruncated · CodeTooLong · CodeFullWidth · CodeForeign
├── signature:       CodeKeyUnknown · CodeKeyRevoked · CodeForged
└── time:            CodeExpired · CodeClockSkew
BundleRefused · BundleStale: the offline verifier's own; a dead card and a second use are the
errors of `ecard.desk`, the same online and offline.
"""

from ecard.errors import EcardError, Text, Unavailable


class CodeRefused(EcardError):
    """The scanned text gives no evidence."""

    status = 422
    code = "code_refused"
    title = Text("二维码不可用", "The code cannot be used")
    action = Text("请让持卡人刷新后重新出示。", "Ask the holder to refresh the code and show it again.")


class CodeMalformed(CodeRefused):
    """Not a code of this system."""

    code = "code_malformed"
    title = Text("不是电子社保卡二维码", "Not an e-card code")
    action = Text("请让持卡人打开电子社保卡的“展码”页面。", "Ask the holder to open the e-card's code page.")


class CodeTruncated(CodeRefused):
    """The beginning of a code: the scanner lost the rest."""

    code = "code_truncated"
    title = Text("二维码内容不完整", "The code is incomplete")
    action = Text(
        "请重新扫描; 若反复出现, 请检查扫码枪的长度限制。",
        "Scan again; if it recurs, check the scanner's length limit.",
    )


class CodeTooLong(CodeRefused):
    """Longer than any code."""

    code = "code_too_long"
    title = Text("二维码内容过长", "The code is too long")
    action = Text("请重新扫描, 一次只扫一个码。", "Scan again, one code at a time.")


class CodeFullWidth(CodeRefused):
    """Full-width characters: an input method is active in the field that the scanner types into."""

    code = "code_full_width"
    title = Text("扫码内容为全角字符", "The scan arrived in full-width characters")
    action = Text(
        "请关闭输入法 (切换到英文半角) 后重新扫描。", "Turn the input method off (half-width) and scan again."
    )


class CodeForeign(CodeRefused):
    """Another system's code; `belongs_to` is wechat_pay, alipay, unionpay, emv or url."""

    code = "code_foreign"
    title = Text("这是其他应用的二维码", "This code belongs to another application")
    action = Text("请出示电子社保卡二维码, 不是付款码或网址。", "Show the e-card's code, not a payment code or a link.")


class CodeKeyUnknown(CodeRefused):
    """Signed under a key number that this verifier does not know."""

    code = "code_key_unknown"
    title = Text("签发密钥未知", "The code's signing key is unknown")
    action = Text("离线终端请更新验证包。", "An offline verifier should fetch a new bundle.")


class CodeKeyRevoked(CodeRefused):
    """Signed under a revoked key."""

    code = "code_key_revoked"
    title = Text("签发密钥已吊销", "The code's signing key was revoked")
    action = Text("请让持卡人联网刷新。", "Ask the holder to go online and refresh.")


class CodeForged(CodeRefused):
    """The signature does not fit."""

    code = "code_forged"
    title = Text("二维码签名不正确", "The code's signature is wrong")
    action = Text(
        "请重新扫描; 若反复出现, 请核对持卡人身份并上报。", "Scan again; if it recurs, check the person and report it."
    )


class CodeExpired(CodeRefused):
    """Its time is over; `age_seconds` since its end."""

    code = "code_expired"
    title = Text("二维码已过期", "The code has expired")


class CodeClockSkew(CodeRefused):
    """Its time has not come: a clock is wrong; `offset_seconds` says by how much the code is ahead."""

    code = "code_clock_skew"
    title = Text("二维码时间早于有效期", "The code's time has not come")
    action = Text("请校准手机与终端的时间。", "Correct the clocks of the phone and the terminal.")


class StatusUnknown(Unavailable):
    """The feed of dead cards is interrupted: no code is issued rather than one for a dead card."""

    code = "status_unknown"
    title = Text("卡状态暂不可确认", "Card status cannot be confirmed now")
    action = Text("请稍后重试, 或出示已预取的二维码。", "Try again soon, or show a code that was fetched before.")


class NumberUnknown(CodeRefused):
    """19 digits of the right form that were not made for this scene now."""

    code = "number_unknown"
    title = Text("数字码不正确、已过期, 或不属于该场景", "The number is wrong, expired, or for another scene")
    action = Text(
        "请让持卡人刷新后重新扫描; 数字码每 30 秒更换。", "Ask the holder to refresh; the number changes every 30 s."
    )


class BundleRefused(EcardError):
    """The bundle is not signed by a known anchor, or is older than one seen before."""

    status = 422
    code = "bundle_refused"
    title = Text("验证包不可信", "The bundle is not trusted")
    action = Text("请从平台重新下载验证包。", "Download the bundle again from the platform.")


class BundleStale(EcardError):
    """The bundle's time is over; nothing is verified with it."""

    status = 422
    code = "bundle_stale"
    title = Text("验证包已过期", "The bundle is out of date")
    action = Text("请联网更新验证包 (有效期 4 小时)。", "Go online and fetch a new bundle (it lives 4 hours).")
