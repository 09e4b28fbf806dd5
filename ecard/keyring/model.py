"""What a signing key may do at a given time; pure.

A ring has, for each purpose, one current key and one standby that is published but unused, so that
even after a compromise the next signature is made by a key that every verifier already knows.

    standby ──rotate──▶ current ──rotate──▶ verifying ──life of what it signed──▶ expired
                           └────revoke────▶ revoked (at once, for ever)
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from ecard.errors import Text, Unavailable
from ecard.keys import Signer, Suite, Verifier
from ecard.tokens import PublicKey

LEAD = 24 * 3600
"""Seconds that a key is published before its first use: twice a verifier's longest cache (12 h)."""
SLOTS = 256
"""A dynamic code names its key in one byte."""


def key_url(issuer: str, kid: str) -> str:
    """Return a key's name in a certificate or credential: a URL that gives its JWK (Open Badges 3.0 §8.4)."""
    return f"{issuer}/v1/credentials/keys/{kid}"


class Purpose(StrEnum):
    """What a key signs; no key signs for two purposes."""

    CODE = "code"
    ASSERTION = "assertion"
    ANCHOR = "anchor"
    TOKEN = "token"  # noqa: S105 - a purpose's name
    CREDENTIAL = "credential"
    DOCUMENT = "document"
    DOCUMENT_CA = "document_ca"


LIFE = {
    Purpose.CODE: 25 * 3600,
    Purpose.ASSERTION: 3600,
    Purpose.ANCHOR: 10 * 365 * 86400,
    Purpose.TOKEN: 3600,
    Purpose.CREDENTIAL: 10 * 365 * 86400,
    Purpose.DOCUMENT: 10 * 365 * 86400,
    Purpose.DOCUMENT_CA: 20 * 365 * 86400,
}
"""Seconds that a retired key still verifies: longer than the last thing that it signed lives.

A code certificate lives 24 h, an assertion 60 s, a token 5 min; seals of the audit log must verify for years, and so
must a certificate of training that its owner has printed, and a document; its issuer outlives both.
"""


class NoKey(Unavailable):
    """The ring has no key in use for this purpose."""

    code = "no_signing_key"
    title = Text("暂无可用签名密钥", "No signing key is in use")
    action = Text(
        "请联系平台轮换密钥 (ecard keys rotate)。", "Ask the operator to rotate the keys (ecard keys rotate)."
    )


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key of the ring; times are Unix seconds, `use_from` None marks the standby."""

    kid: str
    purpose: Purpose
    slot: int
    suite: Suite
    public: bytes
    signer: Signer
    verifier: Verifier
    created_at: float
    use_from: float | None
    verify_until: float | None
    revoked_at: float | None

    def verifies(self, now: float) -> bool:
        """Return whether a signature of this key is accepted at `now`."""
        return self.revoked_at is None and (self.verify_until is None or now < self.verify_until)

    def state(self, now: float) -> str:
        """Return standby, next, current, verifying, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        if self.use_from is None:
            return "standby"
        if now < self.use_from:
            return "next"
        if self.verify_until is None:
            return "current"
        return "verifying" if now < self.verify_until else "expired"


def _rank(key: Key) -> tuple[bool, float]:
    # A key that a hurried rotation overtook while it waited is retired already: what it signed would end too soon.
    return key.verify_until is None, key.use_from or 0.0


class Keyring:
    """The keys in memory, replaced as a whole when the table has changed."""

    def __init__(self, keys: Iterable[Key] = (), as_of: float = 0.0) -> None:
        self.replace(keys, as_of)

    def replace(self, keys: Iterable[Key], as_of: float) -> None:
        """Take `keys`, read from the table at `as_of` (Unix seconds)."""
        self.keys: Mapping[str, Key] = {key.kid: key for key in keys}
        self.as_of = as_of
        self.codes = {key.slot: key for key in self.keys.values() if key.purpose is Purpose.CODE}

    def signing(self, purpose: Purpose, now: float) -> Key:
        """Return the key that signs at `now`: the latest in use. Raises NoKey."""
        best: Key | None = None
        for key in self.keys.values():
            usable = key.purpose is purpose and key.verifies(now) and key.use_from is not None
            if usable and key.use_from <= now and (best is None or _rank(key) > _rank(best)):  # type: ignore[operator] # None was excluded above
                best = key
        if best is None:
            raise NoKey
        return best

    def published(self, purpose: Purpose, now: float) -> list[Key]:
        """Return the keys that a verifier should know: in use, to be used, and not yet expired."""
        return [key for key in self.keys.values() if key.purpose is purpose and key.verifies(now)]

    def public(self, purpose: Purpose, now: float) -> dict[str, PublicKey]:
        """Return the published keys by `kid`, as the token reader wants them."""
        return {key.kid: PublicKey(key.suite, key.public) for key in self.published(purpose, now)}
