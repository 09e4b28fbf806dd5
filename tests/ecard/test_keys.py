"""Signatures and keys, checked against `cryptography` itself and the RFCs' vectors."""

from hashlib import sha256

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
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
from ecard.keys import Suite, from_jwk, generate, load_signer, thumbprint, to_jwk, verifier

MESSAGE = "证据 evidence".encode()
# RFC 6979 appendix A.2.5: the P-256 key and its deterministic signatures with SHA-256.
RFC_6979_KEY = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
RFC_6979 = {
    b"sample": "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
    "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
    b"test": "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367"
    "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
}


def der_of(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize("suite", Suite)
def test_a_signature_verifies_and_nothing_else_does(suite: Suite) -> None:
    signer, _ = generate(suite)
    theirs = verifier(suite, signer.public)
    signature = signer.sign(MESSAGE)
    assert len(signature) == 64
    assert theirs.verify(MESSAGE, signature)
    assert not theirs.verify(MESSAGE + b"\0", signature)
    assert not verifier(suite, generate(suite)[0].public).verify(MESSAGE, signature)
    for bit in range(512):
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << bit % 8
        assert not theirs.verify(MESSAGE, bytes(changed))


@pytest.mark.parametrize("suite", Suite)
@pytest.mark.parametrize("wrong", [b"", b"\0", bytes(63), bytes(64), bytes(65), b"\xff" * 64, b"\xff" * 128])
def test_what_is_no_signature_is_refused_and_does_not_raise(suite: Suite, wrong: bytes) -> None:
    signer, _ = generate(suite)
    assert not verifier(suite, signer.public).verify(MESSAGE, wrong)
    assert not verifier(suite, signer.public).verify(MESSAGE, signer.sign(MESSAGE) + wrong[:1] + b"\0")


@pytest.mark.parametrize("suite", Suite)
def test_a_signature_has_one_spelling_of_64_bytes(suite: Suite) -> None:
    signer, _ = generate(suite)
    theirs = verifier(suite, signer.public)
    signature = signer.sign(MESSAGE)
    for other in (
        signature[:32] + b"\0" + signature[32:],  # the same r and s, s written with a zero before it
        signature + b"\0",
        b"\0" + signature,
        encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:])),
    ):
        assert not theirs.verify(MESSAGE, other)


def test_es256_is_what_cryptography_verifies_and_signs() -> None:
    signer, _ = generate(Suite.ES256)
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), signer.public)
    raw = signer.sign(MESSAGE)
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    public.verify(der, MESSAGE, ec.ECDSA(SHA256()))
    with pytest.raises(InvalidSignature):
        public.verify(der, MESSAGE + b"!", ec.ECDSA(SHA256()))
    key = ec.generate_private_key(ec.SECP256R1())
    r, s = decode_dss_signature(key.sign(MESSAGE, ec.ECDSA(SHA256())))
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert verifier(Suite.ES256, point).verify(MESSAGE, r.to_bytes(32) + s.to_bytes(32))
    compressed = key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    assert verifier(Suite.ES256, compressed).verify(MESSAGE, r.to_bytes(32) + s.to_bytes(32))


def test_eddsa_is_what_cryptography_verifies_and_signs() -> None:
    signer, _ = generate(Suite.EDDSA)
    ed25519.Ed25519PublicKey.from_public_bytes(signer.public).verify(signer.sign(MESSAGE), MESSAGE)
    key = ed25519.Ed25519PrivateKey.generate()
    assert verifier(Suite.EDDSA, key.public_key().public_bytes_raw()).verify(MESSAGE, key.sign(MESSAGE))


def test_short_halves_of_a_signature_are_padded() -> None:
    # One signature in 128 has a half with a leading zero byte: a fixed width must not lose it.
    signer, _ = generate(Suite.ES256)
    theirs = verifier(Suite.ES256, signer.public)
    short = 0
    for n in range(3000):
        signature = signer.sign(n.to_bytes(2))
        if 0 in (signature[0], signature[32]):
            short += 1
            assert theirs.verify(n.to_bytes(2), signature)
    assert short > 0


@pytest.mark.parametrize("message", RFC_6979)
def test_a_deterministic_signer_gives_rfc_6979s_bytes(message: bytes) -> None:
    signer = load_signer(der_of(ec.derive_private_key(RFC_6979_KEY, ec.SECP256R1())), deterministic=True)
    assert signer.sign(message).hex().upper() == RFC_6979[message]


def test_only_where_asked_is_a_signature_the_same_each_time() -> None:
    for suite in Suite:
        signer, _ = generate(suite, deterministic=True)
        assert signer.sign(MESSAGE) == signer.sign(MESSAGE)
    plain, _ = generate(Suite.ES256)
    assert plain.sign(MESSAGE) != plain.sign(MESSAGE)


@pytest.mark.parametrize("suite", Suite)
def test_a_stored_key_is_the_same_key(suite: Suite) -> None:
    signer, der = generate(suite)
    again = load_signer(der)
    assert (again.suite, again.public) == (suite, signer.public)
    assert verifier(suite, signer.public).verify(MESSAGE, again.sign(MESSAGE))
    assert der_of(load_der_private_key(der, None)) == der  # type: ignore[arg-type] # it is one of ours


def test_a_key_of_another_kind_has_no_suite() -> None:
    with pytest.raises(TypeError, match="RSAPrivateKey"):
        load_signer(der_of(rsa.generate_private_key(65537, 2048)))


@pytest.mark.parametrize("suite", Suite)
def test_a_public_key_comes_back_from_its_jwk(suite: Suite) -> None:
    signer, _ = generate(suite)
    jwk = to_jwk(suite, signer.public)
    assert from_jwk(jwk) == (suite, signer.public)
    assert from_jwk({**jwk, "kid": "1", "use": "sig"}) == (suite, signer.public)


def test_a_jwk_is_written_as_the_rfcs_write_it() -> None:
    # RFC 7517 appendix A.1 and RFC 8037 appendix A.2.
    x, y = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
    p256 = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    assert to_jwk(*from_jwk(p256)) == p256
    assert from_jwk(p256)[1] == b"\x04" + unb64url(x) + unb64url(y)
    okp = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert to_jwk(*from_jwk(okp)) == okp


def test_a_thumbprint_is_that_of_the_rfcs() -> None:
    # RFC 8037 appendix A.3.
    okp = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(*from_jwk(okp)) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    # RFC 7638 §3: the required members in the order of their names, without white space.
    signer, _ = generate(Suite.ES256)
    jwk = to_jwk(Suite.ES256, signer.public)
    canonical = f'{{"crv":"P-256","kty":"EC","x":"{jwk["x"]}","y":"{jwk["y"]}"}}'
    assert thumbprint(Suite.ES256, signer.public) == b64url(sha256(canonical.encode()).digest())


def point() -> bytes:
    return generate(Suite.ES256)[0].public


P = point()
EC = {"kty": "EC", "crv": "P-256"}


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": "EC"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "EC", "crv": "P-384", "x": b64url(P[1:33]), "y": b64url(P[33:])},
        {"kty": "EC", "crv": "secp256k1", "x": b64url(P[1:33]), "y": b64url(P[33:])},
        {"kty": "OKP", "crv": "X25519", "x": b64url(bytes(32))},
        {**EC, "x": b64url(P[1:33])},
        {**EC, "x": b64url(P[1:33]), "y": ""},
        {**EC, "x": b64url(P[1:33]), "y": b64url(P[33:64] + bytes((P[64] ^ 1,)))},  # beside the curve
        {**EC, "x": b64url(bytes(32)), "y": b64url(bytes(32))},  # the point at infinity has no such spelling
        {**EC, "x": b64url(b"\xff" * 32), "y": b64url(b"\xff" * 32)},  # outside the field
        {**EC, "x": b64url(P[33:]), "y": b64url(P[1:33])},  # exchanged
        {**EC, "x": b64url(P[1:33]) + "=", "y": b64url(P[33:])},
        {**EC, "x": b64url(P[1:32]), "y": b64url(P[32:])},  # 31 and 33 bytes: the same key, spelt otherwise
        {**EC, "x": b64url(P[1:34]), "y": b64url(P[34:])},
        {**EC, "x": "é", "y": b64url(P[33:])},
        {**EC, "x": 1, "y": 2},
        {"kty": "OKP", "crv": "Ed25519", "x": ""},
        {"kty": "OKP", "crv": "Ed25519", "x": b64url(bytes(31))},
        {"kty": "OKP", "crv": "Ed25519", "x": b64url(bytes(33))},
        {"kty": "OKP", "crv": "Ed25519", "x": ["a"]},
    ],
)
def test_what_is_no_public_key_of_ours_is_refused(jwk: dict[str, str]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - `cryptography` says some of it in its own words
        from_jwk(jwk)


@pytest.mark.parametrize(
    "public",
    [b"", b"\x04", bytes(65), P[:-1], P + b"\0", b"\x04" + P[33:] + P[1:33]],
    ids=["none", "form alone", "zeros", "short", "long", "exchanged"],
)
def test_bytes_that_are_no_point_make_no_verifier(public: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - as above
        verifier(Suite.ES256, public)
    with pytest.raises(ValueError):  # noqa: PT011 - as above
        verifier(Suite.EDDSA, public)
