"""What one master key protects: sealed columns, blind indexes, pseudonyms, and every symmetric key.

Each use has its own key, derived by HKDF (RFC 5869) from the master key and the use's name, so that
no two uses share one. A copy of the database alone shows no name, number or private key.
"""

import hmac
import os
from collections.abc import Callable
from functools import cache
from hashlib import blake2b

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MASTER_KEY_BYTES = 32
_VERSION = b"\x01"
_NONCE = 12


class SealBroken(Exception):
    """A sealed value does not open: another master key, another place, or altered bytes."""


class Vault:
    """Sealing and derivation under one master key."""

    def __init__(self, master_key: bytes) -> None:
        """Take the 32-byte master key; ValueError for another length."""
        if len(master_key) != MASTER_KEY_BYTES:
            msg = f"a master key has {MASTER_KEY_BYTES} bytes"
            raise ValueError(msg)
        self._master = master_key
        self.derive = cache(self._derive)
        self._aead = cache(lambda place: AESGCM(self.derive(f"seal:{place}")))

    def _derive(self, use: str) -> bytes:
        return HKDF(SHA256(), 32, salt=b"ecard", info=use.encode()).derive(self._master)

    def seal(self, place: str, plain: bytes) -> bytes:
        """Return `plain` under AES-256-GCM; it opens only for the same `place` ("holder.profile")."""
        nonce = os.urandom(_NONCE)
        return _VERSION + nonce + self._aead(place).encrypt(nonce, plain, _VERSION)

    def open(self, place: str, sealed: bytes) -> bytes:
        """Return what was sealed for `place`; SealBroken when it does not open."""
        try:
            return self._aead(place).decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], sealed[:1])
        except (InvalidTag, ValueError) as broken:
            raise SealBroken(place) from broken

    def index(self, place: str, value: str) -> bytes:
        """Return a blind index (16 bytes of HMAC-SHA256): equal values meet, the value stays hidden."""
        return self.mac(f"index:{place}", value.encode())[:16]

    def mac(self, use: str, message: bytes) -> bytes:
        """Return HMAC-SHA256 of `message` under the key of `use`, 32 bytes."""
        return hmac.digest(self.derive(use), message, "sha256")

    def keyed(self, use: str) -> Callable[[bytes], bytes]:
        """Return a pseudo-random function of one use (keyed BLAKE2b, RFC 7693), 16 bytes; for hot loops."""
        key = self.derive(use)
        return lambda message: blake2b(message, key=key, digest_size=16).digest()
