"""Many at one voucher at once: one wins, the others are told why, and the books hold.

The claims of the last voucher run over the SQL function that decides them, 64 at once from as many connections as the
pool has; over HTTP a few rounds show that nothing on the way loses that.
"""

import asyncio
import collections
import os
from functools import partial

import pytest

from ecard.settings import Settings
from tests.bureau import Bureau, new_database, outcomes, rows
from tests.pay.ledger.checking import checked
from tests.training import Programme
from tests.vouchers.sql import FACE, at_once, batch, cards, connections, institution, passed, programme, walked

FULL = os.environ.get("ECARD_FULL_RACES") == "1"
ROUNDS = 100
PAIRS = 100 if FULL else 30
CLAIMANTS = 64
HTTP_ROUNDS, PHONES = (100, 64) if FULL else (3, 16)
CLAIM = "SELECT outcome FROM voucher_claim($1, $2, NULL, NULL, NULL, NULL)"
REDEEM = "SELECT outcome FROM voucher_redeem($1, $2, gen_random_uuid(), 'k')"


@pytest.fixture(scope="module")
def own(settings: Settings) -> Settings:
    """A database where merchants and holders are no more than these races need of them."""
    return new_database(settings)


def test_the_last_voucher_is_claimed_by_one_of_64_people_a_hundred_times(own: Settings) -> None:
    async def race() -> None:
        async with connections(own) as pool:
            people = await cards(pool, CLAIMANTS)
            for _ in range(ROUNDS):
                of = await programme(pool, money=FACE)
                await batch(pool, of, 1)
                found = collections.Counter(await at_once(pool, [(CLAIM, of, card) for card in people]))
                assert found == {"ok": 1, "none_left": CLAIMANTS - 1}

    asyncio.run(race())
    checked(own)


def test_one_person_who_claims_on_many_phones_at_once_gets_what_one_person_may_have(own: Settings) -> None:
    async def race() -> None:
        async with connections(own) as pool:
            for per_person in (1, 2) * 10:
                of = await programme(pool, money=40 * FACE, per_person=per_person)
                await batch(pool, of, 40)
                [card] = await cards(pool, 1)
                found = collections.Counter(await at_once(pool, [(CLAIM, of, card)] * 16))
                assert found == {"ok": per_person, "has_one": 16 - per_person}

    asyncio.run(race())
    checked(own)


def test_over_http_one_of_all_gets_the_last_voucher(bureau: Bureau) -> None:
    phones = [bureau.phone() for _ in range(PHONES)]
    for _ in range(HTTP_ROUNDS):
        of = Programme(bureau)
        of.batch(1)
        found = outcomes([partial(of.claim, phone) for phone in phones])
        assert found == {"ok": 1, "voucher_none_left": PHONES - 1}


def test_freezing_and_redeeming_have_one_winner(own: Settings) -> None:
    async def race() -> None:
        async with connections(own, 4) as pool:
            school = await institution(pool)
            of = await programme(pool, money=PAIRS * FACE)
            await batch(pool, of, PAIRS)
            for card in await cards(pool, PAIRS):
                voucher = await walked(pool, "audited", of, card, school)
                redeem = (REDEEM, voucher, school)
                freeze = ("SELECT voucher_freeze($1, NULL, '复核', true)", voucher)
                pair = [redeem, freeze] if card % 2 else [freeze, redeem]
                found = set(await at_once(pool, pair))
                assert found in ({"ok", "not_live"}, {"frozen", "ok"}), found

    asyncio.run(race())
    checked(own)


def test_ending_by_time_and_going_on_have_one_winner(own: Settings) -> None:
    async def race() -> None:
        async with connections(own, 4) as pool:
            school = await institution(pool)
            of = await programme(pool, money=PAIRS * FACE)
            await batch(pool, of, PAIRS)
            late = "UPDATE voucher SET valid_until = clock_timestamp() + make_interval(secs => $2) WHERE id = $1"
            both = set()
            complete = "SELECT voucher_step($1, '{in_use}', 'completed', 'completed', NULL)"
            audit = "SELECT voucher_step($1, '{completed}', 'audited', 'audited', NULL)"
            for n, card in enumerate(await cards(pool, PAIRS)):
                voucher = await walked(pool, "in_use", of, card, school)
                # From half a millisecond to some tenths of a second: somewhere between, the two are even.
                left = 0.0005 * 1.25 ** (28 * n / PAIRS)
                await pool.execute(late, voucher, left)
                done, _ = await at_once(pool, [(complete, voucher), ("SELECT voucher_expire(10)",)])
                both.add(done)
                await pool.fetchval("SELECT pg_sleep($1)", left)
                await pool.execute("SELECT voucher_expire(10)")
                state = await pool.fetchval("SELECT state FROM voucher WHERE id = $1", voucher)
                assert state == ("completed" if done else "expired")
                if done:
                    await passed(pool, voucher)
                    assert await pool.fetchval(audit, voucher)
                found = await at_once(pool, [(REDEEM, voucher, school), ("SELECT voucher_expire(10)",)])
                assert found[0] == ("ok" if done else "expired"), "what was completed in time is paid, whenever"
            assert both == {True, False}

    asyncio.run(race())
    checked(own)


def test_paying_a_part_and_ending_others_of_a_batch_wait_for_no_ring_of_each_other(own: Settings) -> None:
    # A redemption needs the batch's escrow and the fund, an ending the same two: worst is where the fund sorts first.
    sql = "SELECT bool_and(fund < e) FROM voucher_batch, unnest(escrows) e WHERE id = $1"

    async def race() -> None:
        async with connections(own) as pool:
            school, first = await institution(pool), False
            while not first:
                of = await programme(pool, money=2 * PAIRS * FACE)
                first = await pool.fetchval(sql, await batch(pool, of, 2 * PAIRS))
            people = await cards(pool, 2 * PAIRS)
            vouchers = [await walked(pool, "audited", of, card, school, amount=FACE - 1) for card in people]
            paid = [(REDEEM, one, school) for one in vouchers[::2]]
            ended = [("SELECT voucher_cancel($1, NULL, '复核')", one) for one in vouchers[1::2]]
            mixed = [one for pair in zip(paid, ended, strict=True) for one in pair]
            found = await at_once(pool, mixed)
            assert set(found) == {"ok"}
            back = [("SELECT voucher_reverse($1, NULL, '复核')", one) for one in vouchers[::2]]
            assert set(await at_once(pool, back)) == {"ok"}

    asyncio.run(race())
    checked(own)


def test_many_redemptions_of_one_batch_at_once_are_each_done_once(own: Settings) -> None:
    async def race() -> None:
        async with connections(own) as pool:
            school = await institution(pool)
            of = await programme(pool, money=40 * FACE)
            await batch(pool, of, 40)
            vouchers = [await walked(pool, "audited", of, card, school) for card in await cards(pool, 40)]
            found = await at_once(pool, [(REDEEM, one, school) for one in vouchers for _ in range(4)])
            assert collections.Counter(found) == {"ok": 40, "taken": 120}
            paid = "SELECT balance FROM account_balance b JOIN merchant m ON m.payable = b.id WHERE m.agency = $1"
            assert await pool.fetchval(paid, school) == 40 * FACE

    asyncio.run(race())
    checked(own)
    assert rows(own, "SELECT count(*) FROM hold WHERE ref_kind = 'voucher' AND state = 'posted'")[0][0] >= 40
