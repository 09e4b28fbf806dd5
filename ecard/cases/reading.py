"""What is read of cases: by the applicant, by whoever has one in hand, and in lists that name nobody."""

import datetime
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from ecard.audit import store as audit
from ecard.callers import Holder, Operator, Terminal
from ecard.cards.profiles import open_profile
from ecard.cases import store
from ecard.cases.effects import FORM
from ecard.cases.errors import NotInHand
from ecard.cases.model import UNDER_REVIEW, CaseState, appeal_ends
from ecard.cases.policy import policy
from ecard.cases.schemas import CaseInList, CaseMaterial, CaseStanding, CaseStep, MyCase, ReviewedCase, ReviewState
from ecard.cases.service import NOTE
from ecard.catalogue.model import Catalogue
from ecard.db import Db, Row, begin
from ecard.desk import delegation
from ecard.desk.model import disclose
from ecard.errors import NotFound
from ecard.runtime import Runtime
from ecard.vault import Vault

_INSIDE = frozenset({"assigned", "commented"})
"""Steps that an applicant is not shown."""


async def standing(db: Db, catalogue: Catalogue, case: UUID) -> CaseStanding:
    """Return where a case stands; raises NotFound."""
    row = await store.find(db, case)
    if row is None:
        raise NotFound
    return CaseStanding(**_about(row, catalogue))


async def at_agency(db: Db, catalogue: Catalogue, case: UUID, by: Terminal) -> CaseStanding:
    """Return where a case of `by`'s agency stands; raises NotFound."""
    await _of_agency(db, case, by)
    return await standing(db, catalogue, case)


async def mine(runtime: Runtime, catalogue: Catalogue, holder: Holder, case: UUID) -> MyCase:
    """Return the holder's own case; raises NotFound."""
    row = await store.find(runtime.pool, case)
    if row is None or row["card"] != holder.card:
        raise NotFound
    return await _mine(runtime, catalogue, row)


async def all_mine(
    runtime: Runtime, catalogue: Catalogue, holder: Holder, before: int | None, limit: int
) -> list[CaseStanding]:
    """Return where the holder's cases stand, those opened before a time (Unix seconds), youngest first."""
    until = datetime.datetime.fromtimestamp(before or runtime.clock.time() + 60, datetime.UTC)
    rows = await store.of_card(runtime.pool, holder.card, until, limit)
    return [CaseStanding(**_about(row, catalogue)) for row in rows]


async def listed(
    runtime: Runtime, catalogue: Catalogue, by: Operator, which: ReviewState, item: str | None, limit: int
) -> list[CaseInList]:
    """Return cases under review, the most urgent first."""
    own = by.actor if which == "mine" else None
    rows = await store.due(runtime.pool, own, item, limit, overdue=which == "overdue")
    return [CaseInList(**_about(row, catalogue), agency=row["agency"], assignee=row["assignee"]) for row in rows]


async def in_hand(runtime: Runtime, catalogue: Catalogue, case: UUID, by: Operator) -> ReviewedCase:
    """Return a case to the reviewer who has it in hand, or decided in it; raises NotFound, NotInHand."""
    await check_in_hand(runtime.pool, case, by)
    return await _reviewed(runtime, catalogue, case, by.actor)


async def delegated(runtime: Runtime, catalogue: Catalogue, case: UUID, by: Terminal) -> ReviewedCase:
    """Return a case to an outlet that may review it; raises NotFound, NotDelegated."""
    await check_delegated(runtime, catalogue, case, by)
    return await _reviewed(runtime, catalogue, case, by.actor)


async def check_in_hand(db: Db, case: UUID, by: Operator) -> None:
    """Check that a reviewer has a case in hand; raises NotFound, NotInHand."""
    has = await store.in_hand(db, case, by.actor)
    if has is None:
        raise NotFound
    if not has:
        raise NotInHand


async def check_delegated(runtime: Runtime, catalogue: Catalogue, case: UUID, by: Terminal) -> None:
    """Check that an outlet may review a case of its agency; raises NotFound, NotDelegated."""
    row = await _of_agency(runtime.pool, case, by)
    async with begin(runtime.pool) as tx:
        await delegation.require(tx, by, catalogue.get(row["item"]), review=True)


async def check_mine(db: Db, case: UUID, holder: Holder) -> None:
    """Check that a case is the holder's own; raises NotFound."""
    row = await store.find(db, case)
    if row is None or row["card"] != holder.card:
        raise NotFound


async def _of_agency(db: Db, case: UUID, by: Terminal) -> Row:
    row = await store.whose(db, case)
    if row is None or row["agency"] != by.agency:
        raise NotFound
    return row


def _about(row: Row, catalogue: Catalogue) -> dict[str, Any]:
    state = CaseState(row["state"])
    return {
        "id": row["id"],
        "item": row["item"],
        "title": catalogue.get(row["item"]).title,
        "state": state,
        "version": row["version"],
        "round": row["round"],
        "level": row["level"],
        "levels": row["levels"],
        "opened_at": int(row["opened_at"].timestamp()),
        "due_level": row["level"] + 1 if state in UNDER_REVIEW else None,
        "due_at": row["due_at"] and int(row["due_at"].timestamp()),
        "ended_at": row["ended_at"] and int(row["ended_at"].timestamp()),
        "overdue": row["overdue"],
        "act": row["act"],
    }


async def _inside(runtime: Runtime, row: Row) -> dict[str, Any]:
    """Return what stands in a case: form, materials, steps, and whether the chain of steps is whole."""
    db, vault, case = runtime.pool, runtime.vault, row["id"]
    sealed, reason = row["form"], row["reason"]
    return {
        "form": msgspec.json.decode(vault.open(FORM, sealed), type=dict[str, str]) if sealed else {},
        "reason": vault.open(NOTE, reason).decode() if reason else None,
        "materials": [CaseMaterial(**one) for one in await store.materials(db, case)],
        "steps": [_step(vault, one) for one in await store.steps(db, case)],
        "intact": await store.intact(db, case),
    }


def _step(vault: Vault, row: Mapping[str, Any]) -> CaseStep:
    return CaseStep(
        kind=row["kind"],
        round=row["round"],
        level=row["level"],
        at=int(row["at"].timestamp()),
        hash=row["hash"].hex(),
        note=vault.open(NOTE, row["note"]).decode() if row["note"] else None,
    )


async def _mine(runtime: Runtime, catalogue: Catalogue, row: Row) -> MyCase:
    about, inside = _about(row, catalogue), await _inside(runtime, row)
    inside["steps"] = [step for step in inside["steps"] if step.kind not in _INSIDE]
    until = None
    if about["state"] is CaseState.REJECTED and row["appealed"] is None:
        until = int(appeal_ends(row["ended_at"], policy().terms).timestamp())
    return MyCase(**about, **inside, appeal_until=until)


async def _reviewed(runtime: Runtime, catalogue: Catalogue, case: UUID, by: UUID) -> ReviewedCase:
    row = await store.find(runtime.pool, case)
    if row is None:
        raise NotFound
    item = catalogue.get(row["item"])
    detail: dict[str, object] = {"case": str(case), "fields": [field.value for field in item.fields]}
    await audit.insert(
        runtime.pool, kind="case_shown", outcome="ok", actor=by, card=row["card"], item=item.code, detail=detail
    )
    return ReviewedCase(
        **_about(row, catalogue),
        **await _inside(runtime, row),
        applicant=disclose(open_profile(runtime.vault, row["profile"]), [field.value for field in item.fields]),
        evidence=row["evidence_sha256"].hex(),
        by_relative=row["acting"] is not None,
    )
