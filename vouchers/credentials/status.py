"""The status list of certificates: W3C Bitstring Status List 1.0; pure.

One bit a certificate, the first at the left-most bit, at least 131,072 of them so that looking one up says nothing,
compressed by gzip and written in multibase base64url ("u"). ADR 0031 says why not that of the dead cards.
"""

import datetime
import gzip
import zlib
from collections.abc import Iterable
from typing import Any

from ecard.encoding import b64url, unb64url
from vouchers.credentials.model import W3C, list_url

PLACES = 1 << 17
"""Places of a list: the 16 KiB that the specification wants at least (§2.1)."""
LIFE = 24 * 3600
"""Seconds that a published list may be relied on."""
_BYTES = PLACES // 8
_GZIP = 31
"""zlib's window bits for a gzip stream and no other (RFC 1952)."""


def encoded(places: Iterable[int]) -> str:
    """Return the list in which the certificates at `places` are revoked; the same places give the same text."""
    bits = bytearray(_BYTES)
    for place in places:
        bits[place >> 3] |= 0x80 >> (place & 7)
    return "u" + b64url(gzip.compress(bytes(bits), mtime=0))


class Revoked:
    """A list as a verifier holds it."""

    def __init__(self, text: str) -> None:
        """Unpack an `encodedList`; ValueError when it is not one of PLACES bits (and no larger: a bomb stops here)."""
        if not text.startswith("u"):
            msg = "not multibase base64url"
            raise ValueError(msg)
        unpacker = zlib.decompressobj(_GZIP)
        try:
            raw = unpacker.decompress(unb64url(text[1:]), _BYTES + 1)
        except zlib.error as error:
            raise ValueError from error
        if len(raw) != _BYTES or not unpacker.eof:
            msg = "a status list of another size"
            raise ValueError(msg)
        self._bits = raw

    def at(self, place: int) -> bool:
        """Return whether the certificate at `place` is revoked; IndexError outside the list."""
        if not 0 <= place < PLACES:
            raise IndexError
        return bool(self._bits[place >> 3] & (0x80 >> (place & 7)))


def credential(issuer: str, number: int, places: Iterable[int], now: float) -> dict[str, Any]:
    """Return list `number` as a BitstringStatusListCredential, good for LIFE seconds from `now`."""
    url, made = list_url(issuer, number), int(now)
    return {
        "@context": [W3C],
        "id": url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer,
        "validFrom": _time(made),
        "validUntil": _time(made + LIFE),
        "credentialSubject": {
            "id": f"{url}#list",
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": encoded(places),
        },
        "iss": issuer,
        "iat": made,
        "exp": made + LIFE,
    }


def _time(seconds: int) -> str:
    return f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
