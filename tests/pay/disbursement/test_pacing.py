"""A bank that does not keep up is given less, and more again when it does."""

from pay.disbursement.pacing import WIDEST, Pace


def test_silence_halves_what_is_under_way_and_answers_widen_it_one_by_one() -> None:
    pace, seen = Pace(), []
    for unheard in (0, 0, 1, 5, 24, 12, 4, 0):
        pace.note(24, unheard)
        seen.append(pace.width)
    assert seen == [5, 6, 7, 3, 1, 1, 1, 2]
    for _ in range(100):
        pace.note(pace.chunk, 0)
    assert (pace.width, pace.chunk) == (WIDEST, 4 * WIDEST)
