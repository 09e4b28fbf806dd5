"""Diversified keys and the two authentications, for the sandbox's cards, PSAM and HSM.

How the real process keys of SM4 cards are derived is not public. The shape is that of terminals in the field: a
master key, by area, then by card; a process key by the first half of a challenge; the second half encrypted under it.
What is encrypted where is this project's own, in the manner of the PBOC specification (a key's left half from the
factor, its right half from the factor's complement).
"""

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import ECB

from cardio.errors import KeyMissing
from cardio.keys.model import HALF
from cardio.profile.versions import Algorithm

KEY = 16
"""Bytes of every key."""


def diversify(algorithm: Algorithm, key: bytes, factor: bytes) -> bytes:
    """Return the key of 16 bytes below `key` for a factor of 8; raises KeyMissing where the algorithm is not public."""
    return _encrypt(algorithm, key, factor + bytes(byte ^ 0xFF for byte in factor))


def card_key(algorithm: Algorithm, master: bytes, area: bytes, serial: bytes) -> bytes:
    """Return a card's key: by area (8 bytes), then by the card's serial (8 bytes)."""
    return diversify(algorithm, diversify(algorithm, master, area), serial)


def cryptogram(algorithm: Algorithm, key: bytes, challenge: bytes) -> bytes:
    """Return the 8 bytes that prove `key`, for a challenge of 16: process factor, then original."""
    factor, original = challenge[:HALF], challenge[HALF:]
    return _encrypt(algorithm, diversify(algorithm, key, factor), original + b"\x80" + bytes(HALF - 1))[:HALF]


def opening(algorithm: Algorithm, key: bytes, random: bytes) -> bytes:
    """Return the 16 bytes of EXTERNAL AUTHENTICATE for a card's two challenges: the cryptogram, and the original."""
    return cryptogram(algorithm, key, random) + random[HALF:]


def _encrypt(algorithm: Algorithm, key: bytes, block: bytes) -> bytes:
    match algorithm:
        case Algorithm.SM4:
            cipher = Cipher(SM4(key), ECB())  # noqa: S305 - one block, as the card computes it
        case Algorithm.TRIPLE_DES:
            cipher = Cipher(TripleDES(key + key[:HALF]), ECB())  # noqa: S305 - blocks of old cards
        case Algorithm.SSF33:
            raise KeyMissing
    encryptor = cipher.encryptor()
    return encryptor.update(block) + encryptor.finalize()
