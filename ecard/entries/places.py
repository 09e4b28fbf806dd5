"""Places' rules, which the registrar sets, and lists, which an agency keeps."""

import datetime
from uuid import UUID

import msgspec

from ecard.audit import store as audit
from ecard.callers import Terminal
from ecard.cards.profiles import id_index
from ecard.cards.service import today
from ecard.catalogue.errors import ItemUnknown
from ecard.catalogue.model import Catalogue, Flow
from ecard.db import Db, Tx
from ecard.entries import store
from ecard.entries.errors import ListExists, ListPlace
from ecard.entries.model import KEEPERS, both_ways
from ecard.entries.schemas import EntryList, EntryListRequest, EntryRule, EntryRuleRequest, ListedPersons
from ecard.errors import Invalid, NotFound
from ecard.ids import new_id
from ecard.numbers import resident_id
from ecard.numbers.errors import BadNumber
from ecard.runtime import Runtime

_ENTERED = frozenset({Flow.IDENTIFY, Flow.RECORD})
_AGENCY = "SELECT true FROM agency WHERE id = $1"


async def set_rule(tx: Tx, catalogue: Catalogue, asked: EntryRuleRequest, by: UUID) -> EntryRule:
    """Set a place's rule; raises ItemUnknown, NotFound (the agency), Invalid (a capacity of one way)."""
    _check_item(catalogue, asked.item)
    if asked.capacity is not None and not asked.both_ways:
        raise Invalid(pointer="/capacity")
    if not await tx.fetchval(_AGENCY, asked.agency):
        raise NotFound(pointer="/agency")
    columns = (asked.agency, asked.site, asked.item, asked.listed, asked.both_ways, asked.capacity, by)
    row = await store.set_rule(tx, *columns)
    await audit.insert(
        tx, kind="entry_rule_set", outcome="ok", actor=by, item=asked.item, detail={"rule": str(row["id"])}
    )
    return msgspec.convert(dict(row), EntryRule)


async def rules(db: Db, agency: UUID | None) -> list[EntryRule]:
    """Return the places, of an agency or all, that were ever used or ruled."""
    return [msgspec.convert(dict(row), EntryRule) for row in await store.rules(db, agency)]


async def add_list(tx: Tx, catalogue: Catalogue, asked: EntryListRequest, by: Terminal) -> EntryList:
    """Add a list to a place of the terminal's agency.

    Raises ListPlace, ItemUnknown, ListExists, and Invalid where it closes before it opens.
    """
    _check_keeper(by)
    _check_item(catalogue, asked.item)
    if asked.closes_at <= asked.opens_at:
        raise Invalid(pointer="/closes_at")
    number = new_id()
    place = (by.agency, asked.site, asked.item, both_ways(asked.item))
    window = (_moment(asked.opens_at), _moment(asked.closes_at))
    if not await store.add_list(tx, place, number, asked.name, *window, asked.uses, by.actor):
        raise ListExists
    detail: dict[str, object] = {"list": str(number)}
    await audit.insert(tx, kind="entry_list_added", outcome="ok", actor=by.actor, item=asked.item, detail=detail)
    return await one_list(tx, number, by)


async def add_persons(tx: Tx, runtime: Runtime, number: UUID, asked: ListedPersons, by: Terminal) -> EntryList:
    """Put people on a list; raises ListPlace, NotFound, and Invalid for a number that is none."""
    _check_keeper(by)
    await one_list(tx, number, by)
    persons = []
    for n, one in enumerate(asked.persons):
        try:
            id_no = resident_id.validate(one.id_no, today(runtime))
        except BadNumber:
            raise Invalid(pointer=f"/persons/{n}/id_no") from None
        persons.append((id_index(runtime.vault, id_no), one.room, one.seat))
    await store.add_persons(tx, number, persons)
    return await one_list(tx, number, by)


async def one_list(db: Db, number: UUID, by: Terminal) -> EntryList:
    """Return a list of the terminal's agency; raises NotFound."""
    row = await store.one_list(db, number, by.agency)
    if row is None:
        raise NotFound
    return msgspec.convert(dict(row), EntryList)


def _check_keeper(by: Terminal) -> None:
    if by.setting not in KEEPERS:
        raise ListPlace(required=sorted(KEEPERS))


def _check_item(catalogue: Catalogue, code: str) -> None:
    if catalogue.get(code).flow not in _ENTERED:
        raise ItemUnknown(pointer="/item")


def _moment(seconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
