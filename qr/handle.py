"""The handle inside a code, and the card's place in the status list: what only the issuer can undo."""

import os
import struct
import threading
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from ecard.vault import Vault
from qr.status import Permutation

_BLOCK = struct.Struct(">IIQ")


class _Contexts(threading.local):
    """Block ciphers by key, one for each thread: a block stands alone, so a context is never finished."""

    def __init__(self) -> None:
        self.encrypt = lru_cache(16)(lambda key: self._cipher(key).encryptor())
        self.decrypt = lru_cache(16)(lambda key: self._cipher(key).decryptor())

    @staticmethod
    def _cipher(key: bytes) -> Cipher[modes.ECB]:
        return Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305 - see `seal`


_contexts = _Contexts()


def seal(vault: Vault, kid: str, card: int, device: int, count: int = 1) -> list[bytes]:
    """Return `count` fresh handles: card, device and 64 random bits, each under one block of AES-256.

    No two blocks are equal, so that the cipher's plain use, as a pseudo-random permutation, hides
    everything: two handles of one card have nothing in common.
    """
    random = os.urandom(8 * count)
    blocks = b"".join([_BLOCK.pack(card, device, int.from_bytes(random[n : n + 8])) for n in range(0, 8 * count, 8)])
    context: CipherContext = _contexts.encrypt(vault.derive("handle " + kid))
    sealed = context.update(blocks)
    return [sealed[n : n + _BLOCK.size] for n in range(0, len(sealed), _BLOCK.size)]


def unseal(vault: Vault, kid: str, handle: bytes) -> tuple[int, int]:
    """Return card and device of a handle; the code's signature vouches that it is ours."""
    context: CipherContext = _contexts.decrypt(vault.derive("handle " + kid))
    card, device, _ = _BLOCK.unpack(context.update(handle))
    return card, device


@lru_cache(16)
def permutation(vault: Vault, epoch: int, bits: int) -> Permutation:
    """Return the order of the status list on the day `epoch`."""
    return Permutation(vault.derive(f"status {epoch}"), bits)
