"""The handle inside a code, and the card's place in the status list: what only the issuer can undo."""

import os
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ecard.vault import Vault
from qr.status import Permutation

_BLOCK = struct.Struct(">IIQ")


def seal(vault: Vault, kid: str, card: int, device: int, count: int = 1) -> list[bytes]:
    """Return `count` fresh handles: card, device and 64 random bits, each under one block of AES-256.

    No two blocks are equal, so that the cipher's plain use, as a pseudo-random permutation, hides
    everything: two handles of one card have nothing in common.
    """
    random = os.urandom(8 * count)
    blocks = b"".join(_BLOCK.pack(card, device, int.from_bytes(random[8 * n : 8 * n + 8])) for n in range(count))
    sealed = _cipher(vault, kid).encryptor().update(blocks)
    return [sealed[n : n + _BLOCK.size] for n in range(0, len(sealed), _BLOCK.size)]


def unseal(vault: Vault, kid: str, handle: bytes) -> tuple[int, int]:
    """Return card and device of a handle; the code's signature vouches that it is ours."""
    card, device, _ = _BLOCK.unpack(_cipher(vault, kid).decryptor().update(handle))
    return card, device


def _cipher(vault: Vault, kid: str) -> Cipher[modes.ECB]:
    return Cipher(algorithms.AES(vault.derive(f"handle {kid}")), modes.ECB())  # noqa: S305 - see `seal`


def permutation(vault: Vault, epoch: int, bits: int) -> Permutation:
    """Return the order of the status list on the day `epoch`."""
    return Permutation(vault.derive(f"status {epoch}"), bits)
