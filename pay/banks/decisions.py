"""What comes from outside about an attempt: a bank's notification, and the decision of two people."""

from collections.abc import Mapping
from uuid import UUID

from ecard.audit import store as audit
from ecard.clock import Clock
from ecard.db import Db, Tx
from ecard.errors import EcardError, NotFound
from ecard.keys import verifier
from pay.banks import attempts, wire
from pay.banks.bank import Answer, Outcome
from pay.banks.directory import Banks
from pay.banks.errors import AttemptDecided, BankUnknown, FourEyes, NotificationUnsigned, ProposalDiffers
from pay.banks.resolver import Kinds
from pay.banks.schemas import AttemptDecision, AttemptView, DecisionRequest, Notice

PERSON = "person"
"""The code of an outcome that two people decided."""
_REFUSALS: Mapping[str, type[EcardError]] = {
    "not_found": NotFound,
    "decided": AttemptDecided,
    "four_eyes": FourEyes,
    "differs": ProposalDiffers,
}


def check_signed(banks: Banks, clock: Clock, bank: str, path: str, headers: Mapping[str, str], body: bytes) -> None:
    """Raise NotificationUnsigned unless the bank itself sent this now."""
    try:
        row = banks.find(bank)
        at, signature = headers.get(wire.TIME, ""), headers.get(wire.SIGNATURE, "")
        key = verifier(row.suite, row.public)
        wire.verify(key, "POST", path, body, at=at, signature=signature, now=clock.time())
    except (BankUnknown, wire.Unverified):
        raise NotificationUnsigned from None


async def notice(db: Db, bank: str, told: Notice) -> None:
    """Take a notification in. It is not believed: an attempt that is open is due at once, and its bank is asked."""
    await attempts.noticed(db, bank, told.event, told.ref)


async def undecided(db: Db, state: str, after: UUID, limit: int) -> list[AttemptView]:
    """Return the attempts that are undecided or `suspended`, oldest first, beyond `after`."""
    return [AttemptView(**row) for row in await attempts.undecided(db, state, after, limit)]


async def decide(tx: Tx, kinds: Kinds, attempt: UUID, asked: DecisionRequest, by: UUID) -> AttemptDecision:
    """Propose what became of a suspended attempt, or confirm what another operator proposed, which books it.

    Raises NotFound (not suspended), AttemptDecided, FourEyes, ProposalDiffers.
    """
    state = await attempts.decide(tx, attempt, by, asked.outcome, asked.reason)
    if state in _REFUSALS:
        raise _REFUSALS[state]
    row = await attempts.find(tx, attempt)
    detail = {"attempt": str(attempt), "outcome": asked.outcome, "bank": row["bank"], "ref": row["bank_ref"]}
    await audit.insert(tx, kind="attempt_decision", outcome=state, actor=by, detail=detail)
    if state == "confirmed":
        await kinds[row["kind"]].book(tx, attempt, Answer(Outcome(asked.outcome), PERSON), True)  # noqa: FBT003 - `Kind.book`
        return AttemptDecision(attempt=attempt, state="confirmed")
    return AttemptDecision(attempt=attempt, state="proposed")
