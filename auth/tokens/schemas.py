"""JSON of the token endpoint and of userinfo."""

from typing import Any

import msgspec


class TokenAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A successful answer of the token endpoint (RFC 6749 §5.1)."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str | None = None
    refresh_token: str | None = None
    id_token: str | None = None
    authorization_details: list[Any] | None = None

    def __repr__(self) -> str:
        """Return the type alone: what is inside belongs in no log."""
        return "TokenAnswer(…)"
