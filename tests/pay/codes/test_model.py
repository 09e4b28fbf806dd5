"""The order code: what is written is read, and what was changed, cut or made by others is refused by its own error."""

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecard.errors import EcardError
from pay.codes import tlv
from pay.codes.errors import (
    OrderCodeChecksum,
    OrderCodeCurrency,
    OrderCodeForeign,
    OrderCodeMalformed,
    OrderCodeRefused,
    OrderCodeTooLong,
    OrderCodeTruncated,
    OrderCodeVersion,
)
from pay.codes.model import MAX_TEXT, SCHEME, CodeKind, OrderCode, parse, sealed, text
from tests.clients.node import run

NAMES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFFFF, exclude_categories=("Cs", "Cc")), min_size=1)


@st.composite
def order_codes(draw: st.DrawFn) -> OrderCode:
    kind = draw(st.sampled_from(CodeKind))
    return OrderCode(
        id=draw(st.uuids()),
        kind=kind,
        amount=draw(st.integers(1, 10**10 - 1)) if kind is CodeKind.DYNAMIC else None,
        category=draw(st.from_regex(r"[0-9]{4}", fullmatch=True)),
        name=draw(NAMES),
        city=draw(st.from_regex(r"[A-Z]{3,15}", fullmatch=True)),
    )


DYNAMIC = OrderCode(id=UUID(int=7), kind=CodeKind.DYNAMIC, amount=1230, category="4900", name="Water", city="YINCHUAN")
STATIC = OrderCode(id=UUID(int=8), kind=CodeKind.STATIC, amount=None, category="4900", name="测试水务", city="YINCHUAN")


def rewritten(code: OrderCode, old: str, new: str) -> str:
    """Return the code's text with a part replaced, and the checksum made to fit."""
    payload = text(code)[:-8]
    assert payload.count(old) == 1, payload
    return sealed(payload.replace(old, new))


@given(order_codes())
def test_what_is_written_is_read_again(code: OrderCode) -> None:
    written = text(code)
    read = parse(written)
    assert (read.id, read.kind, read.amount, read.category) == (code.id, code.kind, code.amount, code.category)
    assert read.name == code.name[:25]
    assert len(written) <= MAX_TEXT


def test_the_checksum_is_that_of_the_catalogue_of_crcs() -> None:
    assert tlv.crc16(b"123456789") == 0x29B1


@given(order_codes(), st.data())
def test_one_changed_character_is_noticed(code: OrderCode, data: st.DataObject) -> None:
    written = text(code)
    place = data.draw(st.integers(0, len(written) - 1))
    put = data.draw(st.characters(min_codepoint=0x20, max_codepoint=0x7E).filter(lambda one: one != written[place]))
    with pytest.raises(OrderCodeRefused):
        parse(written[:place] + put + written[place + 1 :])


@given(order_codes(), st.data())
def test_a_beginning_is_incomplete_and_never_a_code(code: OrderCode, data: st.DataObject) -> None:
    written = text(code)
    with pytest.raises((OrderCodeTruncated, OrderCodeMalformed)) as refusal:
        parse(written[: data.draw(st.integers(0, len(written) - 1))])
    assert isinstance(refusal.value, EcardError)


@given(st.text(max_size=600))
def test_any_other_text_is_refused_and_breaks_nothing(scanned: str) -> None:
    with pytest.raises(OrderCodeRefused):
        parse(scanned)


@pytest.mark.parametrize(
    ("scanned", "error"),
    [
        ("", OrderCodeTruncated),
        ("00", OrderCodeTruncated),
        ("000201", OrderCodeTruncated),
        (text(DYNAMIC) + "8003abc", OrderCodeMalformed),
        (text(DYNAMIC) * 4, OrderCodeTooLong),
        (text(DYNAMIC)[:-4] + "0000", OrderCodeChecksum),
        (text(DYNAMIC)[:-4] + text(DYNAMIC)[-4:].lower() + "x", OrderCodeMalformed),
        (rewritten(DYNAMIC, "000201", "000202"), OrderCodeVersion),
        (rewritten(DYNAMIC, SCHEME, "0" * 32), OrderCodeForeign),
        (rewritten(DYNAMIC, "5303156", "5303840"), OrderCodeCurrency),
        (rewritten(DYNAMIC, "5802CN", "5802SG"), OrderCodeCurrency),
        (rewritten(DYNAMIC, "010212", "010213"), OrderCodeMalformed),
        (rewritten(DYNAMIC, "010212", "010211"), OrderCodeMalformed),
        (rewritten(DYNAMIC, "540512.30", ""), OrderCodeMalformed),
        (rewritten(DYNAMIC, "540512.30", "540512.3x"), OrderCodeMalformed),
        (rewritten(DYNAMIC, "540512.30", "540612.345"), OrderCodeMalformed),
        (rewritten(DYNAMIC, "540512.30", "54040.00"), OrderCodeMalformed),
        (rewritten(DYNAMIC, "540512.30", "5403-12"), OrderCodeMalformed),
        (rewritten(DYNAMIC, "540512.30", "5402１2"), OrderCodeMalformed),
        (rewritten(DYNAMIC, "540512.30", "540512.30540512.30"), OrderCodeMalformed),
        (rewritten(DYNAMIC, "5905Water", ""), OrderCodeMalformed),
        (rewritten(DYNAMIC, UUID(int=7).hex + "52", "G" + UUID(int=7).hex[1:] + "52"), OrderCodeMalformed),
        ("https://pay.example/qr/1", OrderCodeMalformed),
        ("EC1:ABC", OrderCodeMalformed),
        ("6304" + "ABCD", OrderCodeMalformed),
    ],
)
def test_each_way_to_be_wrong_has_its_own_error(scanned: str, error: type[Exception]) -> None:
    with pytest.raises(error) as refusal:
        parse(scanned)
    assert refusal.type is error


def test_our_account_is_found_among_those_of_other_schemes() -> None:
    other = tlv.encode([("00", "hk.com.example"), ("01", "1234")])
    payload = text(DYNAMIC)[:-8]
    mixed = sealed(payload.replace("2672", tlv.encode([("26", other)]) + "5172"))
    assert parse(mixed) == DYNAMIC


def test_an_independent_codec_reads_ours_and_we_read_its_own() -> None:
    codes = [
        DYNAMIC,
        STATIC,
        OrderCode(id=UUID(int=9), kind=CodeKind.DYNAMIC, amount=100, category="4111", name="公交", city="X"),
    ]
    spoiled = text(DYNAMIC)[:-1] + ("0" if text(DYNAMIC)[-1] != "0" else "1")
    made = [
        ["00", "01"],
        ["01", "12"],
        ["26", [["00", SCHEME], ["01", UUID(int=3).hex]]],
        ["52", "4900"],
        ["53", "156"],
        ["54", "0.07"],
        ["58", "CN"],
        ["59", "ECARD"],
        ["60", "YINCHUAN"],
        ["64", [["00", "zh"], ["01", "供电公司"]]],
    ]
    said = run("order_code.mjs", {"texts": [*map(text, codes), spoiled], "objects": [made]})
    assert said["sealed"] is True
    assert said["read"][-1] is None
    for code, read in zip(codes, said["read"], strict=False):
        assert read["26"] == {"00": SCHEME, "01": code.id.hex}
        assert read["01"] == ("12" if code.amount else "11")
        assert read.get("54") == (None if code.amount is None else re.sub(r"\.00$", "", f"{code.amount / 100:.2f}"))
        assert read.get("64", {}).get("01", read["59"]) == code.name
    expected = OrderCode(
        id=UUID(int=3), kind=CodeKind.DYNAMIC, amount=7, category="4900", name="供电公司", city="YINCHUAN"
    )
    assert parse(said["made"][0]) == expected
