"""A code that a place shows: of one subject and part, sixty seconds and no more, and no holder's code."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecard.catalogue.model import Scene
from ecard.errors import EcardError
from ecard.keyring.model import Key, Purpose
from ecard.keys import Suite, generate, verifier
from qr.errors import CodeClockSkew, CodeExpired, CodeForged, CodeKeyRevoked, CodeKeyUnknown, CodeMalformed
from qr.model import PREFIX, Body, parse, text, unwrap
from qr.posted import Posted, open_posted, post
from qr.verify import SlotKey, open_code
from tests.docs.vectors import vectors

SUBJECT = UUID("00112233-4455-6677-8899-aabbccddeeff")
NOW = 1_800_000_000


@pytest.fixture(scope="module")
def key() -> Key:
    signer, _ = generate(Suite.ES256)
    return Key(
        kid="k",
        purpose=Purpose.CODE,
        slot=7,
        suite=signer.suite,
        public=signer.public,
        signer=signer,
        verifier=verifier(signer.suite, signer.public),
        created_at=0,
        use_from=0,
        verify_until=None,
        revoked_at=None,
    )


def known(key: Key, *, revoked: bool = False) -> dict[int, SlotKey]:
    return {key.slot: SlotKey(key.verifier, revoked=revoked)}


def test_it_says_what_it_was_posted_for(key: Key) -> None:
    shown, posted = post(key, SUBJECT, 3, Scene.VOUCHER, NOW + 7)
    assert posted == Posted(SUBJECT, 3, Scene.VOUCHER, NOW // 30)
    assert open_posted(shown, known(key), NOW + 7) == posted
    assert posted.valid_until == NOW + 60
    assert len(shown) == len(vectors()["ticket"]["text"])


def test_it_lives_sixty_seconds_and_not_one_more(key: Key) -> None:
    shown, _ = post(key, SUBJECT, 1, Scene.VOUCHER, NOW)
    for now in (NOW - 30, NOW, NOW + 59.999):
        assert open_posted(shown, known(key), now).subject == SUBJECT
    with pytest.raises(CodeExpired):
        open_posted(shown, known(key), NOW + 60)
    with pytest.raises(CodeClockSkew):
        open_posted(shown, known(key), NOW - 31)


def test_another_step_is_another_code(key: Key) -> None:
    assert post(key, SUBJECT, 1, Scene.VOUCHER, NOW)[1] == post(key, SUBJECT, 1, Scene.VOUCHER, NOW + 29)[1]
    assert post(key, SUBJECT, 1, Scene.VOUCHER, NOW)[1] != post(key, SUBJECT, 1, Scene.VOUCHER, NOW + 30)[1]


def test_no_reader_of_holders_codes_takes_it_and_it_takes_none_of_theirs(key: Key) -> None:
    shown, _ = post(key, SUBJECT, 1, Scene.VOUCHER, NOW)
    with pytest.raises(CodeMalformed):
        open_code(shown, known(key), NOW)
    for kind in ("ticket", "chain"):
        with pytest.raises(CodeMalformed):
            open_posted(vectors()[kind]["text"], known(key), NOW)


def test_the_issuers_ticket_under_another_mode_is_forged(key: Key) -> None:
    raw = unwrap(vectors()["ticket"]["text"])
    body = Body.unpack(raw)._replace(mode=3).pack()
    with pytest.raises(CodeForged):
        open_posted(text(body + raw[29:]), known(key), NOW)
    posted = unwrap(post(key, SUBJECT, 1, Scene.VOUCHER, NOW)[0])
    ticket = text(Body.unpack(posted)._replace(mode=1).pack() + posted[29:])
    with pytest.raises(CodeForged):
        open_code(ticket, known(key), NOW)
    assert parse(ticket).scene == Scene.VOUCHER


def test_a_key_that_is_unknown_or_revoked_proves_nothing(key: Key) -> None:
    shown, _ = post(key, SUBJECT, 1, Scene.VOUCHER, NOW)
    with pytest.raises(CodeKeyUnknown):
        open_posted(shown, {}, NOW)
    with pytest.raises(CodeKeyRevoked):
        open_posted(shown, known(key, revoked=True), NOW)


@given(at=st.integers(0, 28), bit=st.integers(0, 7))
def test_every_bit_of_it_is_signed(key: Key, at: int, bit: int) -> None:
    raw = bytearray(unwrap(post(key, SUBJECT, 1, Scene.VOUCHER, NOW)[0]))
    raw[at] ^= 1 << bit
    with pytest.raises((CodeMalformed, CodeKeyUnknown, CodeForged)):
        open_posted(text(bytes(raw)), known(key), NOW)


@given(st.text(max_size=200).map(lambda scanned: PREFIX + scanned) | st.text(max_size=400))
def test_whatever_is_scanned_is_refused_by_a_declared_error(key: Key, scanned: str) -> None:
    with pytest.raises(EcardError):
        open_posted(scanned, known(key), NOW)
