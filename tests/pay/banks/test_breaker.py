"""The circuit breaker: a dead bank is left alone, and found again without a customer."""

import pytest

from pay.banks.bank import NOT_FOUND, Answer, Outcome
from pay.banks.breaker import Breaker
from pay.banks.errors import BankUnavailable
from pay.banks.model import Ladder

LADDER = Ladder(failures=3, rest=5, at_once=2)
UNHEARD = Answer(Outcome.UNKNOWN, "timeout")


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_it_opens_after_so_many_unheard_in_a_row_and_refuses_with_a_time() -> None:
    breaker = Breaker(LADDER)
    for answer in (UNHEARD, UNHEARD, Answer(Outcome.OK), UNHEARD, UNHEARD):
        breaker.note(answer)
        breaker.admit()
    breaker.note(UNHEARD)
    with pytest.raises(BankUnavailable) as refusal:
        breaker.admit()
    assert refusal.value.headers == {"Retry-After": "5"}


@pytest.mark.parametrize("answer", [Answer(Outcome.DECLINED, "51"), Answer(Outcome.UNKNOWN, NOT_FOUND)])
def test_a_bank_that_answers_anything_is_alive(answer: Answer) -> None:
    breaker = Breaker(LADDER)
    for _ in range(3):
        breaker.note(UNHEARD)
    breaker.note(answer)
    breaker.admit()


def test_it_is_probed_once_a_rest_and_only_while_open() -> None:
    clock = Hand()
    breaker = Breaker(LADDER, clock)
    assert not breaker.probe_due()
    for _ in range(3):
        breaker.note(UNHEARD)
    seen = []
    for _ in range(12):
        clock.at += 1
        seen.append(breaker.probe_due())
    assert seen == [False] * 4 + [True] + [False] * 4 + [True] + [False] * 2


def test_no_more_are_under_way_at_once_than_the_bank_is_good_for() -> None:
    breaker = Breaker(LADDER)
    with breaker.counted():
        breaker.admit()
        with breaker.counted(), pytest.raises(BankUnavailable):
            breaker.admit()
        breaker.admit()
