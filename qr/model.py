"""The EC1 code: what stands in it, byte by byte, and when it is valid; pure.

    "EC1:" Base45( body ‖ proof )

T, a signed ticket, 93 bytes (QR version 6 at error correction M, whose limit is 100):

    0  version 1 and mode     8  lifetime in steps        29  issuer's signature (64)
    1  key slot               9  place in the status list (4)
    2  scene                 13  handle (16)
    3  flags
    4  time step (4)

D, a device chain, 199 bytes (version 10), for a phone that stays offline longer: the issuer's
certificate of the device's key (as T, the step being its first and the lifetime in hours, then the
key, 33 bytes, and the signature), then scene, time step and nonce under the device's signature.

Mode 3 is no holder's code: a place shows it, and holders' phones scan it (`qr/posted.py`).

The handle hides card, device and a nonce in one cipher block: whoever sees two codes of one card
cannot tell. The place is the card's in the day's status list, permuted anew each day.
The format is on paper and in terminals: fields are never reordered or removed; a change is "EC2:".
"""

import struct
from enum import IntEnum
from hashlib import sha256
from typing import NamedTuple

from ecard.catalogue.model import Scene
from ecard.clock import SKEW
from qr import base45
from qr.errors import (
    CodeClockSkew,
    CodeExpired,
    CodeForeign,
    CodeFullWidth,
    CodeMalformed,
    CodeTooLong,
    CodeTruncated,
)

PREFIX = "EC1:"
STEP = 30
"""Seconds after which a screen shows a new code."""
LIFETIME = 2
"""Steps that a ticket is valid: 60 seconds."""
EPOCH = 86400
"""Seconds for which a card keeps its place in the status list; from midnight UTC."""
MAX_TEXT = 311
"""Characters of the largest code that stays QR version 10, M; the longest scan that is read at all."""
PASSWORD_PROVEN = 0b1
"""Flag: the holder's password was proven on the device within five minutes of the code's step."""
RELATIVE = 0b10
"""Flag: somebody else, who may act for the holder, shows the code. Verifiers ignore flags they do not know."""
_FARE_SHIFT, _FARE_MASK = 2, 0b111

_VERSION = 1
TICKET, CHAIN, POSTED = 1, 2, 3
_BODY = struct.Struct(">BBBBIBI16s")
_KEY = 33
_SIGNATURE = 64
_TAIL = struct.Struct(">BII")
_CERTIFICATE = _BODY.size + _KEY
TICKET_BYTES = _BODY.size + _SIGNATURE
CHAIN_BYTES = _CERTIFICATE + _SIGNATURE + _TAIL.size + _SIGNATURE


class FareClass(IntEnum):
    """票价类别, flags 2 to 4 of a ride code: what is charged, never why. The numbers are in gates: none may change."""

    FULL = 0
    FREE = 1
    HALF = 2

    @property
    def flags(self) -> int:
        """The bits that say it."""
        return self << _FARE_SHIFT


_FARES = {one.value: one for one in FareClass}


class Body(NamedTuple):
    """The issuer's words: of a ticket, or of a device's certificate (then `lifetime` is in hours)."""

    mode: int
    slot: int
    scene: int
    flags: int
    step: int
    lifetime: int
    place: int
    handle: bytes

    def pack(self) -> bytes:
        """Return the 29 bytes of the body."""
        return _BODY.pack(_VERSION << 4 | self.mode, *self[1:])

    @classmethod
    def unpack(cls, raw: bytes) -> "Body":
        """Return the body that `raw` begins with."""
        first, *fields = _BODY.unpack_from(raw)
        return cls(first & 0xF, *fields)


class Tail(NamedTuple):
    """The device's words in a chain: for which scene and step, and a nonce for the next code in one step."""

    scene: int
    step: int
    nonce: int

    def pack(self) -> bytes:
        """Return the 9 bytes of the tail."""
        return _TAIL.pack(*self)


class Code(NamedTuple):
    """A code taken apart; nothing of it is verified yet."""

    body: Body
    signed: bytes
    signature: bytes
    device_key: bytes = b""
    tail: Tail | None = None
    device_signed: bytes = b""
    device_signature: bytes = b""

    @property
    def scene(self) -> int:
        """The scene that the code is for."""
        return self.body.scene if self.tail is None else self.tail.scene

    @property
    def step(self) -> int:
        """The time step in which it is shown."""
        return self.body.step if self.tail is None else self.tail.step

    @property
    def fare(self) -> FareClass:
        """The fare class that the issuer vouches for; full where the code is for no ride, or the class unknown."""
        fare = self.body.flags >> _FARE_SHIFT & _FARE_MASK
        return _FARES.get(fare, FareClass.FULL) if self.scene == Scene.RIDE else FareClass.FULL

    @property
    def epoch(self) -> int:
        """The day whose status list its index belongs to."""
        return self.body.step * STEP // EPOCH


def step_at(now: float) -> int:
    """Return the time step of `now` (Unix seconds)."""
    return int(now) // STEP


def signed_ticket(body: bytes) -> bytes:
    """Return what the issuer signs: the body, under the format's name."""
    return b"EC1T" + body


def signed_certificate(certificate: bytes) -> bytes:
    """Return what the issuer signs of a device certificate (body and key)."""
    return b"EC1C" + certificate


def signed_tail(certificate: bytes, tail: bytes) -> bytes:
    """Return what the device signs: its certificate and the tail."""
    return b"EC1D" + certificate + tail


def text(raw: bytes) -> str:
    """Return the text of a code's bytes, as a QR code shows it."""
    return PREFIX + base45.encode(raw)


def unwrap(scanned: str) -> bytes:
    """Return the bytes in a scanned text.

    Raises CodeMalformed, CodeTruncated, CodeTooLong, CodeFullWidth or CodeForeign.
    """
    if not scanned.startswith(PREFIX):
        raise _not_ours(scanned)
    if len(scanned) > MAX_TEXT:
        raise CodeTooLong
    try:
        return base45.decode(scanned[len(PREFIX) :])
    except base45.NotBase45:
        raise _unreadable(scanned) from None


def mode_of(raw: bytes) -> int:
    """Return the mode of a code's bytes, 0 where the version is not ours."""
    return raw[0] & 0xF if raw and raw[0] >> 4 == _VERSION else 0


def parse(scanned: str) -> Code:
    """Take a scanned text apart.

    Raises the error that says what the scan is instead: CodeMalformed, CodeTruncated, CodeTooLong,
    CodeFullWidth or CodeForeign.
    """
    raw = unwrap(scanned)
    mode = mode_of(raw)
    wanted = {TICKET: TICKET_BYTES, CHAIN: CHAIN_BYTES}.get(mode)
    if wanted is None:
        raise CodeTruncated if not raw else CodeMalformed
    if len(raw) != wanted:
        raise CodeTruncated if len(raw) < wanted else CodeTooLong
    body = Body.unpack(raw)
    if mode == TICKET:
        return Code(body, signed_ticket(raw[: _BODY.size]), raw[_BODY.size :])
    certificate, signature = raw[:_CERTIFICATE], raw[_CERTIFICATE : _CERTIFICATE + _SIGNATURE]
    tail = raw[_CERTIFICATE + _SIGNATURE : -_SIGNATURE]
    return Code(
        body,
        signed_certificate(certificate),
        signature,
        certificate[_BODY.size :],
        Tail(*_TAIL.unpack(tail)),
        signed_tail(certificate, tail),
        raw[-_SIGNATURE:],
    )


def check_time(code: Code, now: float) -> None:
    """Check that `code` is valid at `now` (Unix seconds), give or take SKEW.

    On or after its end it is dead (RFC 7519 §4.1.4). Raises CodeExpired with `age_seconds`, or
    CodeClockSkew with `offset_seconds`. A device may sign only within its certificate's hours.
    """
    start = code.step * STEP
    lifetime = LIFETIME if code.tail is not None else code.body.lifetime
    end = start + lifetime * STEP
    if code.tail is not None:
        first = code.body.step * STEP
        start, end = max(start, first), min(end, first + code.body.lifetime * 3600)
    if now < start - SKEW:
        raise CodeClockSkew(offset_seconds=round(start - now), server_time=int(now))
    if now >= end + SKEW:
        raise CodeExpired(age_seconds=round(now - end), server_time=int(now))


def once_key(code: Code) -> bytes:
    """Return what a code burns when it is used: its handle, or in a chain the handle with step and nonce."""
    if code.tail is None:
        return code.body.handle
    return sha256(b"chain" + code.body.handle + code.tail.pack()).digest()[:16]


def number_key(card: int, step: int, scene: int) -> bytes:
    """Return what the digits of a screen burn: one use for a card, step and scene."""
    return sha256(b"number" + card.to_bytes(4) + step.to_bytes(4) + scene.to_bytes(1)).digest()[:16]


_PAYMENT_CODES = (
    ("wechat_pay", range(18, 19), range(10, 16)),
    ("alipay", range(16, 25), range(25, 31)),
    ("unionpay", range(19, 20), range(62, 63)),
)
"""Payment apps' codes: whose, how many digits, and the first two."""


def _not_ours(scanned: str) -> Exception:
    """Say what a scan that is not EC1 is; it may be a payment app's digits or a link."""
    if _full_width(scanned):
        return CodeFullWidth()
    if len(scanned) > MAX_TEXT:
        return CodeTooLong()
    if scanned.isascii() and scanned.isdecimal():
        for whose, lengths, leads in _PAYMENT_CODES:
            if len(scanned) in lengths and int(scanned[:2]) in leads:
                return CodeForeign(belongs_to=whose)
    if scanned.startswith("hQVDUFYwMW"):
        return CodeForeign(belongs_to="emv")
    if "://" in scanned[:12]:
        return CodeForeign(belongs_to="url")
    return CodeTruncated() if scanned and PREFIX.startswith(scanned) else CodeMalformed()


def _unreadable(scanned: str) -> Exception:
    if _full_width(scanned):
        return CodeFullWidth()
    # With its last group filled up, a text that lost its end is Base45; one with an impossible character is not.
    rest = scanned[len(PREFIX) :]
    try:
        base45.decode(rest + "0" * (-len(rest) % 3))
    except base45.NotBase45:
        return CodeMalformed()
    return CodeTruncated()


def _full_width(scanned: str) -> bool:
    return any("！" <= c <= "～" or c == "　" for c in scanned)
