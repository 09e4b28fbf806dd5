"""A day's statement: every payment and refund, in 分 and in yuan, and no cell that a spreadsheet would run."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pay.settlements.model import cell
from tests.bureau import refused
from tests.pay.settlements.conftest import Till
from tests.shop import new_number, payer


def download(till: Till, query: str) -> tuple[bytes, list[list[str]]]:
    answer = till.online.call("GET", "/v1/statements", query=query)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return answer.content, list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_a_statement_has_each_payment_and_refund_of_the_day(till: Till) -> None:
    number = new_number()
    with till.yesterday():
        order = till.charge(payer(till.bureau).code("pay"), 1250, number=number)
        till.refund(order, 5, number="R1")
    till.paid(700)
    raw, lines = download(till, f"date={till.day}")
    assert raw.startswith(b"\xef\xbb\xbf")
    assert [line[1] for line in lines[1:]] == ["payment", "refund"]
    assert [(line[3], line[-2], line[-1]) for line in lines[1:]] == [
        (number, "1250", "12.50"),
        (number, "-5", "-0.05"),
    ]
    assert download(till, "")[1] == lines


def test_what_a_spreadsheet_would_take_for_a_formula_is_text(till: Till) -> None:
    with till.yesterday():
        body = {**till.body(payer(till.bureau).code("pay")), "subject": '=HYPERLINK("//a.example","x")'}
        till.asking(body)
    assert download(till, f"date={till.day}")[1][1][6] == '\'=HYPERLINK("//a.example","x")'


@given(st.text())
def test_no_text_of_a_cell_begins_a_formula(text: str) -> None:
    assert not cell(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_till_downloads_no_statement(till: Till) -> None:
    with refused("webhook_terminal_refused", 403):
        till.till.call("GET", "/v1/statements")


@pytest.mark.parametrize("date", ["", "yesterday", "2026-13-01", "2026-01-01T00:00:00Z"])
def test_what_is_no_day_is_refused(till: Till, date: str) -> None:
    with refused("invalid_request", 400):
        till.online.call("GET", "/v1/statements", query=f"date={date}")
