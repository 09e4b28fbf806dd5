"""Checking learners in: at a terminal, by the code that the class shows, and from terminals that were offline."""

from collections.abc import Mapping
from hashlib import sha256
from uuid import UUID

import msgspec

from ecard.audit import store as audit
from ecard.callers import Holder, Terminal
from ecard.catalogue.model import Catalogue, Form, Item, Scene
from ecard.db import Db, Tx
from ecard.desk.service import Desk
from ecard.errors import EcardError, NotFound
from ecard.ids import new_id
from ecard.keyring.model import Purpose
from ecard.runtime import Runtime
from pay.ledger.service import command
from qr.model import STEP
from qr.posted import open_posted, post
from vouchers.attendance import reading, store
from vouchers.attendance.errors import AlreadyCheckedIn, ClassCodeWanted, NotEnrolled, OutsidePlace, OutsideWindow
from vouchers.attendance.model import CheckedBy, metres
from vouchers.attendance.schemas import (
    Attendance,
    ClassCode,
    ClassScan,
    Conflicting,
    Here,
    LineOutcome,
    LineResult,
    UploadAnswer,
    UploadLine,
)
from vouchers.classes.model import ITEMS
from vouchers.classes.presenting import Presented, learner
from vouchers.classes.refusing import refusal
from vouchers.classes.service import one_class

VOUCHER_ITEM = ITEMS[0]
"""The item of check-ins by a code of scene voucher, and by the code of a class."""
_REFUSALS: Mapping[str, type[EcardError]] = {
    "not_enrolled": NotEnrolled,
    "outside_window": OutsideWindow,
    "outside_place": OutsidePlace,
    "already": AlreadyCheckedIn,
}


async def check_in(
    tx: Tx, desk: Desk, class_: UUID, presented: Presented, by: Terminal, *, key: str, body: bytes
) -> Attendance:
    """Check in the learner who is at terminal `by`: one visit, one attendance.

    Raises the errors of this package, those of a voucher and those of a visit.
    """
    attendance = new_id()
    columns = (attendance, class_, by.actor, by.agency, by.site, key, sha256(body).digest())
    row = await store.check_in(tx, *columns, presented=presented)
    if row["outcome"] != "ok":
        raise refusal(row["outcome"], more=_REFUSALS, state=row["state"], item=presented.item, first_at=row["first_at"])
    sub, fields = learner(desk, by, presented.item, row["holder"], row["profile"])
    return Attendance(
        id=attendance,
        class_=class_,
        session=row["session"],
        hours=row["hours"],
        how=CheckedBy.CARD if presented.evidence.form is Form.PHYSICAL else CheckedBy.CODE,
        voucher=row["voucher"],
        at=int(row["at"].timestamp()),
        sub=sub,
        holder=fields,
    )


async def code(runtime: Runtime, class_: UUID, wanted: int | None, by: Terminal) -> ClassCode:
    """Return the code that the class shows now; raises NotFound, OutsideWindow, NoKey."""
    session = await store.open_session(runtime.pool, class_, by.agency, wanted)
    if session is None:
        await one_class(runtime.pool, class_, institution=by.agency)
        raise OutsideWindow
    now = runtime.clock.time()
    text, posted = post(runtime.ring.signing(Purpose.CODE, now), class_, session, Scene.VOUCHER, now)
    return ClassCode(
        code=text, session=session, valid_until=posted.valid_until, rotate_seconds=STEP, server_time=int(now)
    )


def scanned(runtime: Runtime, asked: ClassScan) -> tuple[UUID, int]:
    """Return class and session of a code that a class showed; raises ClassCodeWanted and as `open_posted` does."""
    posted = open_posted(asked.code, reading.keys(runtime), runtime.clock.time())
    if posted.scene != Scene.VOUCHER:
        raise ClassCodeWanted
    return posted.subject, posted.number


async def scan(tx: Tx, class_: UUID, session: int, here: Here | None, holder: Holder) -> Attendance:
    """Check in the holder whose phone scanned a class's code: a visit without a terminal.

    Raises OutsidePlace, the other errors of this package, those of a voucher, CardSuspended and DeviceUnbound.
    """
    place = await store.place(tx, class_)
    if place is None:
        raise NotFound
    distance = None
    if place["radius"] is not None:
        if here is None:
            raise OutsidePlace(radius=place["radius"])
        distance = metres((place["latitude"], place["longitude"]), (here.latitude, here.longitude))
        if distance > place["radius"]:
            raise OutsidePlace(radius=place["radius"])
    attendance = new_id()
    row = await store.scan(tx, attendance, class_, session, holder.card, holder.actor, VOUCHER_ITEM, distance)
    if row["outcome"] != "ok":
        raise refusal(row["outcome"], more=_REFUSALS, state=row["state"], first_at=row["first_at"])
    return Attendance(
        id=attendance,
        class_=class_,
        session=row["session"],
        hours=row["hours"],
        how=CheckedBy.CLASS_CODE,
        voucher=row["voucher"],
        at=int(row["at"].timestamp()),
    )


async def upload(
    runtime: Runtime, catalogue: Catalogue, class_: UUID, lines: list[UploadLine], by: Terminal
) -> UploadAnswer:
    """Record what a terminal took offline: each line for itself, in its own transaction, as often as it is sent.

    Raises NotFound for another institution's class.
    """
    await one_class(runtime.pool, class_, institution=by.agency)
    slots, now, item = reading.keys(runtime), runtime.clock.time(), catalogue.get(VOUCHER_ITEM)
    results: list[LineResult] = []
    for n, line in enumerate(lines):
        try:
            seen = reading.read(runtime, slots, line, now)
            results.append(await _record(runtime, class_, n, seen, item, by))
        except EcardError as refused:
            results.append(LineResult(n=n, outcome=LineOutcome.REFUSED, code=refused.code))
            await audit.insert(
                runtime.pool,
                kind="attendance_upload",
                outcome=refused.code,
                actor=by.actor,
                item=item.code,
                detail={"class": str(class_), "n": n},
            )
    return UploadAnswer(results=results)


async def _record(runtime: Runtime, class_: UUID, n: int, seen: store.Seen, item: Item, by: Terminal) -> LineResult:
    async def work(tx: Tx) -> LineResult:
        columns = (new_id(), class_, by.actor, by.agency, by.site, item.code)
        row = await store.upload(tx, *columns, seen=seen)
        outcome, first = row["outcome"], row["first_at"]
        if outcome not in set(LineOutcome):
            raise refusal(outcome, more=_REFUSALS, item=item)
        return LineResult(
            n=n,
            outcome=LineOutcome(outcome),
            attendance=row["attendance"],
            first_at=None if first is None else int(first.timestamp()),
        )

    # Two uploads of each other's codes may meet: the one that loses its locks comes again.
    return await command(runtime.pool, work)


async def conflicts(db: Db, by: Terminal) -> list[Conflicting]:
    """Return the institution's check-ins whose code was taken elsewhere as well, youngest first."""
    return [msgspec.convert(dict(row), Conflicting) for row in await store.conflicts(db, by.agency)]
