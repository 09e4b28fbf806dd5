"""The provider's pages without a login: an error, a device's code, logged out. In the login page's own style."""

import html
from collections.abc import Mapping

from ecard.errors import Text

NOTICES: Mapping[str, tuple[Text, Text]] = {
    "device": (
        Text("在电子社保卡中输入验证码", "Enter the code in the e-card app"),
        Text(
            "打开手机上的电子社保卡, 选择扫一扫, 扫描设备屏幕上的二维码, 或输入设备显示的八位字母。",
            "Open the e-card on your phone, choose Scan, and scan the device's QR, or type the eight letters it shows.",
        ),
    ),
    "leave": (
        Text("退出登录", "Log out"),
        Text("此浏览器仍保持登录。", "This browser is still logged in."),
    ),
    "out": (
        Text("已退出登录", "You are logged out"),
        Text("可以关闭此页面。", "You may close this page."),
    ),
}
"""Heading and text of each notice."""


_BRAND = Text("电子社保卡", "Electronic Social Security Card")
_BACK = Text("请返回原来的网站或应用, 重新开始。", "Go back to the site or app that you came from, and begin again.")


def notice(kind: str, language: str) -> bytes:
    """Return the page of a notice."""
    heading, text = NOTICES[kind]
    body = f"<p>{_in(text, language)}</p>"
    if kind == "leave":
        body += f'<form method="post"><button class="button main">{_in(heading, language)}</button></form>'
    links = "".join(
        f'<a href="?lang={one}" lang="{one}" data-language="{one}">{name}</a>'
        for one, name in (("zh", "中文"), ("en", "English"))
    )
    return _page(_in(heading, language), body, language, f"<nav>{links}</nav>")


def failure(title: Text, action: Text, code: str, request_id: str, language: str) -> bytes:
    """Return the page of an error: what the holder does; for whoever helps, what to do, the code, the request's id."""
    body = (
        f'<p role="alert">{_in(_BACK, language)}</p><p class="quiet">{_in(action, language)}</p>'
        f'<p class="quiet"><code>{html.escape(code)} · {html.escape(request_id)}</code></p>'
    )
    return _page(_in(title, language), body, language)


def _in(text: Text, language: str) -> str:
    return html.escape(text.en if language == "en" else text.zh)


def _page(heading: str, body: str, language: str, nav: str = "") -> bytes:
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{heading}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="/login/static/icon.svg"><link rel="stylesheet" href="/login/static/login.css"></head>'
        f'<body><header><p class="brand">{_in(_BRAND, language)}</p>{nav}</header>'
        f'<main class="plain"><div class="panel"><h1>{heading}</h1>{body}</div></main></body></html>'
    ).encode()
