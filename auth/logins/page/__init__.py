"""The login page: HTML that works without a script, and a style sheet and a script beside it.

The whole page is made here, in one language at a time; the script only shows and hides what the
page brought, so no sentence stands in it. Nothing is loaded from elsewhere and nothing stands
inline: `POLICY` holds the browser to that.
"""

import html
from collections.abc import Mapping
from importlib.resources import files
from string import Template
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

import msgspec

from auth.logins.page.texts import TEXTS
from ecard.errors import Text

LANGUAGES: Final = ("zh", "en")
STATES: Final = ("pending", "scanned", "confirmed", "declined", "expired", "unavailable")
POLICY: Final = (
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_WAITING: Final = ("pending", "scanned")
_OPEN: Final = (*_WAITING, "unavailable")
_DECIDED: Final = ("confirmed", "declined")
_REFRESH: Final = 5
"""Seconds after which the page asks again by itself in a browser without scripts."""

_HERE = files(__package__)
_PAGE = Template(_HERE.joinpath("page.html").read_text("utf-8"))
STATIC: Final[Mapping[str, tuple[bytes, str]]] = MappingProxyType(
    {
        "login.css": (_HERE.joinpath("login.css").read_bytes(), "text/css"),
        "icon.svg": (_HERE.joinpath("icon.svg").read_bytes(), "image/svg+xml"),
        "login.js": (_HERE.joinpath("login.js").read_bytes(), "text/javascript"),
    }
)
"""What /login/static/ serves: bytes and media type by name."""


class PageView(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows; `state` and `number` are for browsers without scripts, others ask for them.

    `item_title` is the catalogue's word, which is Chinese; `fields` are the labels of what will be given.
    """

    login: str
    client: str
    agency: str
    origin: str
    item_title: str | None
    purpose: Text | None
    fields: tuple[Text, ...]
    sandbox: bool
    state: str = "pending"
    number: str | None = None


def choose_language(asked: str | None, accepted: str | None) -> str:
    """Return the language of a page: the one `asked` for (?lang=), else by Accept-Language, else Chinese.

    >>> choose_language("en", "zh-CN,zh;q=0.9"), choose_language(None, "en-GB,zh;q=0.5"), choose_language("fr", None)
    ('en', 'en', 'zh')
    """
    if asked in LANGUAGES:
        return asked
    wishes = dict.fromkeys(LANGUAGES, 0.0)
    for wish in (accepted or "").split(","):
        name, _, quality = wish.partition(";")
        language = name.strip().lower().partition("-")[0]
        if language in wishes:
            wishes[language] = max(wishes[language], _quality(quality))
    return max(LANGUAGES, key=lambda language: wishes[language])


def _quality(given: str) -> float:
    _, _, value = given.partition("=")
    try:
        return float(value) if value.strip() else 1.0
    except ValueError:
        return 0.0


def render(page: PageView, language: str) -> bytes:
    """Return the whole page in `language` ("zh" or "en"); a state unknown to it is shown as unavailable."""
    chosen = LANGUAGES.index(language)
    state = page.state if page.state in STATES else "unavailable"
    base = "/login/" + quote(page.login, safe="")
    words = {name: html.escape(text[chosen]) for name, text in TEXTS.items()}
    shown = {f"if_{name}": _hidden(unless=name == state) for name in STATES}
    return _PAGE.substitute(
        words,
        **shown,
        lang=language,
        base=html.escape(base),
        state=state,
        # Only a pending login has a code to fetch; a hidden picture would be fetched all the same.
        qr_src=f' src="{html.escape(base)}/qr.svg?v=0"' if state == "pending" else "",
        client=html.escape(page.client),
        agency=html.escape(page.agency),
        origin=html.escape(page.origin),
        item_title=html.escape(page.item_title or ""),
        if_item=_hidden(unless=page.item_title is not None),
        purpose_text=html.escape(page.purpose[chosen] if page.purpose else ""),
        if_purpose=_hidden(unless=page.purpose is not None),
        fields="".join(f"<li>{html.escape(label[chosen])}</li>" for label in page.fields),
        if_fields=_hidden(unless=bool(page.fields)),
        if_no_fields=_hidden(unless=not page.fields),
        if_sandbox=_hidden(unless=page.sandbox),
        if_open=_hidden(unless=state in _OPEN),
        if_waiting=_hidden(unless=state in _WAITING),
        number_shown=html.escape(page.number or ""),
        if_number=_hidden(unless=bool(page.number)),
        if_no_number=_hidden(unless=not page.number),
        refresh=_refresh(state, html.escape(base)),
    ).encode()


def _hidden(*, unless: bool) -> str:
    return "" if unless else " hidden"


def _refresh(state: str, base: str) -> str:
    """Without scripts the page asks again by itself, goes on once decided, and stays once expired."""
    if state in _DECIDED:
        content = f"0; url={base}/done"
    elif state in _OPEN:
        content = str(_REFRESH)
    else:
        return ""
    return f'<noscript><meta http-equiv="refresh" content="{content}"></noscript>'
