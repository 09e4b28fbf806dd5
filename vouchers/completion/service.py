"""Submitting completions, auditing them by four eyes, and what an institution sees of its vouchers."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from ecard.audit import store as audit
from ecard.callers import Operator, Terminal
from ecard.db import Db, Row, Tx
from ecard.desk.service import pseudonym
from ecard.errors import EcardError, Invalid, NotFound
from ecard.ids import new_id
from ecard.runtime import Runtime
from vouchers.classes.refusing import refusal
from vouchers.classes.service import one_class
from vouchers.completion import store
from vouchers.completion.errors import CompletionDecided, OverAmount, OwnShareOpen, SameOperator, TooFewHours
from vouchers.completion.schemas import (
    Audit,
    AuditRequest,
    Completion,
    CompletionRequest,
    CompletionState,
    CompletionView,
    InstitutionVoucher,
)
from vouchers.life.service import institution_of

PAGE = 200
"""Vouchers, or at most completions, of one answer."""
_SUBMIT: Mapping[str, type[EcardError]] = {"fee_open": OwnShareOpen}
_JUDGE: Mapping[str, type[EcardError]] = {**_SUBMIT, "not_found": NotFound, "same_operator": SameOperator}


async def submit(tx: Tx, runtime: Runtime, class_: UUID, asked: CompletionRequest, by: Terminal) -> Completion:
    """Submit that a learner completed the class, as its institution's server.

    Raises ServerWanted, TooFewHours, OwnShareOpen, OverAmount and the errors of a voucher.
    """
    institution = institution_of(by)
    await one_class(tx, class_, institution=institution)
    completion = new_id()
    row = await store.submit(tx, completion, class_, institution, asked.voucher, asked.amount, by.actor, by.site)
    match row["outcome"]:
        case "ok":
            pass
        case "too_few":
            raise TooFewHours(hours=row["hours"], needed=row["needed"])
        case "over_amount":
            raise OverAmount(limit=row["amount"])
        case outcome:
            raise refusal(outcome, more=_SUBMIT, state=row["state"])
    return Completion(
        id=completion,
        class_=class_,
        voucher=asked.voucher,
        round=row["round"],
        hours=row["hours"],
        needed=row["needed"],
        amount=row["amount"],
        state=CompletionState.SUBMITTED,
        submitted_at=int(runtime.clock.time()),
    )


async def judge(tx: Tx, completion: UUID, asked: AuditRequest, by: Operator) -> Audit:
    """Note an operator's word on a completion, at the level that is due.

    Raises Invalid (a rejection without a reason, or with an amount), NotFound, CompletionDecided, SameOperator,
    OverAmount, OwnShareOpen (it was paid back since), VoucherFrozen, VoucherState.
    """
    if not asked.passed and asked.reason is None:
        raise Invalid(pointer="/reason")
    if not asked.passed and asked.amount is not None:
        raise Invalid(pointer="/amount")
    row = await store.judge(tx, completion, by.actor, passed=asked.passed, amount=asked.amount, reason=asked.reason)
    match row["outcome"]:
        case "ok":
            pass
        case "decided":
            raise CompletionDecided(state=row["state"])
        case "over_amount":
            raise OverAmount(limit=row["amount"])
        case outcome:
            raise refusal(outcome, more=_JUDGE, state=row["state"])
    word = "passed" if asked.passed else "rejected"
    detail: dict[str, object] = {"completion": str(completion), "level": row["level"]}
    await audit.insert(tx, kind="completion_audit", outcome=word, actor=by.actor, detail=detail)
    return Audit(
        completion=completion,
        voucher=row["voucher"],
        level=row["level"],
        state=CompletionState(row["state"]),
        amount=row["amount"],
    )


async def completions(db: Db, state: CompletionState, after: UUID, limit: int) -> list[CompletionView]:
    """Return up to `limit` completions in a state, oldest first, those after an id."""
    found = await store.in_state(db, state.value, after, limit)
    return [msgspec.convert(dict(row), CompletionView, strict=False) for row in found]


async def vouchers(runtime: Runtime, by: Terminal, after: UUID) -> list[InstitutionVoucher]:
    """Return the vouchers bound to the institution's classes, those after an id; never another institution's."""
    found = await store.of_institution(runtime.pool, by.agency, after, PAGE)
    return [_voucher(runtime, by, row) for row in found]


async def voucher(runtime: Runtime, by: Terminal, voucher: UUID) -> InstitutionVoucher:
    """Return a voucher of the institution; raises NotFound."""
    row = await store.of_institution_one(runtime.pool, by.agency, voucher)
    if row is None:
        raise NotFound
    return _voucher(runtime, by, row)


def _voucher(runtime: Runtime, by: Terminal, row: Row) -> InstitutionVoucher:
    facts = dict(row)
    sub = pseudonym(runtime, by.agency, facts.pop("holder"))
    return InstitutionVoucher(class_=facts.pop("class"), sub=sub, **facts)
