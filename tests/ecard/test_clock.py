"""Where time comes from."""

import time

from ecard.clock import SKEW, SteppedClock, SystemClock


def test_the_system_clock_is_the_machines() -> None:
    before = time.time()
    read = SystemClock().time()
    assert before <= read <= time.time()


def test_a_stepped_clock_moves_only_when_told() -> None:
    clock = SteppedClock(1000.5)
    assert clock.time() == clock.time() == 1000.5
    clock.advance(30)
    assert clock.time() == 1030.5
    clock.advance(-100)
    assert clock.time() == 930.5


def test_the_tolerance_between_two_clocks_is_half_a_minute() -> None:
    assert SKEW == 30
