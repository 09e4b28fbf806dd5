"""How a login can be refused to a phone, and what a polling device is told."""

from auth.errors import OAuthError
from ecard.errors import Conflict, Forbidden, Invalid, NotFound, Text


class LoginUnknown(NotFound):
    """No login waits under this code or id, or not for this holder."""

    code = "login_unknown"
    title = Text("登录二维码无效或已过期", "This login is not known or has expired")
    action = Text(
        "请在要登录的页面上刷新二维码后重新扫描。", "Refresh the QR on the page that you log in to, and scan again."
    )


class LoginTaken(Conflict):
    """Another phone scanned it first."""

    code = "login_taken"
    title = Text("该登录已被另一部手机扫描", "Another phone has already scanned this login")
    action = Text(
        "若不是您本人操作, 请勿继续; 请在页面上重新获取二维码。",
        "If that was not you, do not go on; get a new QR on the page.",
    )


class LoginDecided(Conflict):
    """It was confirmed, declined, or its time is over; `state` says which."""

    code = "login_decided"
    title = Text("该登录已结束", "This login is over")
    action = Text("请重新发起登录。", "Begin again.")


class NumberWrong(Forbidden):
    """The two digits are not those on the screen: the login is over."""

    code = "login_number_wrong"
    title = Text("数字与屏幕上显示的不一致", "The number is not the one on the screen")
    action = Text(
        "登录已取消。若屏幕不在您面前, 请勿继续。",
        "The login was cancelled. If that screen is not before you, do not go on.",
    )


class NumberNeeded(Invalid):
    """The two digits on the PC's screen are asked for."""

    code = "login_number_needed"
    title = Text("请输入屏幕上显示的两位数字", "Enter the two digits shown on the screen")
    action = Text("请在 number 中填写屏幕上的数字。", "Send the digits as number.")


class AuthorizationPending(OAuthError):
    """The holder has not decided yet (RFC 8628 §3.5)."""

    code = "oauth_authorization_pending"
    error = "authorization_pending"
    title = Text("等待持卡人确认", "The holder has not confirmed yet")
    action = Text("请按 interval 秒后再轮询。", "Poll again after interval seconds.")


class SlowDown(OAuthError):
    """Polled too early: the interval is now `interval` seconds (RFC 8628 §3.5)."""

    code = "oauth_slow_down"
    error = "slow_down"
    title = Text("轮询过于频繁", "Polled too often")
    action = Text("请将轮询间隔延长 5 秒。", "Wait 5 seconds longer between polls.")


class ExpiredToken(OAuthError):
    """The device code's time is over (RFC 8628 §3.5)."""

    code = "oauth_expired_token"
    error = "expired_token"
    title = Text("本次登录已过期", "This login has expired")
    action = Text("请重新发起。", "Begin again.")


class TerminalElsewhere(OAuthError):
    """The proven key is that of another agency's terminal, which lends its place to none but its own agency."""

    code = "oauth_terminal_of_another_agency"
    error = "unauthorized_client"
    title = Text("该终端属于其他机构", "The terminal belongs to another agency")
    action = Text(
        "请使用本机构登记的终端密钥, 或不属于任何终端的密钥作 DPoP 证明。",
        "Prove the key of a terminal of the client's own agency, or a key that is no terminal's.",
    )


class UserUnknown(OAuthError):
    """The hint names nobody who can be asked (CIBA Core §13)."""

    code = "oauth_unknown_user_id"
    error = "unknown_user_id"
    title = Text("找不到可确认的持卡人", "No holder can be asked by this hint")
    action = Text("请使用持卡人此前登录时的 sub 或 id_token。", "Use the sub or the ID token of an earlier login.")


class BindingMessageRefused(OAuthError):
    """The binding message is too long for a phone, or has characters that do not show (CIBA Core §13)."""

    code = "oauth_invalid_binding_message"
    error = "invalid_binding_message"
    title = Text("确认信息过长或含有不可显示的字符", "The binding message is too long or not printable")
    action = Text("请使用不超过 32 个可见字符。", "Use at most 32 printable characters.")
