"""The ladder: when a silent bank is asked again, and what."""

import msgspec
import pytest

from pay.banks.model import Ladder, Step, after_query, next_in, to_be_suspended

LADDER = Ladder()


def test_the_ladder_of_practice_is_query_at_5_s_then_each_10_s_and_reversal_from_15_s() -> None:
    age, looks = LADDER.first_query, []
    while age < 40:
        looks.append((age, after_query(LADDER, "pay", age, found=False)))
        age += next_in(LADDER, age, suspended=False)
    assert looks == [(5, None), (15, Step.REVERSE), (25, Step.REVERSE), (35, Step.REVERSE)]


def test_nothing_is_reversed_sooner_than_the_bank_allows() -> None:
    ages = [n / 10 for n in range(150)]
    assert {after_query(LADDER, "pay", age, found=found) for age in ages for found in (True, False)} == {None}


@pytest.mark.parametrize("kind", ["refund", "payout"])
def test_what_pays_out_is_sent_again_and_never_reversed(kind: str) -> None:
    steps = {after_query(LADDER, kind, age, found=False) for age in (5, 15, 3600, 86400)}
    assert steps == {Step.SEND_AGAIN}
    assert after_query(LADDER, kind, 3600, found=True) is None, "what the bank has in its hands is not sent again"


def test_time_alone_leads_to_a_person_and_the_bank_is_asked_all_the_same() -> None:
    assert not to_be_suspended(LADDER, LADDER.suspend_after - 0.001)
    assert to_be_suspended(LADDER, LADDER.suspend_after)
    assert next_in(LADDER, 99_999, suspended=True) == LADDER.suspended_interval


@pytest.mark.parametrize(
    ("figures", "named"),
    [
        ({"timeout": 5}, "timeout"),
        ({"reverse_after": 4.5}, "reverse_after"),
        ({"suspend_after": 15}, "suspend_after"),
        ({"first_query": 20}, "reverse_after"),
    ],
)
def test_figures_that_contradict_each_other_are_named(figures: dict[str, float], named: str) -> None:
    assert msgspec.convert(figures, Ladder).problem() == named
    assert LADDER.problem() is None


@pytest.mark.parametrize("figures", ['{"timeout": 0}', '{"interval": -1}', '{"interval": "10"}', '{"patience": 1}'])
def test_a_ladder_is_read_strictly(figures: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(figures, type=Ladder)


def test_a_ladder_is_scaled_as_a_whole() -> None:
    short = LADDER.scaled(0.1)
    assert (short.first_query, short.reverse_after, short.failures) == (0.5, 1.5, LADDER.failures)
    assert short.problem() is None
