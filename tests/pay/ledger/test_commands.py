"""What the ledger's commands do, and what they refuse, each through its SQL function."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

import pytest

from ecard.db import Tx
from ecard.errors import EcardError
from ecard.ids import new_id
from ecard.settings import Settings
from pay.ledger import service, store
from pay.ledger.errors import AlreadyReversed, AmountRefused, BalanceShort, HoldExceeded, HoldNotOpen
from pay.ledger.model import CNY, VHOUR, Book
from tests.pay.ledger.accounts import Accounts, pool_of

T = TypeVar("T")


def run(settings: Settings, work: Callable[[Accounts], Awaitable[T]]) -> T:
    """Return what `work` returns with fresh accounts."""

    async def inside() -> T:
        async with pool_of(settings) as pool:
            return await work(await Accounts.opened(pool))

    return asyncio.run(inside())


async def refused(act: Awaitable[object], error: type[Exception]) -> None:
    with pytest.raises(error):
        await act


def test_a_posting_moves_money_and_numbers_each_accounts_entries(settings: Settings) -> None:
    async def work(our: Accounts) -> Any:
        journal = await our.post((our.source, -700), (our.fund, 700))
        await our.post((our.fund, -200), (our.other, 200))
        entries = "SELECT seq, amount, balance_after FROM entry WHERE account = $1 ORDER BY seq"
        found = await our.pool.fetch(entries, our.fund)
        assert [tuple(row) for row in found] == [(1, 700, 700), (2, -200, 500)]
        legs = await our.pool.fetch("SELECT account, amount FROM ledger_leg WHERE journal = $1", journal)
        assert {(row["account"], row["amount"]) for row in legs} == {(our.source, -700), (our.fund, 700)}
        assert (await our.balance(our.fund), await our.balance(our.other)) == (500, 200)

    run(settings, work)


def test_what_an_account_does_not_hold_is_refused_and_nothing_is_left_of_the_posting(settings: Settings) -> None:
    async def work(our: Accounts) -> None:
        await our.give(our.fund, 100)
        before = await our.pool.fetchval("SELECT count(*) FROM journal")
        await refused(our.post((our.fund, -101), (our.other, 101)), BalanceShort)
        await refused(our.post((our.other, 50), (our.fund, -150), (our.source, 100)), BalanceShort)
        assert await our.pool.fetchval("SELECT count(*) FROM journal") == before
        assert (await our.balance(our.fund), await our.balance(our.other)) == (100, 0)

    run(settings, work)


@pytest.mark.parametrize("amount", [0, -5, 10**15 + 1, 2**63 - 1])
def test_an_amount_that_is_none_is_refused(settings: Settings, amount: int) -> None:
    async def work(our: Accounts) -> None:
        await refused(our.hold(our.fund, amount), AmountRefused)
        if amount != -5:
            await refused(our.post((our.source, -amount), (our.fund, amount)), AmountRefused)

    run(settings, work)


def test_legs_that_do_not_sum_to_zero_in_each_unit_are_a_fault(settings: Settings) -> None:
    async def work(our: Accounts) -> None:
        hours = await store.account(our.pool, "holder", new_id(), Book.WALLET, VHOUR)
        for legs in (
            ((our.source, -100), (our.fund, 99)),
            ((our.source, -2), (hours, 2)),
            ((our.source, -100),),
            ((our.source, -100), (new_id(), 100)),
            tuple((new_id(), amount) for amount in (5, -5) * 10),
        ):
            with pytest.raises(Exception, match="ledger: ") as fault:
                await our.post(*legs)
            assert not isinstance(fault.value, EcardError)

    run(settings, work)


def test_units_beside_money_are_posted_in_one_journal_each_to_zero(settings: Settings) -> None:
    async def work(our: Accounts) -> None:
        hours = [await store.account(our.pool, "holder", new_id(), Book.WALLET, VHOUR) for _ in range(2)]
        given = await store.account(our.pool, "platform", new_id(), Book.ISSUE, VHOUR)
        await our.post((given, -3), (hours[0], 3), (our.source, -500), (our.fund, 500))
        await our.post((hours[0], -2), (hours[1], 2))
        await refused(our.post((hours[0], -2), (hours[1], 2)), BalanceShort)
        assert [await our.balance(one) for one in hours] == [1, 2]

    run(settings, work)


def test_an_account_is_opened_once_however_often_it_is_asked_for(settings: Settings) -> None:
    async def work(our: Accounts) -> None:
        owner = new_id()
        asked = [store.account(our.pool, "merchant", owner, Book.MERCHANT_PAYABLE) for _ in range(8)]
        assert len(set(await asyncio.gather(*asked))) == 1
        assert await store.account(our.pool, "merchant", owner, Book.ESCROW) not in await asyncio.gather(
            store.account(our.pool, "merchant", owner, Book.MERCHANT_PAYABLE, CNY)
        )

    run(settings, work)


def test_a_hold_keeps_an_amount_from_everybody_else_until_it_is_spent_or_given_back(settings: Settings) -> None:
    async def work(our: Accounts) -> None:
        await our.give(our.fund, 100)
        first = await our.hold(our.fund, 70)
        await refused(our.hold(our.fund, 31), BalanceShort)
        await refused(our.post((our.fund, -31), (our.other, 31)), BalanceShort)
        await refused(our.spend(first, (our.other, 71)), HoldExceeded)
        await our.spend(first, (our.other, 50))
        for late in (our.spend(first, (our.other, 1)), our.void(first)):
            await refused(late, HoldNotOpen)
        second = await our.hold(our.fund, 50)
        await our.void(second)
        await our.post((our.fund, -50), (our.other, 50))
        assert (await our.balance(our.fund), await our.balance(our.other)) == (0, 100)

    run(settings, work)


def test_a_hold_whose_time_is_over_cannot_be_spent_and_is_given_back_by_the_sweep(settings: Settings) -> None:
    async def work(our: Accounts) -> None:
        await our.give(our.fund, 100)
        held = await our.hold(our.fund, 60, seconds=-1)
        await refused(our.spend(held, (our.other, 60)), HoldNotOpen)
        await service.expire_holds(our.pool)
        state = await our.pool.fetchval("SELECT state FROM hold WHERE id = $1", held)
        assert (state, await our.available(our.fund)) == ("expired", 100)

    run(settings, work)


def test_a_journal_is_reversed_once_and_a_reversal_never(settings: Settings) -> None:
    async def work(our: Accounts) -> None:
        journal = await our.give(our.fund, 100)
        reversal = await our.reverse(journal)
        assert await our.balance(our.fund) == 0
        await refused(our.reverse(journal), AlreadyReversed)
        with pytest.raises(Exception, match="a reversal is not reversed"):
            await our.reverse(reversal)

    run(settings, work)


def test_what_was_spent_meanwhile_cannot_be_taken_back(settings: Settings) -> None:
    async def work(our: Accounts) -> None:
        journal = await our.give(our.fund, 100)
        await our.post((our.fund, -1), (our.other, 1))
        await refused(our.reverse(journal), BalanceShort)

    run(settings, work)


def test_a_busy_accounts_credits_count_at_once_and_become_entries_later(settings: Settings) -> None:
    async def work(our: Accounts) -> None:
        for amount in (30, 40, 50):
            await our.give(our.busy, amount)
        assert (await our.balance(our.busy), await our.entries(our.busy)) == (120, [])
        # A debit that needs them folds them first; one that is too large is refused, and nothing is lost.
        await refused(our.post((our.busy, -121), (our.other, 121)), BalanceShort)
        await our.post((our.busy, -100), (our.other, 100))
        assert await our.entries(our.busy) == [(1, 30, 30), (2, 40, 70), (3, 50, 120), (4, -100, 20)]
        await our.give(our.busy, 5)
        await service.fold(our.pool)
        assert (await our.entries(our.busy))[4:] == [(5, 5, 25)]
        assert await our.balance(our.busy) == 25
        await our.give(our.busy, 5)
        await refused(our.hold(our.busy, 31), BalanceShort)
        assert await our.available(our.busy) == 30
        await our.void(await our.hold(our.busy, 30))

    run(settings, work)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE entry SET amount = amount + 1",
        "DELETE FROM entry",
        "TRUNCATE entry",
        "UPDATE journal SET kind = 'other'",
        "DELETE FROM journal",
        "UPDATE hot_leg SET amount = amount + 1",
        "DELETE FROM hold",
        "DELETE FROM account",
    ],
)
def test_what_was_posted_is_never_changed(settings: Settings, change: str) -> None:
    async def work(our: Accounts) -> None:
        with pytest.raises(Exception, match="is append-only"):
            await our.pool.execute(change)

    run(settings, work)


def test_a_command_that_always_loses_is_unavailable_and_not_a_balance_too_low(settings: Settings) -> None:
    async def work(our: Accounts) -> int:
        tried = 0

        async def losing(tx: Tx) -> None:
            nonlocal tried
            tried += 1
            await tx.execute("DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40P01'; END $$")

        with pytest.raises(EcardError) as refusal:
            await service.command(our.pool, losing)
        assert (refusal.value.code, refusal.value.status) == ("unavailable", 503)
        assert refusal.value.headers == {"Retry-After": "1"}
        return tried

    assert run(settings, work) == 1 + service.TRIES


def test_ids_made_in_sql_are_version_seven_and_in_the_order_of_time(settings: Settings) -> None:
    async def work(our: Accounts) -> list[UUID]:
        return [await our.pool.fetchval("SELECT ledger_id() FROM pg_sleep(0.002)") for _ in range(5)]

    made = run(settings, work)
    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}
    assert made == sorted(made)
