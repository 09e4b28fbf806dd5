"""Planning a batch, naming its people, letting it be issued, making it void."""

import datetime
from collections.abc import Sequence
from uuid import UUID

import msgspec

from ecard.audit import store as audit
from ecard.cards.profiles import id_index, open_profile
from ecard.db import Db, Row, Tx
from ecard.errors import EcardError, NotFound
from ecard.ids import new_id
from ecard.vault import Vault
from vouchers.batches import store
from vouchers.batches.errors import BatchExists, BatchStateRefused, BatchTermsRefused, NobodyNamed
from vouchers.batches.model import Bad, Fault, Named, people
from vouchers.batches.schemas import BadRow, Batch, BatchPlan, BatchRequest, BatchVoucher, PeopleAnswer, PeopleRequest
from vouchers.programmes import service as programmes
from vouchers.programmes import store as funds
from vouchers.programmes.errors import ProgrammeEnded
from vouchers.programmes.model import ProgrammeKind, face_fits
from vouchers.programmes.schemas import Programme

AT_ONCE = 500
"""Vouchers that are made in the call that asks for them: a small batch is there with its answer."""
_DAY = 86400
_BEGIN: dict[str, type[EcardError]] = {"not_found": NotFound, "ended": ProgrammeEnded, "nobody": NobodyNamed}
_CHINA = datetime.timezone(datetime.timedelta(hours=8))


async def plan(db: Db, programme: UUID, asked: BatchRequest, now: float, quantity: int | None = None) -> BatchPlan:
    """Return what a batch would come to, without any effect; `quantity`: that of a list which is known.

    Raises NotFound, ProgrammeEnded, BatchTermsRefused.
    """
    found = await programmes.programme(db, programme)
    since, until = _terms(found, asked, now)
    quantity = asked.quantity or quantity or 0
    available = await funds.available(db, programme, asked.source)
    total = asked.face * quantity
    return BatchPlan(
        quantity=quantity,
        total=total,
        available=available,
        enough=total <= available,
        valid_from=since,
        valid_until=until,
    )


def _terms(programme: Programme, asked: BatchRequest, now: float) -> tuple[int, int]:
    """Return from and until when a batch is valid (Unix seconds); raises ProgrammeEnded, BatchTermsRefused."""
    if programme.ended_at is not None:
        raise ProgrammeEnded
    if not face_fits(programme.worth, asked.face):
        raise BatchTermsRefused(pointer="/face")
    if asked.pushed != (asked.quantity is None):
        raise BatchTermsRefused(pointer="/quantity")
    if programme.kind is ProgrammeKind.TARGETED and not asked.pushed:
        raise BatchTermsRefused(pointer="/pushed")
    days = asked.valid_days or programme.validity_days
    if days > programme.validity_days:
        raise BatchTermsRefused(pointer="/valid_days", longest=programme.validity_days)
    since = int(now) if asked.valid_from is None else asked.valid_from
    if since + days * _DAY <= now:
        raise BatchTermsRefused(pointer="/valid_from")
    return since, since + days * _DAY


async def create(
    tx: Tx, programme: UUID, asked: BatchRequest, by: UUID | None, *, now: float, people_sha256: bytes | None = None
) -> Batch:
    """Make a batch, or return that of its number if the terms are the same; one with a quantity begins to be issued.

    A pushed one waits as a draft for its people. `by` is None for the command line; `now` in Unix seconds. Call it in
    `pay.ledger.service.command`, or with its errors declared. Raises NotFound, ProgrammeEnded, BatchTermsRefused,
    BatchExists, and LG001 when the fund has less.
    """
    found = await programmes.programme(tx, programme)
    since, until = _terms(found, asked, now)
    batch = new_id()
    columns = (asked.number, asked.source, asked.face, asked.quantity or 0, asked.pushed, people_sha256)
    if not await store.insert(tx, batch, programme, *columns, since, until, by):
        return _same(await store.by_number(tx, programme, asked.number), asked, people_sha256)
    if not asked.pushed:
        await store.begin(tx, batch)
        await store.issue(tx, batch, AT_ONCE)
    return _batch(await store.find(tx, batch))


def _same(row: Row, asked: BatchRequest, people_sha256: bytes | None) -> Batch:
    """Return the batch that is there if it was asked for in these terms; raises BatchExists."""
    same = (row["source"], row["face"], row["pushed"]) == (asked.source, asked.face, asked.pushed)
    same = same and asked.quantity in {None, row["quantity"]} and row["people_sha256"] == people_sha256
    same = same and asked.valid_from in {None, row["valid_from"]}
    if asked.valid_days is not None:
        same = same and row["valid_until"] - row["valid_from"] == asked.valid_days * _DAY
    if not same:
        raise BatchExists(pointer="/number")
    return _batch(row)


async def name_people(
    tx: Tx, vault: Vault, batch: UUID, asked: PeopleRequest, by: UUID | None, now: float
) -> PeopleAnswer:
    """Note whom a part of a draft's list names, and each line that names nobody; raises NotFound, BatchStateRefused."""
    found = await store.lock(tx, batch)
    if found is None:
        raise NotFound
    if found["state"] != "draft" or not found["pushed"]:
        raise BatchStateRefused(state=found["state"])
    lines = [*people(asked.content, datetime.datetime.fromtimestamp(now, _CHINA).date(), asked.first)]
    last = asked.first + len(asked.content.splitlines()) - 1
    answer = await put_lines(tx, vault, batch, (asked.first, last), lines)
    detail: dict[str, object] = {"batch": str(batch), "people": answer.people, "bad": len(answer.bad)}
    await audit.insert(tx, kind="voucher_people", outcome="ok", actor=by, detail=detail)
    return answer


async def put_lines(
    tx: Tx, vault: Vault, batch: UUID, span: tuple[int, int], lines: Sequence[Named | Bad]
) -> PeopleAnswer:
    """Replace a span of a list's places by what was read of it; the batch is a draft, locked or nobody else's yet."""
    indexes = {one.place: id_index(vault, one.id_no) for one in lines if isinstance(one, Named)}
    known = await store.holders(tx, list(indexes.values()))
    rows: list[tuple[int, UUID | None, str | None]] = []
    for one in lines:
        if isinstance(one, Bad):
            rows.append((one.place, None, one.fault.value))
            continue
        row = known.get(indexes[one.place])
        # Which of the two differs is not said: names and numbers must not be guessed.
        if row is None or open_profile(vault, row["profile"]).name != one.name:
            rows.append((one.place, None, Fault.NOT_REGISTERED.value))
        else:
            rows.append((one.place, row["id"], None))
    put = await store.put_people(tx, batch, span, rows)
    bad = [BadRow(place=row["place"], reason=Fault(row["error"])) for row in put if row["error"] is not None]
    return PeopleAnswer(people=len(put) - len(bad), bad=sorted(bad, key=lambda row: row.place))


async def issue(tx: Tx, batch: UUID) -> Batch:
    """Let a draft be issued to the people it names; again changes nothing.

    Raises NotFound, BatchStateRefused, NobodyNamed, ProgrammeEnded, and LG001 when the fund has less.
    """
    outcome = await store.begin(tx, batch)
    if outcome not in {"ok", "again"}:
        if outcome == "not_draft":
            raise BatchStateRefused(state=_batch(await store.find(tx, batch)).state)
        raise _BEGIN[outcome]
    await store.issue(tx, batch, AT_ONCE)
    return _batch(await store.find(tx, batch))


async def cancel(tx: Tx, batch: UUID, by: UUID | None) -> Batch:
    """Make a batch void as far as nobody has claimed of it; again changes nothing. Raises NotFound."""
    if await store.cancel(tx, batch, by) == "not_found":
        raise NotFound
    return _batch(await store.find(tx, batch))


async def batch(db: Db, wanted: UUID) -> Batch:
    """Return a batch and how far it is; raises NotFound."""
    return _batch(await store.find(db, wanted))


async def batches(db: Db, programme: UUID, before: UUID | None, limit: int) -> list[Batch]:
    """Return up to `limit` batches of a programme, youngest first."""
    return [_batch(row) for row in await store.every(db, programme, before, limit)]


async def latest(db: Db, limit: int) -> list[Batch]:
    """Return the youngest batches of all programmes."""
    return [_batch(row) for row in await store.latest(db, limit)]


async def bad_rows(db: Db, wanted: UUID, after: int, limit: int) -> list[BadRow]:
    """Return up to `limit` lines of a batch's list that give nobody a voucher, after a place; raises NotFound."""
    await batch(db, wanted)
    return [
        BadRow(place=row["place"], reason=Fault(row["reason"])) for row in await store.bad(db, wanted, after, limit)
    ]


async def vouchers(db: Db, wanted: UUID, after: int, limit: int) -> list[BatchVoucher]:
    """Return up to `limit` vouchers of a batch after the n-th; raises NotFound."""
    await batch(db, wanted)
    return [msgspec.convert(dict(row), BatchVoucher) for row in await store.vouchers(db, wanted, after, limit)]


def _batch(row: Row | None) -> Batch:
    if row is None:
        raise NotFound
    return msgspec.convert({name: row[name] for name in Batch.__struct_fields__}, Batch)
