"""What every code must pass: of a good code nothing may differ, by a bit, a character or an end."""

import itertools
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ecard.keys import Signer, Suite, generate, verifier
from ecard.vault import Vault
from qr import handle, model
from qr.errors import CodeExpired, CodeForged, CodeKeyRevoked, CodeKeyUnknown, CodeRefused
from qr.model import Body, Tail
from qr.verify import SlotKey, open_code, pack_device_key

NOW = 1_794_000_010.0
STEP = int(NOW) // 30
SLOT = 7
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Issuer:
    """Makes codes as the platform and a phone do, with keys of its own."""

    def __init__(self, suite: Suite = Suite.ES256, device: Suite = Suite.ES256) -> None:
        self.signer: Signer = generate(suite)[0]
        self.device: Signer = generate(device)[0]
        self.vault = Vault(bytes(32))
        self.keys = {SLOT: SlotKey(verifier(suite, self.signer.public))}

    def handle(self, card: int = 1) -> bytes:
        return handle.seal(self.vault, "kid", card, 9)[0]

    def ticket(self, *, step: int = STEP, place: int = 5, flags: int = 0, card: int = 1, scene: int = 1) -> bytes:
        body = Body(model.TICKET, SLOT, scene, flags, step, 2, place, self.handle(card)).pack()
        return body + self.signer.sign(b"EC1T" + body)

    def certificate(self, *, first: int = STEP, place: int = 5, key: bytes | None = None) -> bytes:
        packed = pack_device_key(self.device.suite, self.device.public) if key is None else key
        certificate = Body(model.CHAIN, SLOT, 0, 0, first, 24, place, self.handle()).pack() + packed
        return certificate + self.signer.sign(b"EC1C" + certificate)

    def chain(self, certificate: bytes | None = None, *, step: int = STEP, nonce: int = 1) -> bytes:
        signed = certificate or self.certificate()
        tail = Tail(1, step, nonce).pack()
        return signed + tail + self.device.sign(b"EC1D" + signed[:-64] + tail)

    def open(self, raw: bytes, now: float = NOW) -> model.Code:
        return open_code(model.text(raw), self.keys, now)


class Good(NamedTuple):
    """A good code and who can tell."""

    issuer: Issuer
    raw: bytes
    text: str


KINDS = [("ticket", suite, suite) for suite in Suite] + [("chain", *both) for both in itertools.product(Suite, Suite)]


@pytest.fixture(params=KINDS, ids="-".join)
def good(request: pytest.FixtureRequest) -> Good:
    kind, suite, device = request.param
    issuer = Issuer(suite, device)
    raw = issuer.ticket() if kind == "ticket" else issuer.chain()
    return Good(issuer, raw, model.text(raw))


def test_a_good_code_opens(good: Good) -> None:
    code = open_code(good.text, good.issuer.keys, NOW)
    assert handle.unseal(good.issuer.vault, "kid", code.body.handle) == (1, 9)
    assert (code.scene, code.step) == (1, STEP)


def test_every_single_bit_flipped_is_refused(good: Good) -> None:
    for bit in range(len(good.raw) * 8):
        changed = bytearray(good.raw)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CodeRefused):
            good.issuer.open(bytes(changed))


def test_every_single_character_changed_is_refused(good: Good) -> None:
    for place, was in enumerate(good.text):
        for character in "0AZ:%" + chr(ord(was) ^ 1) + was.lower() + "\0Ａ":
            if character == was:
                continue
            with pytest.raises(CodeRefused):
                open_code(good.text[:place] + character + good.text[place + 1 :], good.issuer.keys, NOW)


def test_every_truncation_is_refused_from_either_end(good: Good) -> None:
    for length in range(len(good.text)):
        for part in (good.text[:length], good.text[length + 1 :], "EC1:" + good.text[5 + length :]):
            with pytest.raises(CodeRefused):
                open_code(part, good.issuer.keys, NOW)
    for size in range(len(good.raw)):
        for some in (good.raw[:size], good.raw[size + 1 :]):
            with pytest.raises(CodeRefused):
                good.issuer.open(some)


def test_every_two_bytes_swapped_or_one_left_out_are_refused(good: Good) -> None:
    for place in range(len(good.raw) - 1):
        one, next_ = good.raw[place : place + 1], good.raw[place + 1 : place + 2]
        if one != next_:
            with pytest.raises(CodeRefused):
                good.issuer.open(good.raw[:place] + next_ + one + good.raw[place + 2 :])
        with pytest.raises(CodeRefused):
            good.issuer.open(good.raw[:place] + good.raw[place + 1 :])


def test_a_key_that_is_not_known_is_told_from_one_that_was_revoked(good: Good) -> None:
    with pytest.raises(CodeKeyUnknown):
        open_code(good.text, {}, NOW)
    with pytest.raises(CodeKeyUnknown):
        open_code(good.text, {SLOT + 1: good.issuer.keys[SLOT]}, NOW)
    revoked = {SLOT: good.issuer.keys[SLOT]._replace(revoked=True)}
    with pytest.raises(CodeKeyRevoked):
        open_code(good.text, revoked, NOW)


@pytest.mark.parametrize("suite", Suite)
def test_another_issuers_key_in_the_slot_makes_the_code_forged(good: Good, suite: Suite) -> None:
    with pytest.raises(CodeForged):
        open_code(good.text, Issuer(suite).keys, NOW)


def test_time_is_judged_after_the_signature(good: Good) -> None:
    with pytest.raises(CodeExpired):
        good.issuer.open(good.raw, NOW + 3600)
    forged = good.raw[:-1] + bytes((good.raw[-1] ^ 1,))
    with pytest.raises(CodeForged):
        good.issuer.open(forged, NOW + 3600)


def test_a_ticket_cannot_be_given_a_certificates_signature_nor_the_reverse() -> None:
    issuer = Issuer()
    body = Body(model.TICKET, SLOT, 1, 0, STEP, 2, 5, issuer.handle()).pack()
    with pytest.raises(CodeForged):
        issuer.open(body + issuer.signer.sign(b"EC1C" + body))
    certificate = issuer.certificate()[:-64]
    with pytest.raises(CodeForged):
        issuer.open(issuer.chain(certificate + issuer.signer.sign(b"EC1T" + certificate)))
    tail = Tail(1, STEP, 1).pack()
    for words in (b"EC1T" + certificate + tail, b"EC1C" + certificate + tail, b"EC1D" + tail, certificate + tail):
        with pytest.raises(CodeForged):
            issuer.open(issuer.certificate()[:-64] + issuer.signer.sign(words) + tail + issuer.device.sign(words))


@pytest.mark.parametrize("suite", Suite)
def test_a_certificate_is_of_no_use_to_another_phone(suite: Suite) -> None:
    issuer = Issuer(device=suite)
    certificate = issuer.certificate()
    issuer.open(issuer.chain(certificate))
    issuer.device = generate(suite)[0]
    with pytest.raises(CodeForged):
        issuer.open(issuer.chain(certificate))


def test_a_tail_is_of_no_use_under_another_certificate_of_the_same_phone() -> None:
    issuer = Issuer()
    certificate = issuer.certificate()
    with pytest.raises(CodeForged):
        issuer.open(issuer.certificate() + issuer.chain(certificate)[len(certificate) :])


@pytest.mark.parametrize(
    "key",
    [
        bytes(33),
        b"\x04" + bytes(32),
        b"\x05" + bytes(32),
        b"\x02" + b"\xff" * 32,  # beyond the field
        b"\x02" + (1).to_bytes(32),  # no point has this x
    ],
)
def test_a_certified_key_that_is_no_key_makes_the_code_forged(key: bytes) -> None:
    issuer = Issuer()
    with pytest.raises(CodeForged):
        issuer.open(issuer.chain(issuer.certificate(key=key)))


def test_a_device_key_is_packed_as_the_standard_compresses_it() -> None:
    for _ in range(8):
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        whole = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        assert pack_device_key(Suite.ES256, whole) == key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    public = Issuer(device=Suite.EDDSA).device.public
    assert pack_device_key(Suite.EDDSA, public) == b"\xed" + public


def test_the_other_signature_of_the_same_words_burns_the_same_key() -> None:
    # ECDSA: whoever has (r, s) also has (r, n - s). That must not be a second use.
    issuer = Issuer()
    raw = issuer.ticket()
    other = raw[:-32] + (P256_ORDER - int.from_bytes(raw[-32:])).to_bytes(32)
    assert model.once_key(issuer.open(other)) == model.once_key(issuer.open(raw))
    chain = issuer.chain()
    twin = chain[:-32] + (P256_ORDER - int.from_bytes(chain[-32:])).to_bytes(32)
    assert model.once_key(issuer.open(twin)) == model.once_key(issuer.open(chain))


def test_of_the_card_a_code_shows_nothing_but_a_place_that_changes_daily_and_a_handle() -> None:
    issuer = Issuer()
    mine = [issuer.ticket(card=0x0A0B0C0D)[:29] for _ in range(400)]
    others = [issuer.ticket(card=0x01020304)[:29] for _ in range(400)]
    # Before the handle all codes of a step are the same, whoever shows them.
    assert len({raw[:13] for raw in mine + others}) == 1
    handles = [raw[13:] for raw in mine]
    assert len(set(handles)) == 400
    # No byte of a handle stays: 400 draws of 256 values leave about 54 out, and miss 100 in no lifetime.
    for place in range(16):
        assert len({one[place] for one in handles}) > 156
    # And nothing as long as a number stands in two of them, wherever in the block it were.
    parts = [one[start : start + 6] for one in handles for start in range(11)]
    assert len(set(parts)) == len(parts)
    for number in (0x0A0B0C0D, 9):
        for written in (number.to_bytes(4, "big"), number.to_bytes(4, "little")):
            assert not any(written in one for one in handles)


def test_a_cards_place_is_another_each_day() -> None:
    vault = Vault(bytes(32))
    places = {handle.permutation(vault, day, 24).place(4711) for day in range(20_000, 20_030)}
    assert len(places) > 28


def test_a_handle_opens_under_its_own_key_only() -> None:
    vault = Vault(bytes(32))
    [sealed] = handle.seal(vault, "kid", 4711, 12)
    assert handle.unseal(vault, "kid", sealed) == (4711, 12)
    assert handle.unseal(vault, "other", sealed) != (4711, 12)
    assert handle.unseal(Vault(bytes(31) + b"\1"), "kid", sealed) != (4711, 12)
