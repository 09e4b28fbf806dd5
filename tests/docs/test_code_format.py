"""docs/code-format.md is enough to implement the code from: here is a stranger's reader, made of that page alone."""

import json
import zlib
from base64 import urlsafe_b64decode
from hashlib import blake2b, sha256
from typing import Any

import httpx
import jwt
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ecard.catalogue.model import Scene
from ecard.keys import Suite, verifier
from ecard.vault import Vault
from qr import handle, number
from qr.errors import CodeClockSkew, CodeExpired
from qr.model import CHAIN_BYTES, MAX_TEXT, TICKET_BYTES, once_key, parse
from qr.verify import SlotKey, open_code
from tests.docs.pages import blocks, page, rows, section
from tests.docs.vectors import vectors

PAGE = page("docs/code-format.md")
VECTORS: dict[str, Any] = json.loads(blocks(PAGE, "json")[0])
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
TABLES = {"ticket": "## T:", "chain": "## D:"}


def layout(kind: str) -> list[tuple[int, int, str]]:
    """Return the fields of the page's table: offset, size, name."""
    return [(int(row[0]), int(row[1]), row[2]) for row in rows(section(PAGE, TABLES[kind]))]


def fields(kind: str, raw: bytes) -> dict[str, bytes]:
    return {name: raw[offset : offset + size] for offset, size, name in layout(kind)}


def unbase45(text: str) -> bytes:
    """Decode by the letter of RFC 9285."""
    out = b""
    for n in range(0, len(text), 3):
        group = text[n : n + 3]
        value = sum(ALPHABET.index(c) * 45**place for place, c in enumerate(group))
        out += value.to_bytes(len(group) - 1)
    return out


def raw_of(kind: str) -> bytes:
    text: str = VECTORS[kind]["text"]
    assert text.startswith("EC1:")
    return unbase45(text[4:])


def holds(key: ec.EllipticCurvePublicKey, signature: bytes, message: bytes) -> bool:
    der = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    try:
        key.verify(der, message, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def issuer_key() -> ec.EllipticCurvePublicKey:
    return ec.derive_private_key(int(VECTORS["issuer"]["private"], 16), ec.SECP256R1()).public_key()


def test_the_vectors_on_the_page_are_those_that_the_code_makes() -> None:
    assert vectors() == VECTORS


@pytest.mark.parametrize(("kind", "size"), [("ticket", TICKET_BYTES), ("chain", CHAIN_BYTES)])
def test_the_fields_of_each_table_follow_each_other_to_the_last_byte(kind: str, size: int) -> None:
    offset = 0
    for start, length, name in layout(kind):
        assert start == offset, name
        offset += length
    assert offset == size == len(raw_of(kind))


def test_the_sizes_on_the_page_are_those_of_the_codes() -> None:
    sizes = [(len(raw_of(kind)), len(VECTORS[kind]["text"])) for kind in TABLES]
    assert sizes == [(int(row[1]), int(row[2])) for row in rows(section(PAGE, "## Text"))]
    assert f"longer than {MAX_TEXT} characters" in PAGE


def test_a_stranger_reads_the_ticket_by_the_page() -> None:
    raw = raw_of("ticket")
    read = fields("ticket", raw)
    assert raw[:29].hex() == VECTORS["ticket"]["body"]
    assert read["signature"].hex() == VECTORS["ticket"]["signature"]
    assert (read["version and mode"], read["scene"], read["flags"]) == (b"\x11", bytes([Scene.IDENTITY]), b"\x01")
    assert int.from_bytes(read["step"]) == 60000000
    assert int.from_bytes(read["place"]) == VECTORS["issuer_side"]["place"]
    assert read["handle"].hex() == VECTORS["issuer_side"]["handle"]
    assert holds(issuer_key(), read["signature"], b"EC1T" + raw[:29])
    assert not holds(issuer_key(), read["signature"], b"EC1T" + raw[:28] + bytes([raw[28] ^ 1]))


def test_a_stranger_reads_the_chain_by_the_page() -> None:
    raw = raw_of("chain")
    read = fields("chain", raw)
    device = ec.derive_private_key(int(VECTORS["chain"]["device_private"], 16), ec.SECP256R1()).public_key()
    certified = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), read["device key"])
    assert certified.public_numbers() == device.public_numbers()
    assert raw[:126].hex() == VECTORS["chain"]["certificate"]
    assert raw[126:135].hex() == VECTORS["chain"]["tail"]
    assert (read["scene"], int.from_bytes(read["step"]), read["nonce"]) == (b"\x03", 60000100, b"\x00\x00\x00\x01")
    assert holds(issuer_key(), read["certificate signature"], b"EC1C" + raw[:62])
    assert holds(device, read["device signature"], b"EC1D" + raw[:62] + raw[126:135])


def test_a_stranger_reads_a_posted_code_by_the_page() -> None:
    raw = raw_of("posted")
    table = [(int(row[0]), int(row[1]), row[2]) for row in rows(section(PAGE, "## P:"))]
    read = {name: raw[offset : offset + size] for offset, size, name in table}
    assert sum(size for _, size, _ in table) == len(raw) == len(raw_of("ticket"))
    assert raw[:29].hex() == VECTORS["posted"]["body"]
    assert (read["version and mode"], read["scene"]) == (b"\x13", bytes([Scene.VOUCHER]))
    assert (int.from_bytes(read["step"]), int.from_bytes(read["number"])) == (60000000, 3)
    assert read["subject"].hex() == "00112233445566778899aabbccddeeff"
    assert holds(issuer_key(), read["signature"], b"EC1P" + raw[:29])


@pytest.mark.parametrize("kind", TABLES)
def test_a_code_is_good_exactly_as_long_as_the_page_says(kind: str) -> None:
    point = b"\x04" + b"".join(urlsafe_b64decode(VECTORS["issuer"]["jwk"][part] + "=") for part in "xy")
    keys = {7: SlotKey(verifier(Suite.ES256, point))}
    one = VECTORS[kind]
    for now in (one["good_from"], one["good_until"] - 1):
        assert open_code(one["text"], keys, now).step * 30 <= one["good_until"]
    with pytest.raises(CodeClockSkew):
        open_code(one["text"], keys, one["good_from"] - 1)
    with pytest.raises(CodeExpired):
        open_code(one["text"], keys, one["good_until"])


def test_a_code_burns_what_the_page_says() -> None:
    ticket, chain = (parse(VECTORS[kind]["text"]) for kind in TABLES)
    raw = raw_of("chain")
    assert once_key(ticket) == raw_of("ticket")[13:29]
    assert once_key(chain) == sha256(b"chain" + raw[13:29] + raw[126:135]).digest()[:16]


def derived(info: str) -> bytes:
    master = bytes.fromhex(VECTORS["issuer_side"]["master_key"])
    return HKDF(SHA256(), 32, salt=b"ecard", info=info.encode()).derive(master)


def test_the_issuers_side_is_computed_as_the_page_says() -> None:
    known = VECTORS["issuer_side"]
    block = known["card"].to_bytes(4) + known["device"].to_bytes(4) + bytes.fromhex(known["nonce"])
    cipher = Cipher(algorithms.AES(derived(f"handle {known['kid']}")), modes.ECB())
    assert cipher.encryptor().update(block).hex() == known["handle"]

    half = known["status_bits"] // 2
    left, right = known["card"] >> half, known["card"] & ((1 << half) - 1)
    for n in range(4):
        key = blake2b(bytes([n]), key=derived(f"status {known['day']}"), digest_size=32).digest()
        mixed = int.from_bytes(blake2b(right.to_bytes(4), key=key, digest_size=4).digest())
        left, right = right, left ^ (mixed % (1 << half))
    assert left << half | right == known["place"]


def test_the_digits_are_computed_as_the_page_says() -> None:
    known = VECTORS["issuer_side"]

    def prf(message: bytes, bits: int) -> int:
        return int.from_bytes(blake2b(message, key=derived("number"), digest_size=16).digest()) >> (128 - bits)

    bits = known["status_bits"]
    tag = prf(b"tag" + known["card"].to_bytes(4) + (60000000).to_bytes(4) + bytes([Scene.IDENTITY]), 56 - bits)
    mask = prf(b"mask" + tag.to_bytes(8), bits)
    digits = f"9{(tag << bits) + (known['card'] ^ mask):017d}"
    assert known["number"][:-1] == digits
    assert number.looks_like_one(known["number"])


def test_the_issuer_opens_its_own_handle() -> None:
    known = VECTORS["issuer_side"]
    vault = Vault(bytes.fromhex(known["master_key"]))
    opened = handle.unseal(vault, known["kid"], bytes.fromhex(known["handle"]))
    assert opened == (known["card"], known["device"])


def test_a_bundle_has_the_claims_that_the_page_lists(http: httpx.Client) -> None:
    token = http.get("/v1/bundle").json()["bundle"]
    assert jwt.get_unverified_header(token)["typ"] == "ecard-bundle+jwt"
    claims = jwt.decode(token, options={"verify_signature": False})
    listed = {name.strip(" `") for row in rows(section(PAGE, "## The offline bundle")) for name in row[0].split(",")}
    assert claims.keys() | {"audit"} == listed
    for day, compressed in claims["status_lists"].items():
        assert abs(int(day) - claims["iat"] // 86400) <= 1
        bitmap = zlib.decompress(urlsafe_b64decode(compressed + "=" * (-len(compressed) % 4)))
        assert len(bitmap) == 1 << (claims["status_bits"] - 3)
    assert {"slot", "kid", "alg", "revoked", "jwk"} == claims["codes"][0].keys()
    assert {"kid", "alg", "kty"} <= claims["anchors"][0].keys()
