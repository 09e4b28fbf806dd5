"""Opening a case, deciding on it, and what its applicant does: each step one statement, in the caller's transaction."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from ecard import workdays
from ecard.callers import Holder, Operator, Terminal
from ecard.cards import store as cards
from ecard.cards.profiles import id_index
from ecard.cases import effects, materials, store
from ecard.cases.errors import (
    AlreadyOpened,
    AppealLate,
    CaseAssigned,
    CaseDisputed,
    CaseMoved,
    CaseOver,
    MaterialUnknown,
    NotAtCounter,
    NotInHand,
    NotReviewed,
    OtherCase,
    OwnCase,
    ReviewerUnnamed,
    SameReviewer,
    WrongCaseLevel,
)
from ecard.cases.model import FIRST_REVIEW, CaseDecision, CaseMotion, CaseState
from ecard.cases.policy import policy
from ecard.cases.schemas import (
    CaseAssignmentRequest,
    CaseCommentRequest,
    CaseDecisionRequest,
    CaseMotionRequest,
    CaseRequest,
    ReviewerRequest,
)
from ecard.catalogue.model import Catalogue, Flow, Item
from ecard.db import Tx
from ecard.desk import delegation
from ecard.desk import standing as visits
from ecard.desk.errors import NotDelegated
from ecard.desk.standing import Standing
from ecard.errors import Conflict, EcardError, Invalid, NotFound
from ecard.ids import new_id
from ecard.runtime import Runtime
from ecard.vault import Vault

NOTE = "case_step.note"
_COUNTER = "counter"
_REFUSALS: Mapping[str, type[EcardError]] = {
    "not_found": NotFound,
    "visit_used": AlreadyOpened,
    "material_unknown": MaterialUnknown,
    "assigned": CaseAssigned,
    "same_person": SameReviewer,
    "disputed": CaseDisputed,
    "own": OwnCase,
    "unnamed": ReviewerUnnamed,
    "grant": NotDelegated,
    "late": AppealLate,
    "not_in_hand": NotInHand,
}


class About(NamedTuple):
    """Whose case it is, by which visit and through which agency."""

    visit: UUID | None
    holder: UUID
    card: int
    acting: UUID | None
    agency: UUID


async def open_case(
    tx: Tx,
    runtime: Runtime,
    standing: Standing,
    *,
    by: UUID,
    request: bytes,
    item: Item | None = None,
    form: Mapping[str, str] | None = None,
    uploaded: Sequence[UUID] = (),
    act: str | None = None,
    counter: Terminal | None = None,
) -> UUID:
    """Open a case from a visit that stands, for its item or for `item`; return the case.

    `by` is who asks and `request` the keyed hash of what they sent. An attended `counter` accepts at once, which ends
    an item of one level (即办件); anything else waits for acceptance. Raises NotReviewed, MaterialsMissing,
    NotDelegated, AlreadyOpened, MaterialUnknown.
    """
    item = item or standing.item
    about = About(standing.visit, standing.holder, standing.card, standing.acting, standing.agency)
    return await open_about(
        tx,
        runtime,
        item,
        about,
        standing.evidence_sha256,
        by=by,
        request=request,
        form=form,
        uploaded=uploaded,
        act=act,
        counter=counter,
    )


async def open_about(
    tx: Tx,
    runtime: Runtime,
    item: Item,
    about: About,
    evidence: bytes,
    *,
    by: UUID,
    request: bytes,
    form: Mapping[str, str] | None = None,
    uploaded: Sequence[UUID] = (),
    act: str | None = None,
    counter: Terminal | None = None,
) -> UUID:
    """Open a case of somebody, by whichever evidence; as `open_case`, and without a visit where there can be none."""
    known = policy()
    rule = known.rule(item)
    if rule is None:
        raise NotReviewed
    known.check_materials(item, len(uploaded))
    effects.check(item, form or {})
    if counter is not None:
        await delegation.require(tx, counter, item)
    content = await _content(tx, runtime.vault, form or {}, uploaded)
    opening = store.Opening(
        id=new_id(),
        visit=about.visit,
        item=item.code,
        levels=rule.levels,
        holder=about.holder,
        card=about.card,
        acting=about.acting,
        agency=about.agency,
        actor=by,
        act=act,
        form=runtime.vault.seal(effects.FORM, msgspec.json.encode(form)) if form else None,
        materials=uploaded,
        evidence=hashlib.sha256(evidence + content).digest(),
        request=request,
        due=workdays.ends_at(runtime.clock.time(), known.terms.acceptance),
    )
    _check(await store.open_(tx, opening))
    if counter is not None and counter.setting == _COUNTER:
        asked = CaseDecisionRequest(version=1, level=1, decision=CaseDecision.APPROVE)
        await _decide(tx, runtime, opening.id, item, asked, by, request)
    return opening.id


async def _content(tx: Tx, vault: Vault, form: Mapping[str, str], uploaded: Sequence[UUID]) -> bytes:
    """Return the keyed hash of what is handed in: its form and the contents of its materials."""
    kept = sorted(await materials.addresses(tx, list(uploaded)))
    return vault.mac("case content", msgspec.json.encode([form, kept], order="deterministic"))


async def apply_at(
    tx: Tx, runtime: Runtime, catalogue: Catalogue, asked: CaseRequest, by: Terminal, request: bytes
) -> UUID:
    """Open a case at a terminal; raises as `open_case`, VisitUnknown, VisitOver, CardSuspended, WrongFlow."""
    found = await visits.at_agency(tx, catalogue, asked.visit, by, Flow.APPLY, Flow.CERTIFY)
    _check_reviewed(found.item)
    return await open_case(
        tx, runtime, found, by=by.actor, request=request, form=asked.form, uploaded=asked.materials, counter=by
    )


async def apply_on_phone(
    tx: Tx, runtime: Runtime, catalogue: Catalogue, asked: CaseRequest, holder: Holder, request: bytes
) -> UUID:
    """Open a case on the own phone: it waits for acceptance. Raises as `apply_at` does."""
    found = await visits.on_phone(tx, catalogue, asked.visit, holder, Flow.APPLY)
    return await open_case(
        tx, runtime, found, by=holder.actor, request=request, form=asked.form, uploaded=asked.materials
    )


def _check_reviewed(item: Item) -> None:
    """Check that an item of certification is one that reviewers decide: what is certified at once is no case."""
    rule = policy().rule(item)
    if rule is None or (item.flow is not Flow.APPLY and rule.levels < FIRST_REVIEW):
        raise NotReviewed


async def decide_at(
    tx: Tx, runtime: Runtime, catalogue: Catalogue, case: UUID, asked: CaseDecisionRequest, by: Terminal, request: bytes
) -> None:
    """Decide at a counter of the agency that took the case: accept it, or review it where that is delegated.

    Raises NotFound (another agency's), NotAtCounter, NotDelegated, and as `review` does.
    """
    row = await store.whose(tx, case)
    if row is None or row["agency"] != by.agency:
        raise NotFound
    if by.setting != _COUNTER:
        raise NotAtCounter
    item = catalogue.get(row["item"])
    await delegation.require(tx, by, item, review=asked.level >= FIRST_REVIEW)
    await _decide(tx, runtime, case, item, asked, by.actor, request)


async def review(
    tx: Tx, runtime: Runtime, catalogue: Catalogue, case: UUID, asked: CaseDecisionRequest, by: Operator, request: bytes
) -> None:
    """Decide as a reviewer of the bureau, at whichever level is due.

    Raises NotFound, CaseMoved, CaseOver, WrongCaseLevel, CaseAssigned, CaseDisputed, SameReviewer, OwnCase,
    ReviewerUnnamed.
    """
    row = await store.whose(tx, case)
    if row is None:
        raise NotFound
    await _decide(tx, runtime, case, catalogue.get(row["item"]), asked, by.actor, request)


async def _decide(
    tx: Tx, runtime: Runtime, case: UUID, item: Item, asked: CaseDecisionRequest, actor: UUID, request: bytes
) -> None:
    if (asked.reason is None) != (asked.decision is CaseDecision.APPROVE):
        raise Invalid(pointer="/reason")
    known = policy()
    rule = known.rule(item)
    days = known.terms.supplement if asked.decision is CaseDecision.RETURN else (rule.days if rule else 0)
    note = asked.reason and runtime.vault.seal(NOTE, asked.reason.encode())
    due = workdays.ends_at(runtime.clock.time(), days)
    decided = await store.decide(tx, case, actor, asked.version, asked.level, asked.decision.value, note, request, due)
    _check(decided.outcome, decided.state, decided.version, decided.due_level)
    if decided.state == CaseState.DONE:
        await effects.done(tx, runtime, await store.find(tx, case))


def _check(outcome: str, state: str = "", version: int = 0, level: int = 0) -> None:
    """Raise the error of an outcome that is not ok."""
    if outcome == "ok":
        return
    if outcome == "stale":
        raise CaseMoved(version=version)
    if outcome == "not_open":
        raise CaseOver(state=CaseState(state).value) if state else CaseOver
    if outcome == "wrong_level":
        raise WrongCaseLevel(level=level)
    raise _REFUSALS.get(outcome, Conflict)


async def move_at(
    tx: Tx, runtime: Runtime, catalogue: Catalogue, case: UUID, asked: CaseMotionRequest, by: Terminal, request: bytes
) -> None:
    """Do at a terminal what the applicant asks, by another visit of the case's item.

    A supplement or an appeal that is handed in at an attended counter is accepted there. Raises NotFound, OtherCase,
    AlreadyOpened (the visit that opened it), CaseMoved, CaseOver, AppealLate, MaterialUnknown, NotDelegated.
    """
    if asked.visit is None:
        raise Invalid(pointer="/visit")
    row = await store.whose(tx, case)
    if row is None or row["agency"] != by.agency:
        raise NotFound
    if row["visit"] == asked.visit:
        raise AlreadyOpened
    found = await visits.at_agency(tx, catalogue, asked.visit, by, Flow.APPLY, Flow.CERTIFY)
    if (found.item.code, found.holder) != (row["item"], row["holder"]):
        raise OtherCase
    moved = await _move(tx, runtime, case, found.item, asked, found.holder, by.actor, found.evidence_sha256, request)
    if asked.motion is CaseMotion.SUPPLEMENT and by.setting == _COUNTER:
        await delegation.require(tx, by, found.item)
        accepted = CaseDecisionRequest(version=moved.version, level=1, decision=CaseDecision.APPROVE)
        await _decide(tx, runtime, case, found.item, accepted, by.actor, request)


async def move_on_phone(
    tx: Tx, runtime: Runtime, catalogue: Catalogue, case: UUID, asked: CaseMotionRequest, holder: Holder, request: bytes
) -> None:
    """Do what the applicant asks on the own phone, whose signed request is the evidence; raises as `move_at` does."""
    if asked.visit is not None:
        raise Invalid(pointer="/visit")
    own, row = await cards.by_seq(tx, holder.card), await store.whose(tx, case)
    if own is None or row is None:
        raise NotFound
    item, evidence = catalogue.get(row["item"]), hashlib.sha256(request).digest()
    await _move(tx, runtime, case, item, asked, own.holder, holder.actor, evidence, request)


async def _move(
    tx: Tx,
    runtime: Runtime,
    case: UUID,
    item: Item,
    asked: CaseMotionRequest,
    holder: UUID,
    actor: UUID,
    evidence: bytes,
    request: bytes,
) -> store.Moved:
    if asked.motion is CaseMotion.APPEAL and asked.reason is None:
        raise Invalid(pointer="/reason")
    vault, terms = runtime.vault, policy().terms
    if asked.form is not None:
        effects.check(item, asked.form)
    content = await _content(tx, vault, asked.form or {}, asked.materials)
    moved = await store.move(
        tx,
        case,
        holder,
        actor,
        asked.version,
        asked.motion.value,
        vault.seal(effects.FORM, msgspec.json.encode(asked.form)) if asked.form else None,
        asked.materials,
        hashlib.sha256(evidence + content).digest(),
        request,
        asked.reason and vault.seal(NOTE, asked.reason.encode()),
        workdays.ends_at(runtime.clock.time(), terms.acceptance),
        terms.appeal,
    )
    _check(moved.outcome, moved.state, moved.version)
    return moved


async def assign(tx: Tx, case: UUID, asked: CaseAssignmentRequest, by: Operator, request: bytes) -> None:
    """Take a case, or hand one's own over.

    Raises NotFound, CaseOver, CaseAssigned, ReviewerUnnamed, OwnCase, SameReviewer.
    """
    row = await store.find(tx, case)
    _check(await store.assign(tx, case, by.actor, asked.to or by.actor, request), row["state"] if row else "")


async def comment(
    tx: Tx, runtime: Runtime, case: UUID, asked: CaseCommentRequest, by: Operator, request: bytes
) -> None:
    """Leave a note for those who review after; raises NotFound, NotInHand."""
    _check(await store.comment(tx, case, by.actor, runtime.vault.seal(NOTE, asked.text.encode()), request))


async def name_reviewer(tx: Tx, runtime: Runtime, asked: ReviewerRequest, by: UUID) -> None:
    """Say which person a reviewer is, once and for all; again changes nothing. Raises NotFound, Conflict."""
    person = await cards.by_person(tx, id_index(runtime.vault, asked.id_no))
    if person is None:
        raise NotFound(pointer="/id_no")
    known = await store.name_person(tx, asked.operator, person.holder, by)
    if known is None:
        raise NotFound(pointer="/operator")
    if known != person.holder:
        raise Conflict
