"""What one master key seals opens in its own place only, and says nothing of what is in it."""

import hmac
from hashlib import blake2b

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from ecard.vault import SealBroken, Vault

MASTER, OTHER = bytes(range(32)), bytes(range(1, 33))
PLACE = "holder.profile"
SECRET = "姓名 name".encode()


@given(st.binary(max_size=300), st.text(max_size=20))
def test_a_sealed_value_opens_in_its_place(plain: bytes, place: str) -> None:
    vault = Vault(MASTER)
    sealed = vault.seal(place, plain)
    assert vault.open(place, sealed) == plain
    assert Vault(MASTER).open(place, sealed) == plain  # after a restart too


def test_a_sealed_value_opens_nowhere_else() -> None:
    sealed = Vault(MASTER).seal(PLACE, SECRET)
    for place in ("holder.profile2", "", "seal:holder.profile", "card.profile"):
        with pytest.raises(SealBroken):
            Vault(MASTER).open(place, sealed)
    with pytest.raises(SealBroken):
        Vault(OTHER).open(PLACE, sealed)


def test_a_sealed_value_with_any_bit_flipped_does_not_open() -> None:
    vault = Vault(MASTER)
    sealed = vault.seal(PLACE, SECRET)
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealBroken):
            vault.open(PLACE, bytes(changed))


def test_a_sealed_value_cut_short_or_made_longer_does_not_open() -> None:
    vault = Vault(MASTER)
    sealed = vault.seal(PLACE, SECRET)
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            vault.open(PLACE, sealed[:length])
    with pytest.raises(SealBroken):
        vault.open(PLACE, sealed + b"\0")


def test_the_same_value_is_sealed_differently_each_time() -> None:
    vault = Vault(MASTER)
    sealed = [vault.seal(PLACE, SECRET) for _ in range(50)]
    assert len(set(sealed)) == 50
    assert not any(SECRET in one for one in sealed)


def test_a_broken_seal_names_the_place_and_not_the_value() -> None:
    with pytest.raises(SealBroken) as broken:
        Vault(MASTER).open(PLACE, b"\x01" + bytes(40))
    assert str(broken.value) == PLACE


@given(st.text(max_size=40), st.text(max_size=40))
def test_two_indexes_are_equal_exactly_when_the_values_are(one: str, other: str) -> None:
    vault = Vault(MASTER)
    assert (vault.index(PLACE, one) == vault.index(PLACE, other)) == (one == other)


def test_an_index_is_of_its_place_and_master_key() -> None:
    vault = Vault(MASTER)
    index = vault.index("holder.id_no", "x")
    assert len(index) == 16
    assert index == Vault(MASTER).index("holder.id_no", "x")
    assert index != vault.index("card.card_no", "x")
    assert index != Vault(OTHER).index("holder.id_no", "x")


def test_each_use_has_a_key_of_its_own() -> None:
    vault = Vault(MASTER)
    keys = {vault.derive(use) for use in ("number", "session ticket", "handle a", "handle b", "seal:number", "")}
    assert len(keys) == 6
    assert {len(key) for key in keys} == {32}
    assert MASTER not in keys
    assert vault.derive("number") == Vault(MASTER).derive("number") != Vault(OTHER).derive("number")


def test_keys_are_derived_as_rfc_5869_says() -> None:
    extracted = hmac.digest(b"ecard", MASTER, "sha256")
    expanded = hmac.digest(extracted, b"number" + b"\x01", "sha256")
    assert Vault(MASTER).derive("number") == expanded


def test_a_mac_is_hmac_sha256_of_the_uses_key() -> None:
    vault = Vault(MASTER)
    expected = hmac.digest(vault.derive("number"), b"message", "sha256")
    assert vault.mac("number", b"message") == expected
    assert vault.mac("other", b"message") != expected


def test_the_function_for_hot_loops_is_keyed_blake2b_of_the_uses_key() -> None:
    vault = Vault(MASTER)
    expected = blake2b(b"message", key=vault.derive("number"), digest_size=16).digest()
    assert vault.keyed("number")(b"message") == expected
    assert vault.keyed("other")(b"message") != expected
    assert Vault(OTHER).keyed("number")(b"message") != expected


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_master_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Vault(bytes(length))


def test_what_an_earlier_version_sealed_still_opens() -> None:
    # Data at rest: the format may get a new version byte, and this one must stay readable.
    key = hmac.digest(hmac.digest(b"ecard", MASTER, "sha256"), b"seal:holder.profile\x01", "sha256")
    nonce = bytes(range(12))
    sealed = b"\x01" + nonce + AESGCM(key).encrypt(nonce, SECRET, b"\x01")
    assert Vault(MASTER).open("holder.profile", sealed) == SECRET


def test_what_an_earlier_version_indexed_is_still_found() -> None:
    key = hmac.digest(hmac.digest(b"ecard", MASTER, "sha256"), b"index:holder.id_no\x01", "sha256")
    assert Vault(MASTER).index("holder.id_no", "张三") == hmac.digest(key, "张三".encode(), "sha256")[:16]
