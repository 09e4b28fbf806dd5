"""Fares: every table, class, transfer and cap in figures, and what no order of taps may break."""

import datetime
import random
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pay.rides.model import (
    Band,
    Direction,
    Distance,
    FareTable,
    Flat,
    Joined,
    JourneyKind,
    Price,
    Shares,
    Spent,
    Tap,
    Transfer,
    join,
    price_all,
)
from qr.model import FareClass

BUS = Flat(fare=200)
METRO = Distance(
    stations={"A": 0, "B": 3000, "C": 9000, "D": 30000},
    bands=(Band(up_to=4000, fare=200), Band(up_to=10000, fare=400), Band(up_to=40000, fare=700)),
)
TABLE = FareTable(lines={"101": BUS, "M1": METRO})
NOON = 1_800_000_000.0
NOTHING = Spent(None, {})
LATER = NOON + 30 * 86400


def tap(
    line: str, at: float, direction: str = "single", station: str | None = None, fare: FareClass = FareClass.FULL
) -> Tap:
    return Tap(f"{line}{at}{direction}", line, station, Direction(direction), NOON + at, fare)


def ride(entry: str, exit_: str, at: float, fare: FareClass = FareClass.FULL) -> list[Tap]:
    return [tap("M1", at, "in", entry, fare), tap("M1", at + 1200, "out", exit_, fare)]


def prices(taps: Iterable[Tap], table: FareTable = TABLE, spent: Spent = NOTHING) -> list[Price]:
    return price_all(join(taps, table, LATER).journeys, table, spent)


@pytest.mark.parametrize(
    ("taps", "expected"),
    [
        ([tap("101", 0)], [Price(200, 200, 0)]),
        ([tap("101", 0, fare=FareClass.FREE)], [Price(200, 0, 200)]),
        ([tap("101", 0, fare=FareClass.HALF)], [Price(200, 100, 100)]),
        (ride("A", "B", 0), [Price(200, 200, 0)]),
        (ride("B", "A", 0), [Price(200, 200, 0)]),
        (ride("A", "C", 0), [Price(400, 400, 0)]),
        (ride("A", "A", 0), [Price(200, 200, 0)]),
        (ride("A", "D", 0, FareClass.HALF), [Price(700, 350, 350)]),
        # A missing end costs its rider the most, and the city the least.
        ([tap("M1", 0, "in", "A")], [Price(700, 700, 0)]),
        ([tap("M1", 0, "out", "A")], [Price(700, 700, 0)]),
        ([tap("M1", 0, "in", "A", FareClass.FREE)], [Price(700, 0, 200)]),
        ([tap("M1", 0, "in", "A", FareClass.HALF)], [Price(700, 350, 100)]),
        # Too long under way: two journeys of one end.
        ([tap("M1", 0, "in", "A"), tap("M1", 4 * 3600 + 1, "out", "B")], [Price(700, 700, 0), Price(700, 700, 0)]),
    ],
)
def test_what_a_journey_costs(taps: list[Tap], expected: list[Price]) -> None:
    assert prices(taps) == expected


def test_a_transfer_is_cheaper_and_only_within_its_time() -> None:
    table = FareTable(lines=TABLE.lines, transfer=Transfer(within=3600, off=150))
    assert [one.fare for one in prices([tap("101", 0), tap("101", 3600), tap("101", 7201)], table)] == [200, 50, 200]
    assert prices([tap("101", 0)], table, Spent(NOON - 60, {}))[0].fare == 50
    # What a transfer takes off is nobody's: the city pays its share of the rest.
    free = prices([tap("101", 0), tap("101", 60, fare=FareClass.FREE)], table)[1]
    assert free == Price(50, 0, 50)


def test_a_day_costs_no_more_than_its_cap_and_the_next_day_begins_at_four_in_beijing() -> None:
    table = FareTable(lines=TABLE.lines, daily_cap=500)
    four = datetime.datetime(2027, 1, 16, 4, tzinfo=datetime.timezone(datetime.timedelta(hours=8))).timestamp() - NOON
    taps = [tap("101", four - 7200 + n * 60) for n in range(4)] + [tap("101", four - 1), tap("101", four)]
    assert [one.fare for one in prices(taps, table)] == [200, 200, 100, 0, 0, 200]
    # The cap is the operator's offer: no subsidy makes up for it.
    assert {one.subsidy for one in prices(taps, table)} == {0}


def test_the_other_end_is_waited_for_and_then_missed() -> None:
    entry = tap("M1", 0, "in", "A")
    assert join([entry], TABLE, NOON + TABLE.patience - 1) == Joined([], NOON + TABLE.patience)
    late = join([entry], TABLE, NOON + TABLE.patience)
    assert [one.kind for one in late.journeys] == [JourneyKind.NO_EXIT]
    assert late.again_at is None
    assert [one.kind for one in join([tap("M1", 0, "out", "A")], TABLE, LATER).journeys] == [JourneyKind.NO_ENTRY]


def test_an_entry_after_an_entry_leaves_the_first_without_an_exit() -> None:
    found = join([tap("M1", 0, "in", "A"), *ride("B", "C", 600)], TABLE, LATER).journeys
    assert [one.kind for one in found] == [JourneyKind.NO_EXIT, JourneyKind.COMPLETE]


@st.composite
def many_taps(draw: st.DrawFn) -> list[Tap]:
    ends = st.tuples(st.sampled_from(["in", "out"]), st.sampled_from("ABCD"))
    times = draw(st.lists(st.integers(0, 3 * 86400), min_size=1, max_size=12, unique=True))
    taps = []
    for at in times:
        fare = draw(st.sampled_from(FareClass))
        if draw(st.booleans()):
            taps.append(tap("101", at, fare=fare))
        else:
            direction, station = draw(ends)
            taps.append(tap("M1", at, direction, station, fare))
    return taps


@given(many_taps(), st.randoms(use_true_random=False), st.integers(0, 5 * 86400))
def test_each_tap_is_in_one_journey_or_waits_in_whatever_order_gates_upload(
    taps: list[Tap], shuffler: random.Random, now: int
) -> None:
    found = join(taps, TABLE, NOON + now)
    joined = [one.key for journey in found.journeys for one in journey.taps]
    assert len(joined) == len(set(joined))
    assert (found.again_at is None) == (len(joined) == len(taps))
    shuffled = list(taps)
    shuffler.shuffle(shuffled)
    assert join(shuffled, TABLE, NOON + now) == found


@given(many_taps(), st.integers(0, 1000), st.integers(0, 400), st.integers(0, 1000))
def test_no_fare_is_negative_nor_above_the_list_and_no_day_above_its_cap(
    taps: list[Tap], cap: int, off: int, half: int
) -> None:
    table = FareTable(
        lines=TABLE.lines,
        daily_cap=cap,
        transfer=Transfer(within=3600, off=off),
        shares=Shares(half=half),
    )
    journeys = join(taps, table, LATER).journeys
    made = price_all(journeys, table, NOTHING)
    by_day: dict[int, int] = {}
    for journey, one in zip(journeys, made, strict=True):
        assert 0 <= one.fare <= one.listed <= 700
        assert 0 <= one.subsidy <= one.listed - one.fare
        assert journey.taps[0].fare is not FareClass.FULL or one.subsidy == 0
        assert journey.taps[0].fare is not FareClass.FREE or one.fare == 0
        by_day[table.day(journey.began)] = by_day.get(table.day(journey.began), 0) + one.fare
    assert all(spent <= cap for spent in by_day.values())


@pytest.mark.parametrize(
    ("table", "faults"),
    [
        (TABLE, []),
        (FareTable(lines={"M": Distance(stations={"A": 0, "B": 1}, bands=METRO.bands[::-1])}), ["/lines/M/bands"]),
    ],
)
def test_a_table_that_cannot_be_meant_is_named(table: FareTable, faults: list[str]) -> None:
    assert table.faults() == faults


def test_a_table_is_data_and_survives_its_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(TABLE), type=FareTable) == TABLE
