"""An authorization request that was found good; pure."""

from uuid import UUID

import msgspec

from auth.grants.model import Wanted

PUSHED_SECONDS = 90
"""Life of a pushed request: until the browser has come with it (RFC 9126 §2.2; FAPI 2.0: under 600)."""
URN = "urn:ietf:params:oauth:request_uri:"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks, in which words the answer goes back, and how the holder must be there.

    `prompt` holds the words of OpenID Connect Core §3.1.2.1; `max_age` is in seconds. `challenge` is PKCE's,
    `jkt` the key that the code is bound to; both are empty where no code is issued (device, CIBA). `sub` is whom
    an ID token given as a hint names: nobody else may answer.
    """

    client: UUID
    wanted: Wanted
    redirect_uri: str = ""
    state: str | None = None
    nonce: str | None = None
    challenge: str = ""
    jkt: str | None = None
    sub: str | None = None
    prompt: list[str] = []
    max_age: int | None = None
    language: str = ""
    binding_message: str | None = None

    def bound_to(self, jkt: str) -> "Asked":
        """Return the request with its code bound to the key that pushed it (RFC 9449 §10.1)."""
        return msgspec.structs.replace(self, jkt=jkt)
