"""The checks that every code passes, online and offline alike: known key, right signature, right time."""

from collections.abc import Mapping
from typing import NamedTuple

from ecard.keys import Suite, Verifier, verifier
from qr.errors import CodeForged, CodeKeyRevoked, CodeKeyUnknown
from qr.model import Code, check_time, parse

_ED25519_MARK = 0xED


class SlotKey(NamedTuple):
    """A code-signing key as a verifier knows it."""

    verifier: Verifier
    revoked: bool = False


def open_code(scanned: str, keys: Mapping[int, SlotKey], now: float) -> Code:
    """Return the code in `scanned`, proven to be the issuer's and valid at `now` (Unix seconds).

    Card status and single use are the caller's next questions. Raises the errors of `qr.errors`.
    """
    code = parse(scanned)
    key = keys.get(code.body.slot)
    if key is None:
        raise CodeKeyUnknown
    if key.revoked:
        raise CodeKeyRevoked
    if not key.verifier.verify(code.signed, code.signature):
        raise CodeForged
    if code.tail is not None and not _device(code.device_key).verify(code.device_signed, code.device_signature):
        raise CodeForged
    check_time(code, now)
    return code


def pack_device_key(suite: Suite, public: bytes) -> bytes:
    """Return a device's public key in 33 bytes: SEC 1's compressed point, or 0xED and the Ed25519 key."""
    if suite is Suite.EDDSA:
        return bytes((_ED25519_MARK,)) + public
    return bytes((2 + (public[-1] & 1),)) + public[1:33]


def _device(packed: bytes) -> Verifier:
    suite, public = (Suite.EDDSA, packed[1:]) if packed[0] == _ED25519_MARK else (Suite.ES256, packed)
    try:
        return verifier(suite, public)
    except ValueError:
        raise CodeForged from None
