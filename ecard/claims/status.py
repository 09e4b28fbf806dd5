"""The status list of credentials: an IETF Token Status List (draft-ietf-oauth-status-list), one bit each; pure.

The bitmap is that of the dead cards (`qr.status`): the first status in the lowest bit, compressed by zlib.
"""

from collections.abc import Iterable
from typing import Any

from qr.status import compress

PLACE_BITS = 17
"""Places of a list: 2^17, so that looking one up says nothing."""
LIFE = 24 * 3600
"""Seconds that a published list may be relied on."""
FRESH = 60
"""Seconds after which a verifier that is online looks again (`ttl`)."""


def list_url(issuer: str, number: int) -> str:
    """Return where a status list is published."""
    return f"{issuer}/v1/claims/status/{number}"


def status_list(issuer: str, number: int, places: Iterable[int], now: float) -> dict[str, Any]:
    """Return the claims of list `number`, in which the credentials at `places` are revoked."""
    return {
        "iss": issuer,
        "sub": list_url(issuer, number),
        "iat": int(now),
        "exp": int(now) + LIFE,
        "ttl": FRESH,
        "status_list": {"bits": 1, "lst": compress(places, PLACE_BITS)},
    }
