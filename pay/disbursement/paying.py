"""Paying released lines in bulk, in every process: take some, check, commit their attempts, ask the banks, book.

No lock and no connection is held while a register or a bank is asked. A process that dies before the attempts are
committed leaves lines that are due again; one that dies after leaves attempts that the resolver asks about, and sends
again under the same reference if the bank never saw them. So a line is paid once, whoever dies when.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from ecard.db import Db, Pool
from ecard.ids import new_id
from ecard.runtime import Runtime
from ecard.vault import Vault
from pay.banks.attempts import Attempt
from pay.banks.bank import Answer, Outcome, Payout
from pay.banks.directory import Banks
from pay.banks.errors import BankUnavailable, BankUnknown
from pay.banks.resolver import Kind
from pay.disbursement import lines, payees, sending
from pay.disbursement.eligibility import Standing
from pay.disbursement.model import Hold
from pay.disbursement.pacing import Pace
from pay.disbursement.payees import Person
from pay.disbursement.sending import Ready, Released, Sent, Taken
from pay.ledger.service import command

PERIOD = 1.0
"""Seconds between two looks at what is released."""
RETURNS = 50
"""Returns that are looked at together."""
LANES = 2
"""Chunks under way at once in a process: while one is committed or booked, the bank is asked for the other."""
LEASE = 10.0
"""Seconds until a line that somebody took and did nothing with is due again."""
HELD = 3600.0
"""Seconds until a line that is held is looked at again."""
ACCOUNT = "benefit_line.account"
"""The place that a line's account is sealed for, and its index."""
DISCREET = "转账"
"""What a bank reads where it is not to know what is paid: neither programme nor name."""
log = logging.getLogger("pay.disbursement")


class Destination(msgspec.Struct, frozen=True, array_like=True):
    """Where a line goes, as the bank is told: the same however often it is asked."""

    account: str
    name: str
    memo: str

    def __repr__(self) -> str:
        """Return the type alone: an account number belongs in no log."""
        return "Destination(…)"


class Disburser(NamedTuple):
    """What lines are paid with."""

    runtime: Runtime
    banks: Banks
    standing: Standing
    pace: Pace


async def pay_for_ever(with_: Disburser) -> None:
    """Pay each second what is released, and pay again what was returned from another account; until cancelled."""
    while True:
        await asyncio.sleep(PERIOD)
        try:
            await redrive_due(with_)
            for batch in await sending.releasing(with_.runtime.pool):
                await _paid(with_, batch)
        except Exception as error:  # noqa: BLE001 - whatever it was, the next round must come
            log.warning("benefits were not paid: %s", type(error).__name__)


async def _paid(with_: Disburser, batch: Released) -> None:
    """Pay what is due of a batch; one that fails keeps no other waiting."""
    try:
        await pay_batch(with_, batch)
    except Exception as error:  # noqa: BLE001 - whatever it was, the other batches must be paid
        log.warning("a batch of benefits was not paid: %s", type(error).__name__)


async def pay_batch(with_: Disburser, batch: Released) -> None:
    """Pay what is due of a batch, until nothing is."""
    await asyncio.gather(*[_lane(with_, batch) for _ in range(LANES)])
    await command(with_.runtime.pool, lambda tx: sending.finish(tx, batch.id))


async def _lane(with_: Disburser, batch: Released) -> None:
    while taken := await sending.take(with_.runtime.pool, batch.id, with_.pace.chunk, LEASE):
        await pay(with_, batch, taken)


async def pay(with_: Disburser, batch: Released, taken: Sequence[Taken]) -> None:
    """Pay some lines of a batch that this process has taken."""
    pool = with_.runtime.pool
    held, ready = await _sorted(with_, batch, taken)
    if held:
        await sending.hold(pool, held, HELD)
    if not ready:
        return
    made = await command(pool, lambda tx: sending.send(tx, batch.id, ready))
    sealed = {one.line: one.account for one in ready}
    gate = asyncio.Semaphore(with_.pace.width)
    answers = await asyncio.gather(*[_asked(with_, gate, one, sealed[one.line]) for one in made])
    with_.pace.note(len(answers), sum(not answer.heard for answer in answers))
    told = [(one.attempt, answer.outcome.value, answer.code) for one, answer in zip(made, answers, strict=True)]
    results = await command(pool, lambda tx: sending.book(tx, told)) if told else {}
    if "conflict" in results.values():
        log.error("a bank contradicts itself about benefits of batch %s", batch.id)


async def _sorted(
    with_: Disburser, batch: Released, taken: Sequence[Taken]
) -> tuple[list[tuple[UUID, str]], list[Ready]]:
    """Return which lines are held, with why, and which are ready; those of a bank that rests are neither."""
    pool, vault = with_.runtime.pool, with_.runtime.vault
    people = await payees.people(
        pool,
        vault,
        [one.payee for one in taken],
        pseudonymous=batch.pseudonymous,
        certified_by=batch.certified_by,
        months=batch.certified_months,
    )
    known = [one for one in taken if one.payee in people]
    standing = await with_.standing.holds([people[one.payee].profile for one in known])
    held: list[tuple[UUID, str]] = []
    ready: list[Ready] = []
    for one, said in zip(known, standing, strict=True):
        person = people[one.payee]
        found = said or _where(with_.banks, person)
        if isinstance(found, Hold):
            held.append((one.line, found))
        elif found is not None:
            ready.append(_sealed(vault, batch, one.line, found, person))
    return held, ready


def _where(banks: Banks, person: Person) -> str | Hold | None:
    """Return the bank of a person's current account, why there is none, or None while that bank does not answer."""
    account = person.profile.bank_account
    if not person.certified:
        return Hold.NOT_CERTIFIED
    if not account or not person.has_card:
        return Hold.NO_ACCOUNT
    code = banks.code_of(account)
    if code is None:
        return Hold.NO_BANK
    try:
        banks.admit(code)
    except BankUnknown:
        return Hold.NO_BANK
    except BankUnavailable:
        return None
    return code


def _sealed(vault: Vault, batch: Released, line: UUID, bank: str, person: Person) -> Ready:
    account = person.profile.bank_account
    name, memo = ("", DISCREET) if batch.pseudonymous else (person.profile.name, batch.name)
    sealed = vault.seal(ACCOUNT, msgspec.json.encode(Destination(account, name, memo)))
    return Ready(line, bank, sealed, vault.index(ACCOUNT, account))


def asked(vault: Vault, ref: str, amount: int, sealed: bytes) -> Payout:
    """Return what a bank is asked for: the same, by the same reference, however often."""
    to = msgspec.json.decode(vault.open(ACCOUNT, sealed), type=Destination)
    return Payout(ref=ref, account=to.account, amount=amount, name=to.name, memo=to.memo)


async def _asked(with_: Disburser, gate: asyncio.Semaphore, one: Sent, sealed: bytes) -> Answer:
    async with gate:
        try:
            return await with_.banks.payout(one.bank, asked(with_.runtime.vault, one.ref, one.amount, sealed))
        except BankUnknown:
            return Answer(Outcome.UNKNOWN, "not_connected")


async def redrive_due(with_: Disburser) -> None:
    """Pay returned lines again whose payee has another account by now; the others stay returned."""
    pool, vault = with_.runtime.pool, with_.runtime.vault
    while due := await sending.returned(pool, RETURNS):
        for pseudonymous in (False, True):
            some = [one for one in due if one.pseudonymous is pseudonymous]
            people = await payees.people(
                pool, vault, [one.payee for one in some], pseudonymous=pseudonymous, certified_by=[], months=1
            )
            for one in some:
                person = people.get(one.payee)
                account = person.profile.bank_account if person else ""
                if account and vault.index(ACCOUNT, account) != one.account_index:
                    await _redriven(pool, one.line)


async def _redriven(pool: Pool, line: UUID) -> None:
    await command(pool, lambda tx: lines.redrive(tx, line, new_id()))


def disbursed(vault: Vault, otherwise: Kind) -> Kind:
    """Return how the resolver sends a benefit's pay-out again and books what it hears; others are `otherwise`'s."""

    async def ask(db: Db, attempt: Attempt) -> Payout | None:
        row = await sending.sent(db, attempt.id)
        return asked(vault, *row) if row else await otherwise.ask(db, attempt)  # type: ignore[return-value] # a pay-out

    async def book(db: Db, attempt: UUID, answer: Answer, of_reversal: bool) -> None:  # noqa: FBT001 - `Kind.book`
        results = await sending.book(db, [(attempt, answer.outcome.value, answer.code)])
        if not results:
            await otherwise.book(db, attempt, answer, of_reversal)
        elif results[attempt] == "conflict":
            log.error("a bank contradicts itself about pay-out %s", attempt)

    return Kind(ask, book)
