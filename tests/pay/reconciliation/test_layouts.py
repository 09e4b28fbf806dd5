"""A day file is read line by line: what is good is kept, what is bad is named by place and reason, nothing aborts."""

import datetime
import random
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pay.reconciliation.layouts import LAYOUTS, DayFile
from pay.reconciliation.model import Bad, HeaderWrong, Kind, Line, Reason

HEAD = "H|ecard-day-1|SANDBOX|20260105|CNY"
GOOD = "D|1|pay|E0198|| 100|D|0004|2026-01-05T01:02:03.004+00:00".replace(" ", "")
LINES = [
    GOOD,
    "D|2|refund|E0199|E0198|40|C|0004|2026-01-05T01:02:04Z",
    "D|3|reverse|E0198||60|C|0004|2026-01-05T09:02:05+08:00",
]
TAIL = "T|3|100|100"


def read(*lines: str | bytes, layout: str = "ecard-day-1") -> tuple[DayFile, list[Line | Bad]]:
    made = b"".join((one if isinstance(one, bytes) else one.encode()) + b"\n" for one in lines)
    opened = DayFile(BytesIO(made), layout)
    return opened, list(opened)


def fixed(record: str, *fields: str) -> bytes:
    widths = {"H": (16, 16, 8, 3), "D": (10, 8, 64, 64, 14, 1, 4, 14, 40), "T": (10, 16, 16)}[record]
    cut = [field.encode("gb18030").ljust(width) for field, width in zip(fields, widths, strict=True)]
    return record.encode() + b"".join(cut) + b"\r"


def test_a_good_file_is_read_whole() -> None:
    opened, found = read(HEAD, *LINES, TAIL)
    assert (opened.header.bank, opened.header.day) == ("SANDBOX", datetime.date(2026, 1, 5))
    assert opened.whole
    at = datetime.datetime(2026, 1, 5, 1, 2, tzinfo=datetime.UTC)
    assert found == [
        Line(1, Kind.PAY, "E0198", None, 100, at.replace(second=3, microsecond=4000)),
        Line(2, Kind.REFUND, "E0199", "E0198", -40, at.replace(second=4)),
        Line(3, Kind.REVERSE, "E0198", None, -60, at.replace(second=5)),
    ]


def test_a_file_of_fixed_columns_in_gb18030_says_the_same() -> None:
    opened, found = read(
        fixed("H", "fixed-gb18030-1", "SANDBOX", "20260105", "CNY"),
        fixed("D", "1", "pay", "E0198", "", "100", "D", "0004", "20260105090203", "西部电子支付①𠮷"),
        fixed("D", "2", "refund", "E0199", "E0198", "40", "C", "0004", "20260105090204", "退款"),
        fixed("D", "3", "reverse", "E0198", "", "60", "C", "0004", "20260105090205", ""),
        fixed("T", "3", "100", "100"),
        layout="fixed-gb18030-1",
    )
    piped = read(HEAD, GOOD.replace(".004", ""), *LINES[1:], TAIL)[1]
    assert opened.whole
    assert found == piped


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("D|4|pay|E02||10|D|0004|2026-01-05T01:02:03Z|more", Reason.FIELDS),
        ("D|x|pay|E02||10|D|0004|2026-01-05T01:02:03Z", Reason.NUMBER),
        ("D|99999999999|pay|E02||10|D|0004|2026-01-05T01:02:03Z", Reason.NUMBER),
        ("D|4|gift|E02||10|D|0004|2026-01-05T01:02:03Z", Reason.KIND),
        ("D|4|pay|E 2||10|D|0004|2026-01-05T01:02:03Z", Reason.REFERENCE),
        ("D|4|pay|||10|D|0004|2026-01-05T01:02:03Z", Reason.REFERENCE),
        ("D|4|pay|E02||0|D|0004|2026-01-05T01:02:03Z", Reason.AMOUNT),
        ("D|4|pay|E02||-10|D|0004|2026-01-05T01:02:03Z", Reason.AMOUNT),
        ("D|4|pay|E02||10.00|D|0004|2026-01-05T01:02:03Z", Reason.AMOUNT),
        ("D|4|pay|E02||１０|D|0004|2026-01-05T01:02:03Z", Reason.AMOUNT),
        ("D|4|pay|E02||999999999999999|D|0004|2026-01-05T01:02:03Z", Reason.AMOUNT),
        ("D|4|pay|E02||10|X|0004|2026-01-05T01:02:03Z", Reason.DIRECTION),
        ("D|4|pay|E02||10|C|0004|2026-01-05T01:02:03Z", Reason.DIRECTION),
        ("D|4|pay|E02||10|D|0004|yesterday", Reason.TIME),
        ("D|4|pay|E02||10|D|0004|2026-01-05T01:02:03", Reason.TIME),
        ("D|4|pay|E02||10|D|0004|0001-01-01T00:00:00+14:00", Reason.TIME),
        (b"D|4|pay|\xff\xfe||10|D|0004|2026-01-05T01:02:03Z", Reason.ENCODING),
        ("X|4", Reason.RECORD),
        ("", Reason.RECORD),
        ("D|4|" + "x" * 5000, Reason.TOO_LONG),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_kept(line: str | bytes, reason: Reason) -> None:
    opened, found = read(HEAD, *LINES, line, "T|4|110|100")
    assert [one for one in found if isinstance(one, Line)] == read(HEAD, *LINES, TAIL)[1]
    assert next(one for one in found if isinstance(one, Bad)) == Bad(5, reason)
    assert not opened.whole


@pytest.mark.parametrize(
    ("tail", "reasons"),
    [
        ("T|2|100|100", [Reason.TRAILER_COUNT]),
        ("T|3|101|100", [Reason.TRAILER_SUM]),
        ("T|9|9|9", [Reason.TRAILER_COUNT, Reason.TRAILER_SUM]),
        ("T|3|100", [Reason.TRAILER]),
        ("T|3|100|x", [Reason.TRAILER]),
        ("T|3|100|100\n" + GOOD, [Reason.AFTER_TRAILER]),
    ],
)
def test_a_trailer_that_does_not_agree_makes_the_file_not_whole(tail: str, reasons: list[Reason]) -> None:
    opened, found = read(HEAD, *LINES, tail)
    assert [one.reason for one in found if isinstance(one, Bad)] == reasons
    assert not opened.whole


def test_a_file_that_was_cut_off_is_not_whole() -> None:
    opened, found = read(HEAD, *LINES)
    assert (found[-1], opened.whole) == (Bad(5, Reason.TRAILER), False)


def test_a_gap_in_the_numbers_is_noted_and_the_line_kept() -> None:
    opened, found = read(HEAD, LINES[0], LINES[2], "T|2|100|60")
    assert [type(one) for one in found] == [Line, Bad, Line]
    assert (found[1], opened.whole) == (Bad(3, Reason.SEQUENCE), False)


@pytest.mark.parametrize(
    "head",
    [
        "",
        "H",
        HEAD[:-3],
        HEAD.replace("CNY", "USD"),
        HEAD.replace("day-1", "day-2"),
        "H|ecard-day-1|B|20261305|CNY",
        "D",
    ],
)
def test_a_file_that_begins_otherwise_is_none(head: str) -> None:
    with pytest.raises(HeaderWrong):
        read(head, *LINES, TAIL)


@given(st.sampled_from(sorted(LAYOUTS)), st.binary(max_size=300))
def test_any_bytes_after_the_header_are_read_or_named_and_never_raise(layout: str, junk: bytes) -> None:
    head = HEAD.encode() if layout == "ecard-day-1" else fixed("H", layout, "SANDBOX", "20260105", "CNY")
    found = list(DayFile(BytesIO(head + b"\n" + junk), layout))
    assert found
    assert isinstance(found[-1], Bad)


@given(st.integers(0, 2**32), st.integers(0, 3))
def test_a_file_damaged_anywhere_is_read_and_a_changed_amount_is_noticed(seed: int, cut: int) -> None:
    dice = random.Random(seed)
    made = bytearray("\n".join([HEAD, *LINES, TAIL, ""]).encode())
    place = dice.randrange(len(HEAD) + 1, len(made) - 1)
    made[place : place + cut] = bytes(dice.randrange(256) for _ in range(dice.randrange(3)))
    opened = DayFile(BytesIO(bytes(made)), "ecard-day-1")
    found = [one for one in opened if isinstance(one, Line)]
    if opened.whole:
        # What no trailer covers: references, times, the account's last digits. Never an amount.
        assert sum(abs(one.amount) for one in found) == 200
        assert len(found) == 3
