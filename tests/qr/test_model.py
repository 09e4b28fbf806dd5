"""EC1 as it stands on paper: the bytes, the size, the time, and what a scan is when it is not EC1."""

import struct
from typing import NamedTuple

import pytest
import qrcode
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from qrcode.constants import ERROR_CORRECT_M

from qr import base45, model
from qr.errors import (
    CodeClockSkew,
    CodeExpired,
    CodeForeign,
    CodeFullWidth,
    CodeMalformed,
    CodeRefused,
    CodeTooLong,
    CodeTruncated,
)
from qr.model import Body, Code, Tail, check_time, once_key, parse, step_at

SKEW = 30
STEP = 59_800_000
"""A step in 2026; it starts at STEP * 30."""
START = STEP * 30
HANDLE = bytes(range(0xA0, 0xB0))
SIGNATURE = bytes(range(64))
DEVICE_SIGNATURE = bytes(range(64, 128))
KEY = b"\x02" + bytes(range(32))

bodies = st.builds(
    Body,
    mode=st.just(model.TICKET),
    slot=st.integers(0, 255),
    scene=st.integers(0, 255),
    flags=st.integers(0, 255),
    step=st.integers(0, 2**32 - 1),
    lifetime=st.integers(0, 255),
    place=st.integers(0, 2**32 - 1),
    handle=st.binary(min_size=16, max_size=16),
)
tails = st.builds(Tail, scene=st.integers(0, 255), step=st.integers(0, 2**32 - 1), nonce=st.integers(0, 2**32 - 1))
signatures = st.binary(min_size=64, max_size=64)


def a_ticket(*, step: int = STEP, lifetime: int = 2, scene: int = 1) -> bytes:
    return Body(model.TICKET, 7, scene, 1, step, lifetime, 0x01020304, HANDLE).pack() + SIGNATURE


def a_chain(*, first: int = STEP, hours: int = 24, step: int = STEP, scene: int = 1, nonce: int = 5) -> bytes:
    certificate = Body(model.CHAIN, 7, 0, 0, first, hours, 0x01020304, HANDLE).pack() + KEY
    return certificate + SIGNATURE + Tail(scene, step, nonce).pack() + DEVICE_SIGNATURE


def scan(raw: bytes) -> Code:
    return parse(model.text(raw))


def test_a_ticket_is_written_byte_for_byte_as_the_format_says() -> None:
    assert a_ticket() == (
        b"\x11"  # version 1, mode 1
        b"\x07"  # key slot
        b"\x01"  # scene
        b"\x01"  # flags
        + struct.pack(">I", STEP)
        + b"\x02"  # steps of life
        + b"\x01\x02\x03\x04"  # place in the status list
        + HANDLE
        + SIGNATURE
    )
    assert model.text(a_ticket()) == "EC1:" + base45.encode(a_ticket())


def test_a_chain_is_written_byte_for_byte_as_the_format_says() -> None:
    certificate = b"\x12\x07\x00\x00" + struct.pack(">I", STEP) + b"\x18\x01\x02\x03\x04" + HANDLE + KEY
    tail = b"\x01" + struct.pack(">II", STEP, 5)
    assert a_chain() == certificate + SIGNATURE + tail + DEVICE_SIGNATURE


@given(bodies, signatures)
def test_a_ticket_comes_back_field_for_field(body: Body, signature: bytes) -> None:
    code = scan(body.pack() + signature)
    assert code.body == body
    assert code.signature == signature
    assert code.signed == b"EC1T" + body.pack()
    assert code.tail is None
    assert (code.scene, code.step, code.epoch) == (body.scene, body.step, body.step * 30 // 86400)


@given(bodies, st.binary(min_size=33, max_size=33), signatures, tails, signatures)
def test_a_chain_comes_back_field_for_field(
    body: Body, key: bytes, signature: bytes, tail: Tail, device_signature: bytes
) -> None:
    certificate = body._replace(mode=model.CHAIN).pack() + key
    code = scan(certificate + signature + tail.pack() + device_signature)
    assert code.body == body._replace(mode=model.CHAIN)
    assert (code.device_key, code.signature) == (key, signature)
    assert (code.tail, code.device_signature) == (tail, device_signature)
    assert code.signed == b"EC1C" + certificate
    assert code.device_signed == b"EC1D" + certificate + tail.pack()
    # Scene and time are the device's words; the day of the status list is the certificate's.
    assert (code.scene, code.step, code.epoch) == (tail.scene, tail.step, body.step * 30 // 86400)


def test_nothing_signed_for_one_use_can_be_taken_for_another() -> None:
    starts = {made[:4] for made in (model.signed_ticket(b""), model.signed_certificate(b""))}
    assert len(starts | {model.signed_tail(b"", b"")[:4]}) == 3


class Drawn(NamedTuple):
    """What two independent encoders make of a text at error correction M."""

    by_qrcode: int
    by_zxing: int


def drawn(text: str) -> Drawn:
    symbol = qrcode.QRCode(error_correction=ERROR_CORRECT_M)
    symbol.add_data(text)
    symbol.make(fit=True)
    barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    modules = barcode.to_image(add_quiet_zones=False).shape[0]
    return Drawn(symbol.version or 0, (modules - 17) // 4)


def test_a_ticket_is_93_bytes_and_qr_version_6_at_m() -> None:
    assert len(a_ticket()) == 93
    assert drawn(model.text(a_ticket())) == (6, 6)


def test_a_hundred_bytes_are_the_most_that_version_6_holds() -> None:
    assert drawn(model.text(b"\xff" * 100)) == (6, 6)
    assert drawn(model.text(b"\xff" * 101)) == (7, 7)


def test_a_chain_is_199_bytes_and_qr_version_10_at_m() -> None:
    assert len(a_chain()) == 199
    assert drawn(model.text(a_chain())) == (10, 10)


def test_the_longest_scan_that_is_read_is_the_most_that_version_10_holds() -> None:
    assert drawn("A" * model.MAX_TEXT) == (10, 10)
    assert drawn("A" * (model.MAX_TEXT + 1)) == (11, 11)


@pytest.mark.parametrize("raw", [a_ticket(), a_chain()], ids=["ticket", "chain"])
def test_every_beginning_of_a_code_is_called_truncated(raw: bytes) -> None:
    text = model.text(raw)
    for length in range(1, len(text)):
        with pytest.raises(CodeTruncated):
            parse(text[:length])
    for size in range(len(raw)):
        with pytest.raises(CodeTruncated):
            scan(raw[:size])


@pytest.mark.parametrize("raw", [a_ticket(), a_chain()], ids=["ticket", "chain"])
def test_bytes_after_a_code_are_refused(raw: bytes) -> None:
    with pytest.raises(CodeTooLong):
        scan(raw + b"\0")


@pytest.mark.parametrize("first", [v << 4 | m for v in range(16) for m in range(16) if (v, m) not in {(1, 1), (1, 2)}])
def test_another_version_or_mode_is_not_a_code(first: int) -> None:
    with pytest.raises(CodeMalformed):
        scan(bytes((first,)) + a_ticket()[1:])


WECHAT = [f"{lead}{'0' * 16}" for lead in range(10, 16)]
ALIPAY = [f"{lead}{'7' * more}" for lead in range(25, 31) for more in (14, 18, 22)]
FOREIGN = [
    *((scanned, "wechat_pay") for scanned in WECHAT),
    *((scanned, "alipay") for scanned in ALIPAY),
    ("6212345678901234567", "unionpay"),
    ("hQVDUFYwMWETTwegAAADMwEBUAhVbmlvblBheQ==", "emv"),
    ("https://qr.alipay.com/fkx00000", "url"),
    ("HTTP://EXAMPLE.COM/EC1:", "url"),
    ("weixin://wxpay/bizpayurl?pr=x", "url"),
    ("wxp://f2f0", "url"),
]


@pytest.mark.parametrize(("scanned", "whose"), FOREIGN)
def test_another_applications_code_is_named(scanned: str, whose: str) -> None:
    with pytest.raises(CodeForeign) as refused:
        parse(scanned)
    assert refused.value.members == {"belongs_to": whose}


@pytest.mark.parametrize(
    "scanned",
    [
        "160000000000000000",  # 18 digits, but no prefix of WeChat's
        "090000000000000000",
        "13000000000000000",  # 17 digits
        "1300000000000000000",  # 19 digits
        "287777777777777",  # 15 digits, one less than Alipay's
        "2877777777777777777777777",  # 25 digits, one more
        "317777777777777777",
        "621234567890123456",  # 62, but 18 digits
        "6112345678901234567",
        "9000000000000000000",
    ],
)
def test_digits_beside_the_payment_apps_ranges_are_nobodys(scanned: str) -> None:
    with pytest.raises(CodeMalformed):
        parse(scanned)


@pytest.mark.parametrize(
    ("scanned", "error"),
    [
        ("", CodeMalformed),
        ("E", CodeTruncated),
        ("EC1", CodeTruncated),
        ("EC1:", CodeTruncated),
        ("EC2:" + "A" * 140, CodeMalformed),
        ("ec1:" + "A" * 140, CodeMalformed),
        (" " + model.text(a_ticket()), CodeMalformed),
        (model.text(a_ticket()) + "\n", CodeMalformed),
        (model.text(a_ticket()) + "\0", CodeMalformed),
        ("\0", CodeMalformed),
        ("EC1:\0" + "A" * 139, CodeMalformed),
        ("EC1:" + "!" * 140, CodeMalformed),
        ("EC1:" + ":" * 141, CodeMalformed),  # a group beyond two bytes
        ("EC1:二维码", CodeMalformed),
        ("garbage", CodeMalformed),
        ("\ud800", CodeMalformed),
        ("１３００００００００００００００００", CodeFullWidth),
        ("ＥＣ１：ＡＡＡ", CodeFullWidth),
        ("EC1:ＡＡＡ", CodeFullWidth),
        ("EC1：AAA", CodeFullWidth),
        ("EC1:AAA　AAA", CodeFullWidth),
        ("A" * 312, CodeTooLong),
        ("9" * 4096, CodeTooLong),
        ("EC1:" + "0" * 308, CodeTooLong),
        ("https://example.com/" + "x" * 4000, CodeTooLong),
    ],
)
def test_each_bad_scan_gives_its_own_refusal(scanned: str, error: type[CodeRefused]) -> None:
    with pytest.raises(CodeRefused) as refused:
        parse(scanned)
    assert type(refused.value) is error


@given(st.text(max_size=400))
def test_whatever_is_scanned_the_refusal_is_a_declared_one(scanned: str) -> None:
    for text in (scanned, "EC1:" + scanned):
        with pytest.raises(CodeRefused):
            parse(text)


def test_a_step_is_thirty_seconds() -> None:
    assert [step_at(now) for now in (0.0, 29.99, 30.0, 59.99, 60.0)] == [0, 0, 1, 1, 2]


def assert_valid_exactly(code: Code, first: float, end: float) -> None:
    """`first` is the first moment at which the code is taken, `end` the first at which it is dead again."""
    check_time(code, first)
    check_time(code, end - 0.001)
    with pytest.raises(CodeClockSkew):
        check_time(code, first - 0.001)
    with pytest.raises(CodeExpired):
        check_time(code, end)


def test_a_ticket_is_taken_from_its_step_for_sixty_seconds_give_or_take_the_skew() -> None:
    assert_valid_exactly(scan(a_ticket()), START - SKEW, START + 60 + SKEW)


def test_a_tickets_own_lifetime_counts() -> None:
    assert_valid_exactly(scan(a_ticket(lifetime=1)), START - SKEW, START + 30 + SKEW)


def test_a_chain_code_is_taken_for_sixty_seconds_whatever_its_certificates_hours() -> None:
    code = scan(a_chain(first=STEP - 100, step=STEP))
    assert_valid_exactly(code, START - SKEW, START + 60 + SKEW)


def test_a_device_signs_until_its_certificates_end_and_no_longer() -> None:
    end = START + 3600
    assert_valid_exactly(scan(a_chain(hours=1, step=STEP + 119)), end - 30 - SKEW, end + SKEW)


def test_a_device_signs_from_its_certificates_start_and_no_earlier() -> None:
    assert_valid_exactly(scan(a_chain(step=STEP - 1)), START - SKEW, START + 30 + SKEW)


@given(hours=st.integers(0, 24), step=st.integers(-4, 24 * 120 + 4), second=st.integers(-200, 24 * 3600 + 200))
def test_no_chain_code_is_taken_outside_its_certificate_or_its_step(hours: int, step: int, second: int) -> None:
    code, now = scan(a_chain(hours=hours, step=STEP + step)), START + second
    taken = True
    try:
        check_time(code, now)
    except (CodeExpired, CodeClockSkew):
        taken = False
    within_certificate = -SKEW <= second < hours * 3600 + SKEW
    within_step = step * 30 - SKEW <= second < step * 30 + 60 + SKEW
    assert taken <= (within_certificate and within_step)


def test_a_refusal_for_time_measures_the_distance() -> None:
    with pytest.raises(CodeExpired) as expired:
        check_time(scan(a_ticket()), START + 60 + 45)
    assert expired.value.members == {"age_seconds": 45, "server_time": START + 105}
    with pytest.raises(CodeClockSkew) as early:
        check_time(scan(a_ticket()), START - 47)
    assert early.value.members == {"offset_seconds": 47, "server_time": START - 47}


def test_a_ticket_burns_its_handle() -> None:
    assert once_key(scan(a_ticket())) == HANDLE


def test_each_code_of_a_chain_burns_a_key_of_its_own() -> None:
    keys = {
        once_key(scan(a_chain(step=step, scene=scene, nonce=nonce)))
        for step in (STEP, STEP + 1)
        for scene in (1, 2)
        for nonce in (5, 6)
    }
    assert len(keys) == 8
    assert all(len(key) == 16 for key in keys)
    assert HANDLE not in keys


def test_the_digits_of_each_card_step_and_scene_burn_a_key_of_their_own() -> None:
    keys = {model.number_key(card, step, scene) for card in (1, 2) for step in (1, 2) for scene in (1, 2)}
    assert len(keys) == 8
    assert model.number_key(1, 2, 3) == model.number_key(1, 2, 3)
    assert {len(key) for key in keys} == {16}
