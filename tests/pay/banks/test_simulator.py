"""The simulated bank's own book: one booking for a reference, whatever is asked, in whatever order."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pay.banks.bank import Credit, Debit, Outcome, Payout
from pay.banks.simulator import statement
from pay.banks.simulator.book import INSUFFICIENT, NO_ACCOUNT, NO_ORIGINAL, OPENING, REUSED, TOO_MUCH, Book

ACCOUNT = "6299990000000000004"


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    made = Book(tmp_path / "bank.sqlite")
    yield made
    made.close()


def test_a_reference_is_booked_once_however_often_it_is_asked(book: Book) -> None:
    assert [book.post(Debit("r1", ACCOUNT, 500)).outcome for _ in range(3)] == [Outcome.OK] * 3
    assert book.balances() == {ACCOUNT: OPENING - 500}
    assert book.post(Debit("r1", ACCOUNT, 501)).code == REUSED


def test_a_payment_that_comes_after_its_reversal_is_not_booked(book: Book) -> None:
    assert book.reverse("late").outcome is Outcome.REVERSED
    assert book.post(Debit("late", ACCOUNT, 500)).outcome is Outcome.REVERSED
    assert book.balances() == {}


def test_a_reversal_gives_back_once(book: Book) -> None:
    book.post(Debit("r1", ACCOUNT, 500))
    assert [book.reverse("r1").outcome for _ in range(3)] == [Outcome.REVERSED] * 3
    assert book.balances() == {ACCOUNT: OPENING}
    assert book.query("r1").outcome is Outcome.REVERSED


def test_refunds_never_exceed_what_was_paid(book: Book) -> None:
    book.post(Debit("r1", ACCOUNT, 500))
    told = [book.post(Credit(f"back{n}", "r1", 300)) for n in range(2)]
    assert [(one.outcome, one.code) for one in told] == [(Outcome.OK, ""), (Outcome.DECLINED, TOO_MUCH)]
    assert book.post(Credit("back9", "nothing", 1)).code == NO_ORIGINAL
    assert book.reverse("r1").outcome is Outcome.OK, "what was refunded in part is not undone as a whole"


def test_what_cannot_be_paid_is_declined_and_stays_so(book: Book) -> None:
    book.set_balance(ACCOUNT, 99)
    assert book.post(Debit("r1", ACCOUNT, 100)).code == INSUFFICIENT
    book.set_balance(ACCOUNT, 1000)
    assert book.post(Debit("r1", ACCOUNT, 100)).code == INSUFFICIENT
    assert book.post(Debit("r2", "0000123", 100)).code == NO_ACCOUNT
    assert book.post(Payout("p1", "0000123", 100)).code == NO_ACCOUNT


def test_what_is_pending_is_booked_on_the_next_day(book: Book) -> None:
    first = book.day
    assert book.post(Debit("r1", ACCOUNT, 500), pending=True).code == "pending"
    assert book.lines(first) == []
    second = book.next_day()
    assert book.query("r1").outcome is Outcome.OK
    assert [line.ref for line in book.lines(second)] == ["r1"]


def test_the_book_outlives_its_process(tmp_path: Path) -> None:
    one = Book(tmp_path / "bank.sqlite")
    one.post(Debit("r1", ACCOUNT, 500))
    other = Book(tmp_path / "bank.sqlite")
    assert other.query("r1").outcome is Outcome.OK
    one.close()
    other.close()


def test_the_day_file_has_a_line_for_each_movement_and_sums_that_hold(book: Book) -> None:
    book.post(Debit("r1", ACCOUNT, 500))
    book.post(Debit("r2", ACCOUNT, 300))
    book.reverse("r2")
    book.post(Credit("b1", "r1", 200))
    book.post(Payout("p1", "6299990000000000012", 900))
    lines = statement.render("SANDBOX", book.day, book.lines(book.day)).decode().splitlines()
    assert lines[0] == f"H|ecard-day-1|SANDBOX|{book.day}|CNY"
    assert [line.rpartition("|")[0] for line in lines[1:-1]] == [
        "D|1|pay|r1||500|D|0004",
        "D|2|pay|r2||300|D|0004",
        "D|3|reverse|r2||300|C|0004",
        "D|4|refund|b1|r1|200|C|0004",
        "D|5|payout|p1||900|C|0012",
    ]
    assert lines[-1] == "T|5|800|1400"


def test_a_pay_out_that_is_returned_was_done_until_the_next_day(book: Book) -> None:
    first = book.day
    assert book.post(Payout("p1", ACCOUNT, 900), returned=True).outcome is Outcome.OK
    assert (book.query("p1").outcome, book.balances()[ACCOUNT]) == (Outcome.OK, OPENING + 900)
    second = book.next_day()
    assert (book.query("p1").outcome, book.balances()[ACCOUNT]) == (Outcome.REVERSED, OPENING)
    assert [(line.kind, line.amount) for day in (first, second) for line in book.lines(day)] == [
        ("payout", 900),
        ("reverse", -900),
    ]
