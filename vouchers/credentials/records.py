"""What a person may learn, learns and has learnt (A1-76), and the certificates (A1-80, A1-81)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from ecard.callers import Holder, Terminal
from ecard.db import Db
from ecard.desk.schemas import VisitRequest
from ecard.desk.service import Desk, visit
from ecard.runtime import Runtime
from vouchers.credentials import store
from vouchers.credentials.schemas import Course, CourseOffer, Training, TrainingRecord, TrainingRequest
from vouchers.credentials.service import seen

_TAKEN = frozenset({"audited", "redeemed", "settled"})
_TRAINING = "A1-76"


async def mine(runtime: Runtime, holder: Holder) -> Training:
    """Return what the holder may take part in, takes part in and has taken."""
    async with runtime.pool.acquire() as connection:
        return await training_of(connection, (await store.owner(connection, holder.card))[0])


async def at_terminal(
    desk: Desk, asked: TrainingRequest, by: Terminal, *, request_id: str, body: bytes
) -> TrainingRecord:
    """Record that a holder asks at `by`, and return what is on record; raises what a visit raises."""
    visited = VisitRequest(item=asked.item, evidence=asked.evidence)
    answer = await visit(desk, visited, by, request_id=request_id, body=body)
    async with desk.runtime.pool.acquire() as connection:
        person = await store.visitor(connection, answer.visit)
        if asked.item == _TRAINING:
            training = await training_of(connection, person)
            return TrainingRecord(visit=answer, credentials=training.credentials, training=training)
        found = [seen(one) for one in await store.of_holder(connection, person)]
    return TrainingRecord(visit=answer, credentials=found, training=None)


async def training_of(db: Db, person: UUID) -> Training:
    """Return what a person may take part in, takes part in and has taken."""
    courses = [Course(**_course(row)) for row in await store.courses(db, person)]
    return Training(
        may_take=[CourseOffer(**_course(row)) for row in await store.offers(db, person)],
        taking=[one for one in courses if one.state not in _TAKEN],
        taken=[one for one in courses if one.state in _TAKEN],
        credentials=[seen(one) for one in await store.of_holder(db, person)],
    )


def _course(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as the Structs name it: `class` is a word of Python, times are Unix seconds."""
    facts = dict(row)
    facts["class_id"] = facts.pop("class")
    return {**facts, "starts_at": int(facts["starts_at"].timestamp()), "ends_at": int(facts["ends_at"].timestamp())}
