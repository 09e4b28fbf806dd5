"""Who may call, and the sealed ticket that says so.

A session is a ticket that the server keeps nothing of (as RFC 8446's): it holds who the caller is and
the key that each call's MAC is made with. So reading one takes no look-up, and a stolen ticket
without its key is useless.
"""

import os
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ecard.encoding import b64url, unb64url
from ecard.errors import Text, Unauthenticated

SESSION_SECONDS = 12 * 3600
_NONCE = 12


class Caller(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """What every caller has: a registered key, its number, the session's key and its end (Unix seconds)."""

    actor: UUID
    seq: int
    key: bytes
    expires: int

    def __repr__(self) -> str:
        """Return the type alone: what is inside belongs in no log."""
        return f"{type(self).__name__}(…)"


class Holder(Caller, frozen=True, array_like=True, kw_only=True, tag="holder"):
    """A holder's phone: the card, the channel it was bound in, and until when a password counts as just proven.

    `fare` is the card's fare class on public transport, to be vouched for until `fare_until` (Unix seconds).
    """

    card: int
    channel: UUID
    verified_until: int = 0
    fare: int = 0
    fare_until: int = 0


class Terminal(Caller, frozen=True, array_like=True, kw_only=True, tag="terminal"):
    """A terminal of an agency: counter, kiosk, gate, till or online service; `region` is a GB/T 2260 code."""

    agency: UUID
    agency_name: str
    setting: str
    region: str
    site: str


class Operator(Caller, frozen=True, array_like=True, kw_only=True, tag="operator"):
    """A bureau's operator, by role."""

    role: str


class Channel(Caller, frozen=True, array_like=True, kw_only=True, tag="channel"):
    """A service channel's server (渠道): an app, mini-program, bank … that issues e-cards."""

    kind: str
    tier: int


AnyCaller = Holder | Terminal | Operator | Channel
_decoder = msgspec.msgpack.Decoder(AnyCaller)


class SessionInvalid(Unauthenticated):
    """The ticket is not ours, or its time is over."""

    code = "session_invalid"
    title = Text("会话无效或已过期", "The session is not valid or has ended")
    action = Text("请用设备密钥重新建立会话。", "Open a new session with the device's key.")


class Tickets:
    """Seals callers into tickets and opens them again."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, caller: AnyCaller) -> str:
        """Return the ticket of `caller`, base64url."""
        nonce = os.urandom(_NONCE)
        return b64url(nonce + self._aead.encrypt(nonce, msgspec.msgpack.encode(caller), b""))

    def open(self, ticket: str, now: float) -> AnyCaller:
        """Return who holds `ticket`; raises SessionInvalid."""
        try:
            raw = unb64url(ticket)
            caller: AnyCaller = _decoder.decode(self._aead.decrypt(raw[:_NONCE], raw[_NONCE:], b""))
        except (ValueError, InvalidTag, msgspec.DecodeError):
            raise SessionInvalid from None
        if now >= caller.expires:
            raise SessionInvalid
        return caller
