"""What a holder sees: own benefits and why one is not paid yet, proofs, and the pseudonym that a programme knows."""

from typing import Any
from uuid import UUID

from ecard.callers import Holder, Terminal
from ecard.catalogue.model import Catalogue, Flow
from ecard.db import Db, Tx, begin
from ecard.desk.standing import at_agency
from ecard.errors import NotFound
from ecard.ids import new_id
from ecard.runtime import Runtime
from ecard.vault import Vault
from pay.disbursement import lines as table
from pay.disbursement import payees, proofs, store
from pay.disbursement.errors import NotPseudonymous
from pay.disbursement.intake import TOKEN
from pay.disbursement.model import BenefitBatchState, BenefitState, new_token, waits_for
from pay.disbursement.schemas import BenefitPayee, BenefitProof, BenefitWait, MyBenefit


async def benefits(runtime: Runtime, holder: Holder, before: UUID | None, limit: int) -> list[MyBenefit]:
    """Return the holder's benefits, youngest first."""
    return [_mine(row) for row in await table.mine(runtime.pool, await _own(runtime, holder), before, limit)]


async def at_counter(runtime: Runtime, catalogue: Catalogue, visit: UUID, by: Terminal, limit: int) -> list[MyBenefit]:
    """Return what the holder who is here was paid under the visit's item, youngest first.

    Raises VisitUnknown, VisitOver, CardSuspended, WrongFlow.
    """
    async with begin(runtime.pool) as tx:
        standing = await at_agency(tx, catalogue, visit, by, Flow.RECEIVE)
        names = await _names(tx, runtime.vault, standing.holder)
        return [_mine(row) for row in await table.of_item(tx, names, standing.item.code, limit)]


async def benefit(runtime: Runtime, holder: Holder, number: UUID) -> MyBenefit:
    """Return one of the holder's benefits; raises NotFound."""
    row = await table.one_of_mine(runtime.pool, await _own(runtime, holder), number)
    if row is None:
        raise NotFound
    return _mine(row)


async def proof(runtime: Runtime, holder: Holder, number: UUID) -> BenefitProof:
    """Return the proof that a benefit is in what was approved; raises NotFound, ProofNotReady."""
    found = await proofs.proof(runtime.pool, await _own(runtime, holder), number)
    if found is None:
        raise NotFound
    return found


async def payee(tx: Tx, vault: Vault, holder: Holder, programme: UUID) -> BenefitPayee:
    """Return the holder's pseudonym in a programme, made when it is first asked for.

    Raises NotFound, NotPseudonymous.
    """
    [found] = await store.programmes(tx, programme) or [None]
    if found is None:
        raise NotFound(pointer="/programme")
    if not found["pseudonymous"]:
        raise NotPseudonymous(pointer="/programme")
    person = await payees.holder_of(tx, holder.card)
    token = new_token()
    sealed = await payees.add(
        tx,
        new_id(),
        programme,
        payees.owner_index(vault, programme, person),
        vault.seal(payees.OWNER, person.bytes),
        vault.index(TOKEN, token),
        vault.seal(TOKEN, token.encode()),
    )
    return BenefitPayee(programme=programme, payee=vault.open(TOKEN, sealed).decode())


async def _own(runtime: Runtime, holder: Holder) -> list[UUID]:
    return await _names(runtime.pool, runtime.vault, await payees.holder_of(runtime.pool, holder.card))


async def _names(db: Db, vault: Vault, person: UUID) -> list[UUID]:
    """Return the ids under which a person is paid: the own one, and those of pseudonyms."""
    return [person, *await payees.of_owner(db, vault, person)]


def _mine(row: dict[str, Any]) -> MyBenefit:
    batch, state = BenefitBatchState(row["batch_state"]), BenefitState(row["state"])
    waits = waits_for(batch, state, row["reason"], on_notice=bool(row["on_notice"]))
    until = row["notice_ends_at"] if waits and waits[0] == BenefitBatchState.NOTICE.value else None
    return MyBenefit(
        id=row["id"],
        programme=row["programme"],
        item=row["item"],
        component=row["component"],
        period=row["period"],
        amount=row["amount"],
        state=state,
        why=BenefitWait(code=waits[0], zh=waits[1].zh, en=waits[1].en, until=until) if waits else None,
        sent_at=row["sent_at"],
        paid_at=row["done_at"] if state is BenefitState.PAID else None,
        owed_back=row["owed_back"],
    )
