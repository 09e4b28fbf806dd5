"""Every sentence of the login page, in both languages; `{time}` is filled in by the page's script (m:ss).

Short and in everyday words: people of all ages read them, some of them aloud by a screen reader.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ecard.errors import Text

TEXTS: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "brand": Text("电子社保卡", "Social Security e-Card"),
        "sign_in": Text("登录", "Sign in to"),
        "by": Text("主办单位", "Run by"),
        "address": Text("网址", "Address"),
        "sandbox": Text(
            "测试环境：这里的人员和数据都是虚构的。", "Test environment: all people and data here are fictitious."
        ),
        # One heading and one explanation for each state.
        "pending": Text("请用手机扫码登录", "Scan to sign in"),
        "pending_how": Text(
            "打开电子社保卡 App 扫一扫，对准二维码。",
            "Open the e-card app on your phone, tap Scan, and point it at the code.",
        ),
        "qr_alt": Text(
            "登录二维码，请用电子社保卡 App 扫描", "QR code of this login, to be scanned with the e-card app"
        ),
        "scanned": Text("已扫码，请在手机上确认", "Scanned: now confirm on your phone"),
        "number": Text("请在手机上核对并输入这个数字", "Check this number and enter it on your phone"),
        "number_why": Text(
            "不要把这个数字告诉任何人，工作人员也不会问您。",
            "Do not tell this number to anyone; no official will ask for it.",
        ),
        "no_number": Text("请看手机，核对后点“确认登录”。", "Look at your phone, check what it says, and confirm."),
        "confirmed": Text("登录成功", "You are signed in"),
        "confirmed_next": Text("正在返回原网站……", "Taking you back…"),
        "declined": Text("已取消登录", "The login was cancelled"),
        "declined_next": Text(
            "没有提供您的任何信息，正在返回原网站……", "None of your data was given. Taking you back…"
        ),
        "expired": Text("本次登录已过期", "This login has expired"),
        "expired_next": Text("您可以重新获取二维码，或返回原网站。", "You can get a new code, or go back."),
        "unavailable": Text("暂时连接不上", "No connection at the moment"),
        "unavailable_next": Text(
            "正在自动重试，连上后会接着进行，请不要关闭本页。",
            "Trying again by itself. It will go on once connected; please keep this page open.",
        ),
        # Beside the code.
        "left_code": Text("二维码 {time} 内有效，自动更新", "Valid for {time}, renewed by itself"),
        "left_page": Text("本页面将在 {time} 后过期", "This page expires in {time}"),
        "left_scanned": Text("请在 {time} 内完成确认", "Please confirm within {time}"),
        "warning": Text(
            "只扫描您自己打开的登录页。别人发来的二维码，不要扫。",
            "Scan only a login page that you opened yourself, never a code that somebody sent you.",
        ),
        "refused": Text(
            "另一部手机也扫了这个码，已被拒绝。如果您没有看到自己手机上的确认页，请取消登录。",
            "Another phone tried this code and was refused. "
            "If your own phone does not ask you to confirm, cancel this login.",
        ),
        "on_phone": Text("正在用手机浏览？", "Reading this on your phone?"),
        "open_app": Text("打开电子社保卡 App", "Open the e-card app"),
        "or_scan": Text("或用另一部手机扫码：", "Or scan with another phone:"),
        # What is asked for.
        "asked": Text("登录后将提供", "What will be given"),
        "item": Text("办理事项", "For"),
        "purpose": Text("用途", "Purpose"),
        "fields_label": Text("提供的信息", "Your data"),
        "no_fields": Text(
            "不提供姓名、证件号码等信息，只提供该网站专用的标识。",
            "Not your name or ID number; only an identifier made for this website.",
        ),
        "consent": Text("您在手机上确认之前，不会提供任何信息。", "Nothing is given before you confirm on your phone."),
        # What can be done.
        "cancel": Text("取消登录", "Cancel"),
        "back": Text("返回", "Back"),
        "go_on": Text("没有自动返回？点这里", "Not taken back? Continue here"),
        "again": Text("重新获取", "Try again"),
        "reload": Text("刷新页面", "Reload this page"),
        "noscript": Text(
            "此浏览器未启用脚本，本页每 5 秒自动刷新一次。",
            "Scripts are off in this browser; this page reloads every 5 seconds.",
        ),
        "switch": Text("语言", "Language"),
    }
)
