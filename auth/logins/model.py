"""The states and texts of a login; pure.

    pending ──scan──▶ scanned ──▶ confirmed | declined
       └───────────────┴──── time ──▶ expired

The number 配对数字 stands on the PC's screen alone: who confirms on the phone must see that screen.
"""

import re
import secrets
from base64 import b32decode, b32encode
from binascii import Error as NotBase32
from enum import StrEnum

from ecard.encoding import b64url, unb64url

LOGIN_SECONDS = 300
"""Life of a login, whatever is renewed."""
QR_SECONDS = 120
QR_RENEW_SECONDS = 100
"""Age at which the next QR is shown; the one before still works for its last seconds."""
CIBA_SECONDS = 120
INTERVAL = 5
"""Seconds between two polls of a device, to begin with (RFC 8628 §3.2)."""
PREFIX = "ECL1:"
QR_BYTES = 16
_HANDLE = 26
_KEY = 52
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_USER_CODE = re.compile(rf"[{_LETTERS}]{{4}}-?[{_LETTERS}]{{4}}")
_BROWSERS = (
    ("Edg", "Edge"),
    ("MicroMessenger", "WeChat"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


class Channel(StrEnum):
    """How a login reaches the phone: a page's QR, a device's QR, a message to a known holder, the same phone."""

    PAGE = "page"
    DEVICE = "device"
    CIBA = "ciba"
    APP = "app"


class State(StrEnum):
    """Where a login stands."""

    PENDING = "pending"
    SCANNED = "scanned"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    EXPIRED = "expired"


def qr_text(secret: bytes, jkt: str | None) -> str:
    """Return what a login's QR holds: no address to open, only a handle, and a kiosk's key (RFC 10027).

    Letters and digits alone, so that it stays a small QR code: 31 characters, or 83 with a key.
    """
    key = unb64url(jkt) if jkt else b""
    return PREFIX + _b32(secret) + (_b32(key) if key else "")


def read_qr(text: str) -> tuple[bytes, str | None]:
    """Return handle and key of a scanned text; ValueError for any other text."""
    body = text.removeprefix(PREFIX)
    if not text.startswith(PREFIX) or len(body) not in {_HANDLE, _HANDLE + _KEY}:
        msg = "not a login code"
        raise ValueError(msg)
    handle, key = body[:_HANDLE], body[_HANDLE:]
    return _unb32(handle), b64url(_unb32(key)) if key else None


def looks_like_user_code(text: str) -> bool:
    """Return whether a holder typed a device's code instead of scanning."""
    return _USER_CODE.fullmatch(text.upper()) is not None


def new_user_code() -> str:
    """Return a code to type: 8 of 20 letters without vowels (RFC 8628 §6.1), 34 bits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(8))


def plain_user_code(text: str) -> str:
    """Return a typed code as it is stored."""
    return text.upper().replace("-", "")


def new_number() -> int:
    """Return the two digits that a PC shows, 10 to 99."""
    return 10 + secrets.randbelow(90)


def browser_name(user_agent: str) -> str:
    """Return "Chrome · Windows" of a User-Agent, as much as a holder can recognize; "" where nothing is known."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    return " · ".join(part for part in (browser, system) if part)


def _b32(raw: bytes) -> str:
    return b32encode(raw).decode().rstrip("=")


def _unb32(text: str) -> bytes:
    try:
        raw = b32decode(text + "=" * (-len(text) % 8))
    except NotBase32:
        raise ValueError(text[:0]) from None
    if _b32(raw) != text:
        msg = "not canonical base32"
        raise ValueError(msg)
    return raw
