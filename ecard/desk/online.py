"""A visit without a terminal: the holder's own phone, signed by the key that is bound to the card."""

from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from ecard.callers import Holder
from ecard.cards import password
from ecard.cards import store as cards
from ecard.cards.checks import Checks
from ecard.cards.errors import FaceMismatch
from ecard.cards.model import Status as CardStatus
from ecard.cards.profiles import open_profile
from ecard.catalogue.model import Form, Item, Strength
from ecard.clock import Clock
from ecard.db import Tx
from ecard.desk import store
from ecard.desk.errors import CardSuspended
from ecard.desk.model import ONLINE, STANDS_SECONDS, Evidence, Outcome, acr, check
from ecard.desk.schemas import OnlineVisit, OnlineVisitRequest
from ecard.desk.service import Desk, refusal
from ecard.ids import new_id
from ecard.runtime import Runtime


class Proven(NamedTuple):
    """What a phone proves; `amr` are RFC 8176's and our names of it."""

    strength: Strength
    amr: tuple[str, ...]


async def check_face(runtime: Runtime, checks: Checks, holder: Holder, face: str) -> None:
    """Ask the authority about a face, with no transaction open meanwhile; raises FaceMismatch, CardSuspended."""
    row = await cards.by_seq(runtime.pool, holder.card)
    if row is None or row.status != CardStatus.ACTIVE:
        raise CardSuspended
    if not await checks.face(open_profile(runtime.vault, row.profile), face):
        raise FaceMismatch


async def proven(tx: Tx, clock: Clock, holder: Holder, busi_seq: UUID | None, face: str | None) -> Proven:
    """Return what the phone proves: its key, the password where it was just proven, the face where it was checked."""
    strength, amr = Strength.POSSESSION, ["pop"]
    if busi_seq is not None:
        await password.spend(tx, busi_seq, holder.actor)
    if busi_seq is not None or holder.verified_until > clock.time():
        strength, amr = Strength.KNOWLEDGE, [*amr, "pin"]
    if face is not None:
        strength, amr = Strength.BIOMETRIC, [*amr, "face"]
    return Proven(strength, tuple(amr))


async def visit(tx: Tx, desk: Desk, asked: OnlineVisitRequest, holder: Holder, *, key: str, body: bytes) -> OnlineVisit:
    """Record that a holder does an item on the own phone; `asked.face` was checked before.

    Raises what a visit at a terminal does, and BusiSeqUnknown. An item that asks for a terminal or a counter is
    WrongPlace.
    """
    item = desk.catalogue.get(asked.item)
    evidence = await _evidence(tx, desk, asked, holder, key)
    check(item, evidence, ONLINE)
    claim = store.Claim(
        id=new_id(),
        terminal=holder.actor,
        agency=holder.channel,
        request_id=key,
        body_sha256=sha256(body).digest(),
        item=item.code,
        level=item.level,
        fields=[field.value for field in item.fields],
        kid="",
        keys_as_of=0,
    )
    recorded = await store.record(tx, claim, evidence)
    if recorded.outcome != Outcome.OK:
        raise refusal(recorded, item)
    return _answer(item, recorded)


async def _evidence(tx: Tx, desk: Desk, asked: OnlineVisitRequest, holder: Holder, key: str) -> Evidence:
    strength, amr = await proven(tx, desk.runtime.clock, holder, asked.busi_seq, asked.face)
    return Evidence(
        kind=ONLINE,
        form=Form.ELECTRONIC,
        card=holder.card,
        device=holder.seq,
        once=sha256(b"online visit" + holder.actor.bytes + key.encode()).digest(),
        shadow=None,
        scene=None,
        strength=strength,
        amr=amr,
    )


def _answer(item: Item, recorded: store.Recorded) -> OnlineVisit:
    return OnlineVisit(
        visit=recorded.visit,
        item=item.code,
        acr=acr(recorded.form, recorded.level or 0, recorded.strength),
        stands_until=int(recorded.at.timestamp()) + STANDS_SECONDS,
    )
