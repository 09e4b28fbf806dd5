"""亲情账户: whose cards a holder may show, ten at most."""

from uuid import UUID

from ecard.audit import store as audit
from ecard.callers import Holder
from ecard.cards import password, store
from ecard.cards.checks import Checks
from ecard.cards.errors import CardNotUsable, FaceMismatch, IdentityMismatch
from ecard.cards.model import Level, Relation, Status, check_quota, mask_name
from ecard.cards.profiles import id_index, open_profile
from ecard.cards.schemas import RelativeRequest, RelativeView
from ecard.db import Tx
from ecard.errors import NotFound
from ecard.ids import new_id
from ecard.limits import Limit
from ecard.runtime import Runtime

ADDING = Limit("relative", 10, 3600, guarded=True)
"""Attempts of one holder at one person in an hour; their own issuing is counted apart."""


async def check_relative(runtime: Runtime, checks: Checks, holder: Holder, asked: RelativeRequest) -> int:
    """Check that the relative is who the holder says, with their card and face; return the card's number.

    Raises IdentityMismatch, CardNotUsable (the relative needs a living card), FaceMismatch.
    """
    index = id_index(runtime.vault, asked.id_no)
    await runtime.limiter.hit(ADDING, f"{holder.card}:{index.hex()}")
    row = await store.by_person(runtime.pool, index)
    if row is None:
        raise IdentityMismatch
    profile = open_profile(runtime.vault, row.profile)
    if (profile.name, profile.card_no) != (asked.name, asked.card_no):
        raise IdentityMismatch
    if row.status != Status.ACTIVE:
        raise CardNotUsable
    if not await checks.face(profile, asked.face):
        raise FaceMismatch
    return row.seq


async def add(tx: Tx, holder: Holder, card: int, asked: RelativeRequest) -> RelativeView:
    """Bind a checked relative; raises BusiSeqUnknown, CardNotUsable, QuotaReached, RelativeExists."""
    await password.spend(tx, asked.busi_seq, holder.actor)
    # The principal's row is locked, so that two phones cannot both take the last place.
    own = await store.by_seq(tx, holder.card, lock=True)
    if own is None or own.status != Status.ACTIVE or own.level == Level.NONE:
        raise CardNotUsable
    check_quota([row["relation"] for row in await store.relatives(tx, holder.card)], asked.relation)
    relative = new_id()
    await store.add_relative(tx, relative, holder.card, card, asked.relation.value)
    detail: dict[str, object] = {"relation": asked.relation.value, "relative": card}
    await audit.insert(tx, kind="relative_added", outcome="ok", actor=holder.actor, card=holder.card, detail=detail)
    since = await tx.fetchval("SELECT since FROM relative WHERE id = $1", relative)
    return RelativeView(id=relative, relation=asked.relation, name=mask_name(asked.name), since=since.isoformat())


async def listed(runtime: Runtime, holder: Holder) -> list[RelativeView]:
    """Return the holder's relatives, masked."""
    return [
        RelativeView(
            id=row["id"],
            relation=Relation(row["relation"]),
            name=mask_name(open_profile(runtime.vault, row["profile"]).name),
            since=row["since"].isoformat(),
        )
        for row in await store.relatives(runtime.pool, holder.card)
    ]


async def card_of(runtime: Runtime, holder: Holder, relative: UUID) -> int:
    """Return the card that the holder may show for `relative`; raises NotFound."""
    for row in await store.relatives(runtime.pool, holder.card):
        if row["id"] == relative:
            return int(row["card"])
    raise NotFound(pointer="/relative")


async def remove(tx: Tx, holder: Holder, relative: UUID) -> None:
    """End a relative; raises NotFound. Codes shown for them are refused from now on."""
    card = await store.end_relative(tx, relative, holder.card)
    if card is None:
        raise NotFound
    detail: dict[str, object] = {"relative": card}
    await audit.insert(tx, kind="relative_removed", outcome="ok", actor=holder.actor, card=holder.card, detail=detail)
