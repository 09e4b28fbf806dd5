"""Which picture of a code a caller accepts (RFC 9110 §12.5.1); JSON is none."""

from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache

from litestar.datastructures.headers import Accept

from qr import render

DRAWINGS: Mapping[str, Callable[[str], Awaitable[bytes]]] = {
    "text/plain": render.plain,
    "image/svg+xml": render.svg,
    "image/png": render.png,
}
"""How a code's text is drawn, by media type."""


@lru_cache(maxsize=64)
def preferred(accept: str) -> str | None:
    """Return which of the drawings an `Accept` header prefers, None for JSON: also where it names none of them."""
    try:
        found = Accept(accept).best_match(["application/json", *DRAWINGS])
    except (ValueError, OverflowError):
        return None
    return found if found in DRAWINGS else None
