"""Signature suites behind one seam: P-256 (default) and Ed25519, 64 raw bytes in each.

P-256 is what phones' secure elements, HSMs and FAPI 2.0 have, and OpenSSL signs and verifies it
about 1.5 times faster than Ed25519; the second suite keeps the seam honest (SM2 will be the third).
Signatures are r‖s (RFC 7518 §3.4) or RFC 8032's; public keys are the uncompressed point
(SEC 1 §2.3.3, 65 bytes) or 32 bytes.
"""

import json
from enum import StrEnum
from hashlib import sha256
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from ecard.encoding import b64url, unb64url

SIGNATURE_BYTES = 64
_HALF = SIGNATURE_BYTES // 2
_CURVE = ec.SECP256R1()
_ECDSA = ec.ECDSA(SHA256())
# RFC 6979: the same message gives the same bytes, so that a retried answer can be made again instead of kept.
_ECDSA_DETERMINISTIC = ec.ECDSA(SHA256(), deterministic_signing=True)


class Suite(StrEnum):
    """A signature suite, by its JOSE `alg` name (RFC 7518, RFC 8037)."""

    ES256 = "ES256"
    EDDSA = "EdDSA"


class Signer(Protocol):
    """A private key wherever it lives: a file, a phone's secure element, an HSM."""

    suite: Suite
    public: bytes

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of `message`."""
        ...


class Verifier(Protocol):
    """A public key."""

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Return whether `signature` (64 bytes) is this key's signature of `message`."""
        ...


class P256Signer:
    """ES256 with a key in this process."""

    suite = Suite.ES256

    def __init__(self, key: ec.EllipticCurvePrivateKey, *, deterministic: bool = False) -> None:
        self._key = key
        self._algorithm = _ECDSA_DETERMINISTIC if deterministic else _ECDSA
        self.public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def sign(self, message: bytes) -> bytes:
        """Return r‖s, 64 bytes."""
        r, s = decode_dss_signature(self._key.sign(message, self._algorithm))
        return r.to_bytes(_HALF) + s.to_bytes(_HALF)


class P256Verifier:
    """ES256 with a public point."""

    def __init__(self, public: bytes) -> None:
        self._key = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, public)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Return whether the 64 bytes r‖s sign `message`."""
        if len(signature) != SIGNATURE_BYTES:
            return False
        der = encode_dss_signature(int.from_bytes(signature[:_HALF]), int.from_bytes(signature[_HALF:]))
        try:
            self._key.verify(der, message, _ECDSA)
        except InvalidSignature:
            return False
        return True


class Ed25519Signer:
    """EdDSA with a key in this process; always deterministic (RFC 8032)."""

    suite = Suite.EDDSA

    def __init__(self, key: ed25519.Ed25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature."""
        return self._key.sign(message)


class Ed25519Verifier:
    """EdDSA with a public key."""

    def __init__(self, public: bytes) -> None:
        self._key = ed25519.Ed25519PublicKey.from_public_bytes(public)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Return whether the 64 bytes sign `message`."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


def generate(suite: Suite, *, deterministic: bool = False) -> tuple[Signer, bytes]:
    """Return a new signer and its private key as PKCS#8 DER (to be sealed before it is stored)."""
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    key = ec.generate_private_key(_CURVE) if suite is Suite.ES256 else ed25519.Ed25519PrivateKey.generate()
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return load_signer(der, deterministic=deterministic), der


def load_signer(der: bytes, *, deterministic: bool = False) -> Signer:
    """Return the signer of a PKCS#8 DER private key; TypeError for a key of another kind."""
    key = load_der_private_key(der, password=None)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return P256Signer(key, deterministic=deterministic)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return Ed25519Signer(key)
    msg = f"no suite for a key of type {type(key).__name__}"
    raise TypeError(msg)


def verifier(suite: Suite, public: bytes) -> Verifier:
    """Return the verifier of a raw public key; ValueError when the bytes are no such key."""
    return P256Verifier(public) if suite is Suite.ES256 else Ed25519Verifier(public)


def to_jwk(suite: Suite, public: bytes) -> dict[str, str]:
    """Return a raw public key as a JSON Web Key (RFC 7517, RFC 8037), without `kid`."""
    if suite is Suite.ES256:
        return {"kty": "EC", "crv": "P-256", "x": b64url(public[1:33]), "y": b64url(public[33:])}
    return {"kty": "OKP", "crv": "Ed25519", "x": b64url(public)}


def thumbprint(suite: Suite, public: bytes) -> str:
    """Return the JWK thumbprint of a public key (RFC 7638), for people to compare; a `kid` can be copied."""
    canonical = json.dumps(to_jwk(suite, public), sort_keys=True, separators=(",", ":"))
    return b64url(sha256(canonical.encode()).digest())


# The points of small order on Curve25519 and their other spellings, sign bit aside: "signatures" by
# them can be made by anybody (RFC 8032 §5.1 leaves refusing them to the application).
_SMALL_ORDER = frozenset(
    bytes.fromhex(encoded)
    for encoded in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)


def from_jwk(jwk: dict[str, str]) -> tuple[Suite, bytes]:
    """Return suite and raw public key of a JWK; ValueError when it is not one of ours or not on the curve."""
    match jwk:
        case {"kty": "EC", "crv": "P-256", "x": str(x), "y": str(y)}:
            suite, public = Suite.ES256, b"\x04" + unb64url(x) + unb64url(y)
        case {"kty": "OKP", "crv": "Ed25519", "x": str(x)}:
            suite, public = Suite.EDDSA, unb64url(x)
            if public[:-1] + bytes(last & 0x7F for last in public[-1:]) in _SMALL_ORDER:
                msg = "a point of small order"
                raise ValueError(msg)
        case _:
            msg = "not a P-256 or Ed25519 public key"
            raise ValueError(msg)
    verifier(suite, public)
    # A coordinate of 31 bytes beside one of 33 is another spelling of the same key (RFC 7518 §6.2.1.2: 32 each).
    if not to_jwk(suite, public).items() <= jwk.items():
        msg = "coordinates are 32 bytes each"
        raise ValueError(msg)
    return suite, public
