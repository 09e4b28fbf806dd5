"""Working days by the State Council's notices; a period ends when its last day does."""

import datetime

import pytest

from ecard import workdays
from ecard.workdays import BEIJING


@pytest.mark.parametrize(
    ("begun", "days", "ends"),
    [
        ("2026-01-05T08:00:00+08:00", 7, "2026-01-15"),
        ("2026-09-30T23:59:59+08:00", 7, "2026-10-16"),  # 国庆节, and a Saturday that is worked
        ("2026-02-13T10:00:00+08:00", 2, "2026-02-25"),  # a worked Saturday, then 春节
        ("2026-01-05T16:30:00+00:00", 1, "2026-01-08"),  # in Beijing it is the 6th already
    ],
)
def test_a_period_is_over_when_its_last_working_day_is(begun: str, days: int, ends: str) -> None:
    at = datetime.datetime.fromisoformat(begun).timestamp()
    assert workdays.ends_at(at, days) == datetime.datetime.fromisoformat(f"{ends}T00:00:00+08:00")


def test_no_days_at_all_end_at_once() -> None:
    now = datetime.datetime(2026, 1, 5, tzinfo=BEIJING)
    assert workdays.ends_at(now.timestamp(), 0) == now


def test_a_year_that_is_not_published_has_weekends_and_fixed_holidays_off() -> None:
    assert not workdays.published(2040)
    assert not workdays.is_workday(datetime.date(2040, 10, 1))
    assert workdays.is_workday(datetime.date(2040, 10, 4))
