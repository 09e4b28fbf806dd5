"""乘车: taps become journeys, journeys become fares; pure.

tap 刷码 · journey 行程 · fare table 票价表 · line 线路 · band 里程档 · transfer 换乘优惠 · daily cap 日封顶 ·
fare class 票价类别 · subsidy 补贴 · missing tap 缺进出站记录. Amounts are 分, distances metres, times Unix seconds.

A fare table is data of its operator. The city pays what a fare class takes off (补贴); a transfer and the
daily cap are the operator's own offers, which nobody pays for.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, NamedTuple

import msgspec

from qr.model import FareClass

UPLOAD_DAYS = 7
"""A gate that was offline longer than this has lost its taps."""
BUNDLE_SECONDS = 4 * 3600
"""A gate knows a card's death no later than this: its bundle's life."""
Money = Annotated[int, msgspec.Meta(ge=0, le=100_000)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=32, pattern=r"^[^\x00-\x1f\x7f]+(?!\n)$")]


class Direction(StrEnum):
    """Which way a gate lets through; a bus has one validator and lets nobody out."""

    IN = "in"
    OUT = "out"
    SINGLE = "single"


class JourneyKind(StrEnum):
    """What is known of a journey: both ends, or one of them."""

    COMPLETE = "complete"
    NO_EXIT = "no_exit"
    NO_ENTRY = "no_entry"


class Data(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Data that an operator sends: unknown fields are refused."""


class Flat(Data, frozen=True, kw_only=True, tag="flat"):
    """One price, one tap 一票制."""

    fare: Money

    def check(self, direction: Direction, station: str | None) -> str | None:
        """Return what is wrong with a tap of this line, None if nothing is."""
        del station
        return None if direction is Direction.SINGLE else "direction_wrong"

    def prices(self, entry: str | None, exit_: str | None) -> tuple[int, int]:
        """Return the listed fare, and what of it a subsidy is reckoned from."""
        del entry, exit_
        return self.fare, self.fare


class Band(Data, frozen=True, kw_only=True):
    """The fare for a journey of up to so many metres."""

    up_to: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    fare: Money


class Distance(Data, frozen=True, kw_only=True, tag="distance"):
    """By distance 按里程: in and out, stations by their metres from the line's beginning."""

    stations: Annotated[dict[Name, Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]], msgspec.Meta(min_length=2)]
    bands: Annotated[tuple[Band, ...], msgspec.Meta(min_length=1, max_length=50)]

    def check(self, direction: Direction, station: str | None) -> str | None:
        """Return what is wrong with a tap of this line, None if nothing is."""
        if direction is Direction.SINGLE:
            return "direction_wrong"
        return None if station in self.stations else "station_unknown"

    def prices(self, entry: str | None, exit_: str | None) -> tuple[int, int]:
        """Return the listed fare, and what of it a subsidy is reckoned from.

        Where an end is missing, the rider pays the highest fare; the city, if it pays, the lowest.
        """
        if entry is None or exit_ is None:
            return self.bands[-1].fare, self.bands[0].fare
        metres = abs(self.stations[entry] - self.stations[exit_])
        fare = next((band.fare for band in self.bands if metres <= band.up_to), self.bands[-1].fare)
        return fare, fare


class Transfer(Data, frozen=True, kw_only=True):
    """So much off a ride that begins within so many seconds after the one before began 换乘优惠."""

    within: Annotated[int, msgspec.Meta(ge=1, le=86400)]
    off: Money


class Shares(Data, frozen=True, kw_only=True):
    """What a class pays of the listed fare, in thousandths; the city pays the rest."""

    free: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    half: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 500

    def of(self, fare: FareClass) -> int:
        """Return the share of a class."""
        return {FareClass.FREE: self.free, FareClass.HALF: self.half}.get(fare, 1000)


class FareTable(Data, frozen=True, kw_only=True):
    """An operator's prices."""

    lines: Annotated[dict[Name, Flat | Distance], msgspec.Meta(min_length=1, max_length=500)]
    transfer: Transfer | None = None
    daily_cap: Money | None = None
    shares: Shares = Shares()
    longest: Annotated[int, msgspec.Meta(ge=60, le=86400)] = 4 * 3600
    """Seconds in which an exit still belongs to an entry."""
    patience: Annotated[int, msgspec.Meta(ge=0, le=UPLOAD_DAYS * 86400)] = 86400
    """Seconds for which the other end of a journey is waited for: some gates upload late."""
    day_begins: Annotated[int, msgspec.Meta(ge=-86400, le=86400)] = -8 * 3600 + 4 * 3600
    """When the day of the cap begins, in seconds of UTC: 04:00 in Beijing unless given."""

    def faults(self) -> list[str]:
        """Return JSON pointers of what fits the schema and is wrong: bands out of order."""
        return [
            f"/lines/{name}/bands"
            for name, line in self.lines.items()
            if isinstance(line, Distance)
            and any(after.up_to <= before.up_to or after.fare < before.fare for before, after in pairwise(line.bands))
        ]

    def day(self, at: float) -> int:
        """Return the day of the cap that a time belongs to, counted from 1970."""
        return int(at - self.day_begins) // 86400


class Tap(NamedTuple):
    """A tap as the database keeps it; `key` is its id, of whatever type."""

    key: object
    line: str
    station: str | None
    direction: Direction
    at: float
    fare: FareClass


class Journey(NamedTuple):
    """What one or two taps amount to."""

    kind: JourneyKind
    taps: tuple[Tap, ...]

    @property
    def line(self) -> str:
        """The line of its taps."""
        return self.taps[0].line

    @property
    def began(self) -> float:
        """When it began, as far as it is known."""
        return self.taps[0].at

    @property
    def entry(self) -> Tap | None:
        """The tap at its beginning."""
        return None if self.kind is JourneyKind.NO_ENTRY else self.taps[0]

    @property
    def exit(self) -> Tap | None:
        """The tap at its end; a flat line has none."""
        return self.taps[-1] if self.kind is JourneyKind.NO_ENTRY or len(self.taps) > 1 else None


class Joined(NamedTuple):
    """Journeys that are settled, oldest first, and when to look at the taps again (None: nothing waits)."""

    journeys: list[Journey]
    again_at: float | None


def join(taps: Iterable[Tap], table: FareTable, now: float) -> Joined:
    """Make journeys of one rider's taps at one operator, in whatever order they were uploaded.

    An entry belongs to the next tap of its line if that is an exit within `longest`. What has no other end is
    waited for, `patience` long since its tap, and then is a journey of one end.
    """
    journeys: list[Journey] = []
    waiting: list[float] = []
    by_line: dict[str, list[Tap]] = {}
    for tap in sorted(taps, key=lambda one: (one.at, one.direction != Direction.IN)):
        by_line.setdefault(tap.line, []).append(tap)
    for ordered in by_line.values():
        place = 0
        while place < len(ordered):
            tap, after = ordered[place], ordered[place + 1] if place + 1 < len(ordered) else None
            place += 1
            if tap.direction is Direction.SINGLE:
                journeys.append(Journey(JourneyKind.COMPLETE, (tap,)))
            elif tap.direction is Direction.IN and _ends(tap, after, table):
                journeys.append(Journey(JourneyKind.COMPLETE, (tap, after)))  # type: ignore[arg-type] # `_ends` has looked
                place += 1
            elif now < tap.at + table.patience:
                waiting.append(tap.at + table.patience)
            else:
                journeys.append(
                    Journey(JourneyKind.NO_EXIT if tap.direction is Direction.IN else JourneyKind.NO_ENTRY, (tap,))
                )
    return Joined(sorted(journeys, key=lambda one: one.began), min(waiting, default=None))


def _ends(entry: Tap, after: Tap | None, table: FareTable) -> bool:
    return after is not None and after.direction is Direction.OUT and after.at - entry.at <= table.longest


class Spent(NamedTuple):
    """What a rider's earlier rides at the operator come to: when the last one began, and fares by day."""

    last_began: float | None
    by_day: Mapping[int, int]


class Price(NamedTuple):
    """The listed fare after a transfer, what the rider pays of it, and what the city pays."""

    listed: int
    fare: int
    subsidy: int


def price(journey: Journey, table: FareTable, spent: Spent) -> Price:
    """Return what a journey costs: listed fare, less transfer, times the class's share, no more than the day's rest.

    The class is that of the first tap: what its code said when the journey began. Half a 分 is the rider's.
    """
    entry, exit_ = journey.entry, journey.exit
    listed, reckoned = table.lines[journey.line].prices(
        entry.station if entry else None, exit_.station if exit_ else None
    )
    off = _transfer(journey, table, spent)
    listed, reckoned = max(0, listed - off), max(0, reckoned - off)
    share = table.shares.of(journey.taps[0].fare)
    own, subsidy = -(-listed * share // 1000), reckoned - -(-reckoned * share // 1000)
    if table.daily_cap is not None:
        own = min(own, max(0, table.daily_cap - spent.by_day.get(table.day(journey.began), 0)))
    return Price(listed, own, subsidy)


def _transfer(journey: Journey, table: FareTable, spent: Spent) -> int:
    if table.transfer is None or spent.last_began is None:
        return 0
    return table.transfer.off if 0 <= journey.began - spent.last_began <= table.transfer.within else 0


def price_all(journeys: Sequence[Journey], table: FareTable, spent: Spent) -> list[Price]:
    """Return the prices of journeys one after the other, each counting those before it."""
    last, by_day = spent.last_began, dict(spent.by_day)
    prices = []
    for journey in journeys:
        made = price(journey, table, Spent(last, by_day))
        prices.append(made)
        last = journey.began if last is None else max(last, journey.began)
        day = table.day(journey.began)
        by_day[day] = by_day.get(day, 0) + made.fare
    return prices
