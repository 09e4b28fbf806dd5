"""Many at one settlement at once: one of each is done, the others are told why, and the books hold."""

import asyncio
import collections
import os
from typing import Any

from ecard.ids import new_id
from ecard.settings import Settings
from pay.ledger.checks import CHECKS as LEDGER
from pay.medical.checks import CHECKS
from tests.bureau import Bureau, new_database, outcomes
from tests.hospital import STAY, Hospital, account, patient, reconciled
from tests.pay.ledger.accounts import pool_of
from tests.pay.medical import sql

ROUNDS = 100 if os.environ.get("ECARD_FULL_RACES") == "1" else 10
_CONFIRM = "SELECT medical_confirm($1, $2, $3, 15)"
_REVERSE = "SELECT outcome FROM medical_reverse($1, $2, $3, $4, $5, 'why', $6, 15)"


def test_two_settlements_of_one_account_and_one_settlement_confirmed_by_all_at_once(
    hospital: Hospital, bureau: Bureau
) -> None:
    phone = patient(bureau)
    first, second = (hospital.tried(hospital.visit(phone), "inpatient", STAY) for _ in range(2))
    acts = [lambda one=one: hospital.confirm(one) for one in (first, second) * 4]
    found = outcomes(acts)
    assert (found["ok"], found["medical_trial_stale"]) == (4, 4)
    assert account(phone)["balance"] == 6_800
    settled = next(one for one in (first, second) if hospital.settlement(one)["state"] == "confirmed")
    found = outcomes([lambda: hospital.reverse(settled, 90_000) for _ in range(8)])
    assert (found["ok"], found["medical_over_reversal"]) == (1, 7)
    reconciled(bureau)


async def _round(pool: Any, agencies: Any) -> collections.Counter[str]:
    """Confirm, book and take back one settlement, all from 16 connections at once."""
    one = await sql.patient(pool, 1_000)
    of = await sql.encounter(pool, one, agencies[1], sql.REGIONS[1], 900)
    trial, _ = await sql.trial(pool, one, of, (300, 50, 0, 0, 50, 500, 0))

    async def confirm() -> str:
        ask = new_id()
        outcome = str(await pool.fetchval(_CONFIRM, trial, trial.bytes, ask))
        if outcome == "ok":
            await asyncio.gather(*(pool.fetch("SELECT medical_book($1, 'ok')", ask) for _ in range(3)))
        return outcome

    async def reverse(n: int) -> str:
        ask = new_id()
        outcome = str(await pool.fetchval(_REVERSE, new_id(), trial, new_id(), f"r{n}", 500, ask))
        if outcome == "ok":
            await pool.fetch("SELECT medical_book($1, 'ok')", ask)
        return f"reverse_{outcome}"

    async def split_again() -> str:
        return "trial_" + (await sql.trial(pool, one, of, (900, 0, 0, 0, 0, 0, 0)))[1]

    async def net() -> str:
        await pool.fetch("SELECT medical_net($1)", new_id())
        return "netted"

    acts = [*(confirm() for _ in range(6)), *(reverse(n) for n in range(6)), split_again(), split_again(), net()]
    return collections.Counter(await asyncio.gather(*acts))


def test_confirm_book_reverse_split_and_net_race_and_each_is_done_once(settings: Settings) -> None:
    own = new_database(settings)

    async def race() -> None:
        async with pool_of(own, 16) as pool:
            agencies = await sql.regions(pool)
            for _ in range(ROUNDS):
                found = await _round(pool, agencies)
                assert found["ok"] <= 1, found
                assert found["reverse_ok"] <= 1, found
                # Whoever was first: the trial was settled, or another one took its place.
                assert found["ok"] == 1 or found["trial_ok"] >= 1, found
            await pool.fetch("SELECT medical_net($1)", new_id())
            left = "SELECT count(*) FROM account_balance WHERE book = 'region_clearing' AND balance <> 0"
            assert await pool.fetchval(left) == 0
            for check in (*CHECKS, *LEDGER):
                assert await pool.fetch(check.sql) == [], check.title.en

    asyncio.run(race())
