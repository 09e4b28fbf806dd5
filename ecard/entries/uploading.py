"""What gates let in while they were offline: each line for itself, as often as it is sent; the first seen counts."""

import datetime
from typing import Any

from ecard.callers import Terminal
from ecard.catalogue.model import Catalogue, Form, Item
from ecard.clock import SKEW
from ecard.db import Tx, begin
from ecard.desk.model import Evidence, check
from ecard.entries import store
from ecard.entries.errors import OfflineCodeWanted, SeenInFuture, SeenTooLongAgo
from ecard.entries.model import UPLOAD_DAYS, both_ways
from ecard.entries.refusing import recorded, refusal
from ecard.entries.schemas import (
    EntryLine,
    EntryOutcome,
    EntryResult,
    EntryUploadAnswer,
    EntryUploadRequest,
)
from ecard.errors import EcardError
from ecard.ids import new_id
from ecard.runtime import Runtime
from qr import number
from qr.seen import Seen, open_seen, slots
from qr.verify import SlotKey


async def upload(runtime: Runtime, catalogue: Catalogue, asked: EntryUploadRequest, by: Terminal) -> EntryUploadAnswer:
    """Record what a gate let through; raises ItemUnknown. What is wrong in a line is that line's refusal."""
    item, keys, results = catalogue.get(asked.item), slots(runtime), list[EntryResult]()
    for n, line in enumerate(asked.lines):
        try:
            async with recorded(runtime.pool, by, item=item.code, n=n):
                seen = _read(runtime, keys, line, item, by)
                async with begin(runtime.pool) as tx:
                    results.append(await _record(tx, n, line, seen, item, by))
        except EcardError as refused:
            results.append(EntryResult(n=n, outcome=EntryOutcome.REFUSED, code=refused.code))
    return EntryUploadAnswer(results=results)


def _read(runtime: Runtime, keys: dict[int, SlotKey], line: EntryLine, item: Item, by: Terminal) -> Seen:
    now = runtime.clock.time()
    if line.at > now + SKEW:
        raise SeenInFuture
    if line.at < now - UPLOAD_DAYS * 86400:
        raise SeenTooLongAgo
    if number.looks_like_one(line.code):
        raise OfflineCodeWanted
    seen = open_seen(runtime, keys, line.code, line.at, item.scene)
    evidence = Evidence(
        kind="offline",
        form=Form.ELECTRONIC,
        card=seen.card,
        device=seen.device,
        once=seen.once,
        shadow=seen.shadow,
        scene=item.scene,
        strength=seen.strength,
        amr=("pop",),
    )
    check(item, evidence, by.setting)
    return seen


async def _record(tx: Tx, n: int, line: EntryLine, seen: Seen, item: Item, by: Terminal) -> EntryResult:
    place = (new_id(), by.agency, by.site, item.code, both_ways(item.code), item.level, by.actor)
    shown = (seen.once, seen.shadow, seen.card, seen.device, seen.strength.value, _moment(line.at))
    row: Any = await store.upload(tx, place, (line.direction.value, line.room), shown)
    if row["outcome"] not in set(EntryOutcome):
        raise refusal(row, level=item.level)
    first = row["first_at"]
    return EntryResult(
        n=n,
        outcome=EntryOutcome(row["outcome"]),
        entry=row["made"],
        first_at=None if first is None else int(first.timestamp()),
    )


def _moment(seconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
