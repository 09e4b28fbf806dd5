"""What callers hold and we keep only the SHA-256 of: codes, handles, secrets, refresh tokens.

Each has 256 random bits, so a plain hash is enough: nobody can try them.
"""

import secrets
from hashlib import sha256

from ecard.encoding import b64url

BYTES = 32


def new_secret() -> str:
    """Return a new secret, 43 characters of base64url."""
    return b64url(secrets.token_bytes(BYTES))


def hashed(secret: str) -> bytes:
    """Return what is kept of a secret, 32 bytes."""
    return sha256(secret.encode()).digest()


def left_half(value: str) -> str:
    """Return the left half of a SHA-256, base64url (`at_hash`: OpenID Connect Core §3.1.3.6)."""
    return b64url(sha256(value.encode()).digest()[: BYTES // 2])
