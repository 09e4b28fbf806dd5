"""签到 (check-in): how far a phone is from its class, how long an upload may take; pure."""

import math
from enum import StrEnum

UPLOAD_DAYS = 7
"""Days after which a terminal that was offline brings a check-in too late."""
_EARTH = 6_371_000
"""Mean radius, metres (IUGG)."""


class CheckedBy(StrEnum):
    """What a check-in was proven by."""

    CODE = "code"
    CARD = "card"
    CLASS_CODE = "class_code"
    OFFLINE = "offline"


def metres(from_: tuple[float, float], to: tuple[float, float]) -> int:
    """Return the distance of two places (latitude, longitude in degrees), rounded to metres (haversine)."""
    (a, b), (c, d) = ((math.radians(one[0]), math.radians(one[1])) for one in (from_, to))
    h = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    return round(2 * _EARTH * math.asin(min(1.0, math.sqrt(h))))
