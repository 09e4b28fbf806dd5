"""Fictitious settlements of item A2-52."""

from cardio.bridge.messages import Settlement


def settlement(n: int = 1) -> Settlement:
    """Return the settlement number `n` of a fictitious clinic."""
    return Settlement(
        institution="H11990000001",
        serial=f"20261125{n:06d}",
        settled_at="2026-11-25T09:30:00+08:00",
        total=12_850,
        fund=9_000,
        account=3_000,
        cash=850,
    )
