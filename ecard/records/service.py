"""Looking up: who stands here may see own records of the visit's item, and every look-up is in the list of uses."""

from typing import NamedTuple
from uuid import UUID

from ecard.audit import store as audit
from ecard.callers import Holder, Terminal
from ecard.cards.profiles import open_profile
from ecard.catalogue.model import Catalogue, Field, Flow
from ecard.db import Db, Tx
from ecard.desk import store as desk
from ecard.desk.model import disclose
from ecard.desk.standing import Standing, at_agency, on_phone
from ecard.records import store
from ecard.records.errors import LookedUp
from ecard.records.model import Part, Person
from ecard.records.schemas import RecordColumn, RecordLookup, RecordSection
from ecard.records.sources import Asker
from ecard.runtime import Runtime


class Records(NamedTuple):
    """What a look-up is made with."""

    runtime: Runtime
    catalogue: Catalogue
    asker: Asker


class Found(NamedTuple):
    """What the systems said of a person, before it is on record."""

    person: Person
    parts: list[Part]


async def stand(db: Db, records: Records, visit: UUID, by: Terminal | Holder) -> Standing:
    """Return the visit that `by` goes on from.

    Raises VisitUnknown (another agency's, another phone's), VisitOver, CardSuspended, WrongFlow.
    """
    if isinstance(by, Terminal):
        return await at_agency(db, records.catalogue, visit, by, Flow.QUERY)
    return await on_phone(db, records.catalogue, visit, by, Flow.QUERY)


async def ask(records: Records, visit: UUID, by: Terminal | Holder) -> Found:
    """Ask the systems of the visit's item, with no transaction open meanwhile; raises what `stand` does, and LookedUp.

    A visit that has asked before asks for what is missing alone.
    """
    runtime = records.runtime
    standing = await stand(runtime.pool, records, visit, by)
    before = await store.find(runtime.pool, runtime.vault, visit)
    if before is not None and (before.complete or before.asked >= store.MOST_ASKED):
        raise LookedUp
    known = {part.section: part for part in before.parts if part.reason is None} if before else {}
    profile = open_profile(runtime.vault, await store.profile(runtime.pool, standing.card))
    person = Person(standing.holder, profile)
    wanted = records.asker.layout.entry(standing.item.code).sections
    asked = await records.asker.ask(person, [name for name in wanted if name not in known])
    known |= {part.section: part for part in asked}
    return Found(person, [known[name] for name in wanted])


async def record(tx: Tx, records: Records, visit: UUID, by: Terminal | Holder, found: Found) -> RecordLookup:
    """Put a look-up on record and return what it shows.

    The visit is looked at again: a dispute or a loss reported meanwhile is heeded. Raises what `ask` does.
    """
    standing = await stand(tx, records, visit, by)
    at = await store.record(tx, records.runtime.vault, visit, standing.item.code, by.actor, found.parts)
    if at is None:
        raise LookedUp
    sections = records.asker.layout.sections
    shown = [sections[part.section].zh for part in found.parts if part.reason is None]
    await desk.show(tx, visit, shown)
    missing = [part.section for part in found.parts if part.reason is not None]
    await audit.insert(
        tx,
        kind="record_lookup",
        outcome="partial" if missing else "ok",
        actor=by.actor,
        card=standing.card,
        item=standing.item.code,
        detail={
            "visit": str(visit),
            "shown": [one.section for one in found.parts if not one.reason],
            "missing": missing,
        },
    )
    entry = records.asker.layout.entry(standing.item.code)
    return RecordLookup(
        visit=visit,
        item=standing.item.code,
        title=standing.item.title,
        at=at,
        holder={Field(key): value for key, value in disclosed(found.person, standing).items()},
        complete=not missing,
        printable=entry.paper is not None and (entry.paper.gaps or not missing),
        sections=tuple(_section(records, part) for part in found.parts),
    )


def disclosed(person: Person, standing: Standing) -> dict[str, str]:
    """Return the fields of the holder that the visit's item discloses."""
    return disclose(person.profile, [field.value for field in standing.item.fields])


def _section(records: Records, part: Part) -> RecordSection:
    section = records.asker.layout.sections[part.section]
    return RecordSection(
        section=section.name,
        zh=section.zh,
        en=section.en,
        system=records.asker.layout.systems[section.system].zh,
        state="missing" if part.reason is not None else "ok" if part.rows else "empty",
        reason=part.reason,
        columns=tuple(RecordColumn(name=one.name, zh=one.zh, en=one.en, kind=one.kind) for one in section.columns),
        rows=part.rows,
    )
