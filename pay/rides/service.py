"""What gates upload, operators set, and riders see and pay."""

import datetime
from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from ecard.audit import store as audit
from ecard.callers import Holder, Operator, Terminal
from ecard.catalogue.model import Catalogue, Flow, Item
from ecard.db import Row, Tx
from ecard.desk.errors import CardSuspended, DeviceUnbound, VisitRefused
from ecard.desk.standing import at_agency
from ecard.errors import EcardError, NotFound
from ecard.ids import new_id
from ecard.runtime import Runtime
from pay.orders.model import OrderKind
from pay.orders.schemas import OrderRequest
from pay.orders.service import open_order
from pay.rides import reading, store
from pay.rides.errors import (
    FaresMissing,
    FareTableExists,
    FareTableRefused,
    NotAGate,
    NothingOwed,
    OperatorUnknown,
    VisitWanted,
)
from pay.rides.schemas import (
    CardTap,
    CardTapRequest,
    ContestedTap,
    FareGrant,
    FareTableAnswer,
    FareTableRequest,
    Ride,
    RideOrder,
    Subsidy,
    TapLine,
    TapOutcome,
    TapResult,
    TapsAnswer,
)
from pay.rides.store import Recording
from qr.model import FareClass
from qr.verify import SlotKey

GRANTING = ("A2-26", "A2-41")
"""Items whose visit lets an agency give a fare class: riding, and the services for disabled people."""
_REFUSED: dict[str, type[EcardError]] = {
    "card_suspended": CardSuspended,
    "device_unbound": DeviceUnbound,
    "visit_refused": VisitRefused,
}


def item_of_rides(catalogue: Catalogue) -> Item:
    """Return the item that fares are charged for."""
    return next(item for item in catalogue.items if item.flow is Flow.RIDE)


def city_of(region: str) -> str:
    """Return the city of a GB/T 2260 code: its first four digits."""
    return region[:4] + "00"


async def upload(runtime: Runtime, by: Terminal, taps: Sequence[TapLine]) -> TapsAnswer:
    """Record what a gate accepted: each line for itself, as often as it is sent; raises NotAGate.

    A code that another gate brought first is contested: its first tap is charged, and both gates are told.
    """
    if by.setting != "gate":
        raise NotAGate
    now = runtime.clock.time()
    times = [tap.at for tap in taps if now - 10 * 86400 < tap.at < now + 86400] or [int(now)]
    tables = await store.tables(runtime.pool, by.agency, min(times), max(times))
    slots = reading.keys(runtime)
    results: dict[int, TapResult] = {}
    good: list[Recording] = []
    for n, tap in enumerate(taps):
        try:
            good.append(_read(runtime, slots, tables, n, tap, now))
        except EcardError as refusal:
            results[n] = TapResult(n=n, outcome=TapOutcome.REFUSED, code=refusal.code)
    for row in await store.record(runtime.pool, by.actor, by.agency, city_of(by.region), good):
        results[row["n"]] = _result(row)
    counted = {outcome.value: sum(one.outcome is outcome for one in results.values()) for outcome in TapOutcome}
    outcome = "ok" if counted["recorded"] + counted["known"] == len(taps) else "partly"
    await audit.insert(runtime.pool, kind="taps", outcome=outcome, actor=by.actor, detail=dict(counted))
    contested = len(await store.contested(runtime.pool, by.actor))
    return TapsAnswer(results=[results[n] for n in range(len(taps))], contested=contested)


def _read(
    runtime: Runtime, slots: dict[int, SlotKey], tables: store.Tables, n: int, tap: TapLine, now: float
) -> Recording:
    reading.check_time(tap, now)
    shown = reading.read(runtime, slots, tap)
    table = tables.at(tap.at)
    if table is None:
        raise FaresMissing
    reading.check_place(tap, table)
    at = datetime.datetime.fromtimestamp(tap.at, datetime.UTC)
    return Recording(
        n,
        new_id(),
        shown.once,
        shown.shadow,
        tap.line,
        tap.station,
        tap.direction,
        at,
        shown.card,
        shown.device,
        int(shown.fare),
    )


def _result(row: Row) -> TapResult:
    refusal = _REFUSED.get(row["outcome"])
    if refusal is not None:
        return TapResult(n=row["n"], outcome=TapOutcome.REFUSED, code=refusal.code)
    first = row["first_at"]
    return TapResult(
        n=row["n"],
        outcome=TapOutcome(row["outcome"]),
        tap=row["tap"],
        first_at=None if first is None else int(first.timestamp()),
    )


async def tap_by_card(tx: Tx, catalogue: Catalogue, by: Terminal, asked: CardTapRequest) -> CardTap:
    """Record the tap of a card that was read at a gate: one for each visit, priced and charged as a code's.

    Raises NotAGate, those of `at_agency`, FaresMissing, LineUnknown, StationUnknown, DirectionWrong.
    """
    if by.setting != "gate":
        raise NotAGate
    standing = await at_agency(tx, catalogue, asked.visit, by, Flow.RIDE)
    at = int(standing.at.timestamp())
    table = (await store.tables(tx, by.agency, at, at)).at(at)
    if table is None:
        raise FaresMissing
    reading.check_place(TapLine(at=at, line=asked.line, station=asked.station, direction=asked.direction), table)
    once = sha256(b"tap of a visit" + standing.visit.bytes).digest()
    place = (asked.line, asked.station, asked.direction)
    fare = await store.fare_of(tx, standing.card)
    taken = Recording(0, new_id(), once, None, *place, standing.at, standing.card, None, fare)
    [row] = await store.record(tx, by.actor, by.agency, city_of(by.region), [taken])
    result = _result(row)
    if result.tap is None:
        raise _REFUSED[row["outcome"]]
    await audit.insert(tx, kind="taps", outcome="ok", actor=by.actor, card=standing.card)
    return CardTap(tap=result.tap, outcome=result.outcome)


async def contested(runtime: Runtime, by: Terminal) -> list[ContestedTap]:
    """Return this gate's taps of codes that were used elsewhere as well; raises NotAGate."""
    if by.setting != "gate":
        raise NotAGate
    return [
        ContestedTap(tap=row["id"], at=row["at"], line=row["line"], station=row["station"], won=row["won"])
        for row in await store.contested(runtime.pool, by.actor)
    ]


async def set_fares(tx: Tx, catalogue: Catalogue, asked: FareTableRequest, by: Operator) -> FareTableAnswer:
    """Set an operator's prices from a time on; raises OperatorUnknown, FareTableRefused, FareTableExists."""
    if not await store.takes_fares(tx, asked.operator, item_of_rides(catalogue).code):
        raise OperatorUnknown(pointer="/operator")
    faults = asked.table.faults()
    if faults:
        raise FareTableRefused(faults=faults)
    if not await store.add_table(tx, asked.operator, asked.valid_from, asked.table):
        raise FareTableExists
    await audit.insert(tx, kind="fare_table", outcome="ok", actor=by.actor, detail={"operator": str(asked.operator)})
    return FareTableAnswer(operator=asked.operator, valid_from=asked.valid_from)


async def grant(tx: Tx, asked: FareGrant, by: Terminal) -> None:
    """Give the holder of a visit a fare class, or take it away ("full"); raises VisitWanted.

    Nothing is kept of why: the visit's item is not read again, and the class is all that codes will say.
    """
    fare = FareClass[asked.fare.upper()]
    card = await store.grant(tx, asked.visit, by.agency, GRANTING, fare, asked.until)
    if card is None:
        raise VisitWanted(items=list(GRANTING))
    await audit.insert(tx, kind="fare_class", outcome="ok", actor=by.actor, card=card)


async def rides(runtime: Runtime, holder: Holder, before: datetime.datetime | None, limit: int) -> list[Ride]:
    """Return the holder's rides, youngest first, `limit` of those before a time."""
    until = before or datetime.datetime.fromtimestamp(runtime.clock.time() + 60, datetime.UTC)
    return [Ride(**row) for row in await store.rides(runtime.pool, holder.card, until, limit)]


async def settle(tx: Tx, catalogue: Catalogue, holder: Holder, ride: UUID, *, key: str, body: bytes) -> RideOrder:
    """Open an order for a ride that is owed, to be confirmed with the password; raises NotFound, NothingOwed."""
    row = await store.mine(tx, ride, holder.card)
    if row is None:
        raise NotFound
    if row["state"] != "owed":
        raise NothingOwed
    asked = OrderRequest(
        item=item_of_rides(catalogue).code, out_trade_no=new_id().hex, amount=row["fare"], subject=row["line"]
    )
    order = await open_order(tx, catalogue, asked, merchant=row["operator"], kind=OrderKind.RIDE, key=key, body=body)
    await store.paying(tx, ride, order.id, holder.card)
    return RideOrder(order=order.id, amount=row["fare"])


async def subsidies(runtime: Runtime, by: Terminal, before: datetime.datetime | None) -> list[Subsidy]:
    """Return what cities bear for this operator's rides, by hour and without names."""
    until = before.timestamp() if before else runtime.clock.time() + 60
    return [Subsidy(**row) for row in await store.subsidies(runtime.pool, by.agency, until)]
