"""Taking lines into a batch: from agencies' servers, from files, and from other parts of the platform.

Each line is taken or refused by itself, and a part that comes again replaces what it brought before, so that an upload
that broke off is simply repeated. Who a line is for is found by blind index; accounts are never taken from a file.
"""

import asyncio
import datetime
import os
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from ecard.cards.profiles import id_index, open_profile
from ecard.db import Db, Tx
from ecard.errors import NotFound
from ecard.ids import new_id
from ecard.numbers import resident_id
from ecard.numbers.errors import BadNumber
from ecard.runtime import Runtime
from ecard.vault import Vault
from ecard.workdays import BEIJING
from pay.disbursement import lines, store
from pay.disbursement.errors import AgencyNotOfProgramme, BatchExists, BatchFull, BatchNotDraft, ProgrammeEnded
from pay.disbursement.lines import NewLine, Rules
from pay.disbursement.model import MOST_LINES, SALT, Bad, is_token
from pay.disbursement.schemas import BenefitBadLine, BenefitLineRequest, BenefitPart
from pay.disbursement.store import BatchRow

TOKEN = "benefit.payee"  # noqa: S105 - a place's name
"""The place that pseudonyms are sealed and indexed for."""
_MOST_CHUNK = 5000


class Due(NamedTuple):
    """What a payee is to have: a holder (or a pseudonym's id), a component, 分, and the caller's own reference."""

    payee: UUID
    component: str
    amount: int
    reference: str = ""


async def open_batch(tx: Tx, programme: UUID, agency: UUID, period: str, number: str, *, by: UUID | None) -> UUID:
    """Open a batch of a programme for a period, or find the one that has this number of the agency's.

    Raises NotFound (programme), ProgrammeEnded, AgencyNotOfProgramme, BatchExists (the number has another period).
    """
    [found] = await store.programmes(tx, programme) or [None]
    if found is None:
        raise NotFound(pointer="/programme")
    if found["ended"]:
        raise ProgrammeEnded(pointer="/programme")
    if agency not in found["agencies"]:
        raise AgencyNotOfProgramme(pointer="/programme")
    batch, its_period = await store.open_batch(tx, new_id(), programme, agency, period, number, by)
    if its_period != period:
        raise BatchExists(pointer="/number")
    return batch


async def add(tx: Tx, batch: UUID, first: int, due: Sequence[Due], *, agency: UUID | None = None) -> BenefitPart:
    """Take what payees are due into a draft from place `first` on, instead of what stood at these places.

    For what the platform itself hands in: payees are known. Raises NotFound, AgencyNotOfProgramme, BatchNotDraft,
    BatchFull.
    """
    row = await _draft(tx, batch, agency)
    rules = await lines.rules(tx, row.programme)
    found = [_checked(rules, n, one) for n, one in enumerate(due, first)]
    return await _replace(tx, row, first, found)


async def add_asked(
    tx: Tx,
    runtime: Runtime,
    batch: UUID,
    first: int,
    asked: Sequence[BenefitLineRequest],
    *,
    agency: UUID | None = None,
) -> BenefitPart:
    """Take lines that name people or pseudonyms into a draft, as `add` does."""
    row = await _draft(tx, batch, agency)
    rules = await lines.rules(tx, row.programme)
    payees = await resolved(tx, runtime, row.programme, rules, asked)
    found = [
        payee if isinstance(payee, Bad) else _checked(rules, n, Due(payee, one.component, one.amount, one.reference))
        for n, (one, payee) in enumerate(zip(asked, payees, strict=True), first)
    ]
    return await _replace(tx, row, first, found)


async def resolved(
    db: Db, runtime: Runtime, programme: UUID, rules: Rules, asked: Sequence[BenefitLineRequest]
) -> list[UUID | Bad]:
    """Return whom each line is for, or why that cannot be said."""
    if rules.pseudonymous:
        indexes = [runtime.vault.index(TOKEN, one.payee) if is_token(one.payee) else b"" for one in asked]
        known = await lines.pseudonyms(db, programme, [index for index in indexes if index])
        return [known.get(index, Bad.UNKNOWN_PAYEE) for index in indexes]
    today = datetime.datetime.fromtimestamp(runtime.clock.time(), BEIJING).date()
    numbers = await asyncio.to_thread(_indexes, runtime.vault, asked, today)
    people = await lines.people(db, [index for index in numbers if index])
    return await asyncio.to_thread(_named, runtime.vault, asked, numbers, people)


def _indexes(vault: Vault, asked: Sequence[BenefitLineRequest], today: datetime.date) -> list[bytes]:
    """Return the blind index of each line's number, empty where it is no number."""
    found = []
    for one in asked:
        try:
            found.append(id_index(vault, resident_id.validate(one.id_no, today)))
        except BadNumber:
            found.append(b"")
    return found


def _named(
    vault: Vault, asked: Sequence[BenefitLineRequest], numbers: Sequence[bytes], people: dict[bytes, tuple[UUID, bytes]]
) -> list[UUID | Bad]:
    found: list[UUID | Bad] = []
    for one, number in zip(asked, numbers, strict=True):
        if not number:
            found.append(Bad.ID_NO)
        elif number not in people:
            found.append(Bad.UNKNOWN_PERSON)
        else:
            holder, profile = people[number]
            # A number with one digit wrong may be somebody's: the name must fit it.
            fits = open_profile(vault, profile).name == one.name.strip()
            found.append(holder if fits else Bad.NAME_DIFFERS)
    return found


def _checked(rules: Rules, n: int, due: Due) -> NewLine | Bad:
    if due.component not in rules.components:
        return Bad.COMPONENT
    if not 1 <= due.amount <= rules.line_limit:
        return Bad.AMOUNT
    return NewLine(new_id(), n, due.component, due.payee, due.amount, due.reference, os.urandom(SALT))


async def _draft(tx: Tx, batch: UUID, agency: UUID | None) -> BatchRow:
    row = await store.lock(tx, batch)
    if row is None:
        raise NotFound
    if agency not in {None, row.agency}:
        raise AgencyNotOfProgramme
    if row.state != "draft":
        raise BatchNotDraft
    return row


async def _replace(tx: Tx, row: BatchRow, first: int, found: Sequence[NewLine | Bad]) -> BenefitPart:
    last = first + len(found) - 1
    if last > MOST_LINES:
        raise BatchFull(most=MOST_LINES)
    await lines.drop(tx, row.id, first, last)
    good = [one for one in found if isinstance(one, NewLine)]
    taken: set[int] = set()
    for start in range(0, len(good), _MOST_CHUNK):
        taken |= await lines.add(tx, row.id, row.programme, row.period, good[start : start + _MOST_CHUNK])
    refused = [
        BenefitBadLine(n=n, reason=one if isinstance(one, Bad) else Bad.DUPLICATE)
        for n, one in enumerate(found, first)
        if isinstance(one, Bad) or n not in taken
    ]
    await lines.note_bad(tx, row.id, refused)
    return BenefitPart(taken=len(taken), refused=refused)
