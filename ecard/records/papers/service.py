"""Printing: a document of what one visit looked up, one for each visit, and its bytes for whoever may have them."""

import asyncio
from typing import NamedTuple
from uuid import UUID

from ecard.audit import store as audit
from ecard.callers import Holder, Terminal
from ecard.cards.model import Profile
from ecard.cards.profiles import open_profile
from ecard.db import Tx
from ecard.desk.errors import VisitUnknown
from ecard.desk.standing import Standing
from ecard.ids import new_id
from ecard.keyring.model import Purpose
from ecard.records import store as lookups
from ecard.records.errors import DocumentGone, DocumentUnknown, Incomplete, NotLookedUp, NotPrintable
from ecard.records.model import Paper, Part
from ecard.records.papers import store
from ecard.records.papers.publishing import Publisher
from ecard.records.papers.schemas import DocumentCheck, RecordDocument
from ecard.records.papers.store import Printed
from ecard.records.service import Records, stand

AT_ONCE = 2
"""Papers that one process draws at a time: drawing computes, and the others wait their turn."""


class Press(NamedTuple):
    """What papers are made with."""

    records: Records
    publisher: Publisher
    turns: asyncio.Semaphore


class Made(NamedTuple):
    """A document that is made and not on record yet."""

    printed: Printed
    pdf: bytes


async def make(press: Press, visit: UUID, by: Terminal | Holder) -> Made | Printed:
    """Make the document of a visit's look-up, or return the one that was printed in it before.

    Raises what `stand` does, NotPrintable, NotLookedUp, Incomplete (`missing`), NoKey.
    """
    runtime = press.records.runtime
    standing = await stand(runtime.pool, press.records, visit, by)
    paper = press.records.asker.layout.entry(standing.item.code).paper
    if paper is None:
        raise NotPrintable
    before = await store.of_visit(runtime.pool, visit)
    if before is not None:
        return before
    found = await lookups.find(runtime.pool, runtime.vault, visit)
    if found is None or not found.parts:
        raise NotLookedUp
    missing = [part.section for part in found.parts if part.reason is not None]
    if missing and not paper.gaps:
        raise Incomplete(missing=missing)
    profile = open_profile(runtime.vault, await lookups.profile(runtime.pool, standing.card))
    async with press.turns:
        return await _made(press, standing, paper, profile, found.parts)


async def _made(press: Press, standing: Standing, paper: Paper, profile: Profile, parts: list[Part]) -> Made:
    # Drawing and signing bring libraries that take seconds to load: a server that prints nothing does without.
    from ecard.records.papers import making  # noqa: PLC0415

    runtime, number = press.records.runtime, new_id()
    now = runtime.clock.time()
    key, root = runtime.ring.signing(Purpose.DOCUMENT, now), runtime.ring.signing(Purpose.DOCUMENT_CA, now)
    certificate = await press.publisher.certificate(key, root)
    signing = making.Signing(key, certificate, await press.publisher.certificate(root, root))
    made = await asyncio.to_thread(
        making.make,
        press.records.asker.layout,
        standing.item,
        paper,
        profile,
        parts,
        making.Issue(number, int(now), runtime.settings.issuer),
        signing,
    )
    printed = Printed(
        id=number,
        visit=standing.visit,
        holder=standing.holder,
        item=standing.item.code,
        title=paper.title,
        complete=all(part.reason is None for part in parts),
        pages=made.pages,
        size=len(made.pdf),
        sha256=made.sha256,
        kid=key.kid,
        at=int(now),
    )
    return Made(printed, made.pdf)


async def issue(tx: Tx, press: Press, visit: UUID, by: Terminal | Holder, made: Made | Printed) -> RecordDocument:
    """Put a document on record; of two made of one visit at once, the first is issued and both callers get it."""
    standing = await stand(tx, press.records, visit, by)
    if isinstance(made, Printed):
        return made.shown
    if not await store.add(tx, press.records.runtime.vault, made.printed, made.pdf):
        first = await store.of_visit(tx, visit)
        return (first or made.printed).shown
    await audit.insert(
        tx,
        kind="record_document",
        outcome="ok",
        actor=by.actor,
        card=standing.card,
        item=standing.item.code,
        detail={"visit": str(visit), "document": str(made.printed.id), "sha256": made.printed.sha256.hex()},
    )
    return made.printed.shown


async def fetch(press: Press, number: UUID, by: Terminal | Holder) -> tuple[Printed, bytes]:
    """Return a document and its PDF: to its holder, and to a terminal of the agency while the visit stands.

    Raises DocumentUnknown, DocumentGone, VisitOver, CardSuspended.
    """
    runtime = press.records.runtime
    printed = await store.by_number(runtime.pool, number)
    if printed is None:
        raise DocumentUnknown
    if isinstance(by, Holder):
        if await store.owner(runtime.pool, by.card) != printed.holder:
            raise DocumentUnknown
    else:
        try:
            await stand(runtime.pool, press.records, printed.visit, by)
        except VisitUnknown:
            raise DocumentUnknown from None
    pdf = await store.content(runtime.pool, runtime.vault, number)
    if pdf is None:
        raise DocumentGone
    return printed, pdf


async def mine(press: Press, holder: Holder) -> list[RecordDocument]:
    """Return the holder's documents, wherever they were printed, youngest first."""
    return [one.shown for one in await store.of_holder(press.records.runtime.pool, holder.card)]


async def check(press: Press, number: UUID) -> DocumentCheck:
    """Return what everybody may know of a document; raises DocumentUnknown."""
    runtime = press.records.runtime
    printed = await store.by_number(runtime.pool, number)
    if printed is None:
        raise DocumentUnknown
    key = runtime.ring.keys.get(printed.kid)
    trusted = key is not None and key.verifies(runtime.clock.time())
    return DocumentCheck(
        document=printed.id,
        title=printed.title,
        issued_at=printed.at,
        size=printed.size,
        sha256=printed.sha256.hex(),
        state="valid" if trusted else "revoked",
    )
