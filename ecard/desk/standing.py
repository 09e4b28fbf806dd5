"""What a flow goes on from: a visit that still stands, of an item of that flow.

Every flow asks here, whichever evidence there was: a code at a counter, a card in a reader, the holder's own phone.
"""

from typing import Any, NamedTuple
from uuid import UUID

from ecard.callers import Holder, Terminal
from ecard.catalogue.model import Catalogue, Flow, Form, Item, Strength
from ecard.db import Db
from ecard.desk import delegation
from ecard.desk.errors import CardSuspended, VisitOver, VisitUnknown, WrongFlow
from ecard.desk.model import ONLINE, STANDS_SECONDS

# Held until the transaction ends: a dispute or a lost card that comes now waits, and finds what was made of it.
_FIND = """
    SELECT v.id, v.item, v.form, v.evidence, v.strength, v.level, v.card, v.terminal, v.agency, v.at, v.relation,
           v.disputed_at IS NOT NULL AS disputed, v.at < clock_timestamp() - make_interval(secs => $2) AS over,
           c.holder, c.status, a.holder AS acting, t.setting,
           sha256(v.id::text::bytea || v.body_sha256) AS evidence_sha256
    FROM visit v JOIN card c ON c.seq = v.card LEFT JOIN card a ON a.seq = v.acting_card
        LEFT JOIN terminal t ON t.actor = v.terminal
    WHERE v.id = $1 FOR SHARE OF v, c
"""


class Standing(NamedTuple):
    """Who stands here, for which item, and how it was proven.

    `acting` is the relative who showed the card, `agency` the terminal's agency or, on the own phone, its channel;
    `evidence_sha256` ties what is made of the visit to what was presented.
    """

    visit: UUID
    item: Item
    holder: UUID
    card: int
    form: Form
    strength: Strength
    level: int
    agency: UUID
    actor: UUID
    setting: str
    """Of the terminal where the holder stood; online on the own phone."""
    acting: UUID | None
    relation: str | None
    at: Any
    evidence_sha256: bytes


async def at_agency(db: Db, catalogue: Catalogue, visit: UUID, by: Terminal, *flows: Flow) -> Standing:
    """Return a visit that was made at a terminal of `by`'s agency, for an item of one of `flows`.

    What is done by grant alone (annex 3) goes on nowhere else, whichever its flow is. Raises VisitUnknown (none such of
    this agency), VisitOver (longer ago than STANDS_SECONDS, or disputed), CardSuspended, WrongFlow, NotDelegated.
    """
    row = await db.fetchrow(_FIND, visit, float(STANDS_SECONDS))
    if row is None or row["agency"] != by.agency:
        raise VisitUnknown
    standing = _standing(row, catalogue, flows)
    await delegation.require(db, by, standing.item)
    return standing


async def on_phone(db: Db, catalogue: Catalogue, visit: UUID, holder: Holder, *flows: Flow) -> Standing:
    """Return a visit that this very phone made, for an item of one of `flows`; raises as `at_agency` does."""
    row = await db.fetchrow(_FIND, visit, float(STANDS_SECONDS))
    if row is None or row["terminal"] != holder.actor:
        raise VisitUnknown
    return _standing(row, catalogue, flows)


async def of_own(db: Db, catalogue: Catalogue, visit: UUID, holder: Holder, *flows: Flow) -> Standing:
    """Return a visit by which the phone's holder may go on: made on this phone, or with the own card at a terminal.

    Raises as `at_agency` does; VisitUnknown also where a relative showed the card.
    """
    row = await db.fetchrow(_FIND, visit, float(STANDS_SECONDS))
    if row is None or row["card"] != holder.card or row["acting"] is not None:
        raise VisitUnknown
    return _standing(row, catalogue, flows)


def _standing(row: Any, catalogue: Catalogue, flows: tuple[Flow, ...]) -> Standing:
    if row["disputed"] or row["over"]:
        raise VisitOver
    if row["status"] != "active":
        raise CardSuspended
    item = catalogue.get(row["item"])
    if item.flow not in flows:
        raise WrongFlow(required=[flow.value for flow in flows])
    return Standing(
        visit=row["id"],
        item=item,
        holder=row["holder"],
        card=row["card"],
        form=Form(row["form"]),
        strength=Strength(row["strength"]),
        level=row["level"],
        agency=row["agency"],
        actor=row["terminal"],
        setting=row["setting"] or ONLINE,
        acting=row["acting"],
        relation=row["relation"],
        at=row["at"],
        evidence_sha256=row["evidence_sha256"],
    )
