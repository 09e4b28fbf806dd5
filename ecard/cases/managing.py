"""办理 (flow manage): an act on a card or its account at an attended counter, done at once and kept as a case."""

import hashlib
from uuid import UUID

from argon2.exceptions import VerifyMismatchError

from ecard.callers import Terminal
from ecard.cards import password
from ecard.cards import store as cards
from ecard.cards.checks import Checks
from ecard.cards.errors import FaceMismatch, IdentityMismatch, PasswordWrong, StatusConflict
from ecard.cards.model import Level, Status, check_password_form
from ecard.cards.profiles import id_index, open_profile
from ecard.cases import accounts, acts, reading, service
from ecard.cases.acts import Did, Doing
from ecard.cases.errors import ActIncomplete, ActNotOfItem, HolderOnly, PasswordUnset
from ecard.cases.model import MODIFIES, RESETS, WITHOUT_CARD, CardAct
from ecard.cases.policy import policy
from ecard.cases.schemas import CardServiceDone, CardServiceRequest, LostCardRequest
from ecard.cases.service import About
from ecard.catalogue.model import Catalogue, Flow
from ecard.db import Tx
from ecard.desk import delegation
from ecard.desk import standing as visits
from ecard.desk.model import check_place
from ecard.desk.standing import Standing
from ecard.limits import Limit
from ecard.runtime import Runtime

OLD_PASSWORDS = Limit("counter_password", 6, 86400, guarded=True)
"""Old passwords of one card's account that may be tried in a day."""
LOST = Limit("lost_card", 10, 3600, guarded=True)
"""Attempts at one person's lost card in an hour: names and numbers must not be guessed."""


async def prepared(
    runtime: Runtime, catalogue: Catalogue, checks: Checks, asked: CardServiceRequest, by: Terminal
) -> str | None:
    """Check what is asked before anything is done, and what was proven; return a new password's hash.

    No transaction is open meanwhile. Raises VisitUnknown, VisitOver, CardSuspended, WrongFlow, ActNotOfItem,
    HolderOnly, ActIncomplete, PasswordNotAllowed, PasswordUnset, PasswordWrong, PasswordLocked, FaceMismatch,
    CheckUnavailable, NotDelegated, WrongPlace, TooMany.
    """
    standing = await _standing(runtime.pool, catalogue, asked, by)
    await delegation.require(runtime.pool, by, standing.item)
    wanted = (asked.act in MODIFIES, asked.act in MODIFIES or asked.act in RESETS, asked.act in RESETS)
    if wanted != (asked.old_password is not None, asked.new_password is not None, asked.face is not None):
        raise ActIncomplete
    if asked.new_password is None:
        return None
    check_password_form(asked.new_password)
    if asked.face is not None:
        row = await cards.by_seq(runtime.pool, standing.card)
        if row is None or not await checks.face(open_profile(runtime.vault, row.profile), asked.face):
            raise FaceMismatch
    if asked.old_password is not None:
        await _prove(runtime, standing.card, asked.act, asked.old_password, by.actor)
    return await password.hashed(runtime.vault, asked.new_password)


async def _standing(db: Tx, catalogue: Catalogue, asked: CardServiceRequest, by: Terminal) -> Standing:
    standing = await visits.at_agency(db, catalogue, asked.visit, by, Flow.MANAGE)
    check_place(standing.item, by.setting)
    policy().check_act(standing.item, asked.act)
    if standing.acting is not None:
        raise HolderOnly
    return standing


async def _prove(runtime: Runtime, card: int, act: CardAct, old: str, actor: UUID) -> None:
    """Check an old password; the e-card's is counted and locked where it always is."""
    account = await accounts.account(runtime.pool, card)
    if act is CardAct.CARD_PASSWORD_MODIFY and account.level > Level.NONE:
        await password.prove(runtime, card, old, actor=actor)
        return
    kept = account.service_password if act is CardAct.CARD_PASSWORD_MODIFY else account.password
    if kept is None:
        raise PasswordUnset
    await runtime.limiter.hit(OLD_PASSWORDS, f"{act}:{card}")
    try:
        await password.verify(runtime.vault, kept, old)
    except VerifyMismatchError:
        raise PasswordWrong from None
    await runtime.limiter.hit(OLD_PASSWORDS, f"{act}:{card}", cost=-1)


async def do(
    tx: Tx,
    runtime: Runtime,
    catalogue: Catalogue,
    asked: CardServiceRequest,
    new: str | None,
    by: Terminal,
    request: bytes,
) -> CardServiceDone:
    """Do an act that was prepared, and keep it as a case that is done; raises as `prepared`, and as `acts.do` does."""
    await accounts.hold(tx, asked.visit)
    standing = await _standing(tx, catalogue, asked, by)
    case = await service.open_case(tx, runtime, standing, by=by.actor, request=request, act=asked.act.value, counter=by)
    did = await acts.do(tx, runtime, Doing(standing.card, by.actor, case, asked.act, new))
    return await _done(tx, catalogue, case, standing.card, asked.act, did)


async def identified(
    runtime: Runtime, catalogue: Catalogue, checks: Checks, asked: LostCardRequest, by: Terminal
) -> int:
    """Identify a person whose card was reported lost, by documents and face; return the card.

    Nobody is told whether a person is who they say but an outlet that may do the act. Raises ActNotOfItem, WrongPlace,
    NotDelegated, TooMany, IdentityMismatch (which part differs is not said), StatusConflict (the card can be shown),
    FaceMismatch, CheckUnavailable.
    """
    if asked.act not in WITHOUT_CARD:
        raise ActNotOfItem(acts=sorted(act.value for act in WITHOUT_CARD))
    item = catalogue.get(policy().item_of(asked.act))
    check_place(item, by.setting)
    await delegation.require(runtime.pool, by, item)
    index = id_index(runtime.vault, asked.id_no)
    await runtime.limiter.hit(LOST, index.hex())
    row = await cards.by_person(runtime.pool, index)
    if row is None:
        raise IdentityMismatch
    profile = open_profile(runtime.vault, row.profile)
    if (profile.name, profile.card_no) != (asked.name, asked.card_no):
        raise IdentityMismatch
    if not await checks.real_name(asked.name, asked.id_no):
        raise IdentityMismatch
    if not await checks.face(profile, asked.face):
        raise FaceMismatch
    if row.status not in {Status.LOST, Status.LOST_TEMPORARY}:
        raise StatusConflict(current=row.status, wanted=Status.LOST.value)
    return row.seq


async def do_without_card(
    tx: Tx, runtime: Runtime, catalogue: Catalogue, asked: LostCardRequest, card: int, by: Terminal, request: bytes
) -> CardServiceDone:
    """Do an act on a lost card whose holder was identified; the request itself is the evidence that the case keeps.

    Raises NotDelegated, WrongPlace, StatusConflict (found meanwhile), OrderConflict.
    """
    item = catalogue.get(policy().item_of(asked.act))
    check_place(item, by.setting)
    row = await cards.by_seq(tx, card, lock=True)
    if row is None or row.status not in {Status.LOST, Status.LOST_TEMPORARY}:
        raise StatusConflict(current=row.status if row else "", wanted=Status.LOST.value)
    about = About(None, row.holder, card, None, by.agency)
    evidence = hashlib.sha256(request).digest()
    case = await service.open_about(
        tx, runtime, item, about, evidence, by=by.actor, request=request, act=asked.act.value, counter=by
    )
    did = await acts.do(tx, runtime, Doing(card, by.actor, case, asked.act))
    return await _done(tx, catalogue, case, card, asked.act, did)


async def _done(tx: Tx, catalogue: Catalogue, case: UUID, card: int, act: CardAct, did: Did) -> CardServiceDone:
    account = await accounts.account(tx, card)
    return CardServiceDone(
        case=await reading.standing(tx, catalogue, case),
        act=act,
        card=account.status,
        level=account.level,
        account=account.state,
        book=did.book,
        order=did.order,
    )
