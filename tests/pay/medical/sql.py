"""Settlements past the application: the SQL functions that it calls, on as many connections as a test wants."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from ecard.ids import new_id

REGIONS = ("119901", "119902")
_MERCHANT = """
    INSERT INTO merchant (agency, name, category, bank, bank_account, items, order_limit, small_free_limit, payable)
    VALUES ($1, '测试医院', '8062', 'SANDBOX', '', '{A2-54}', 100000000, 0,
            ledger_account('merchant', $1::uuid::text, 'merchant_payable'))
"""
_HOLDER = """
    WITH made AS (
        INSERT INTO holder (id, id_index, profile) VALUES ($1, uuid_send(gen_random_uuid()), '') RETURNING id)
    INSERT INTO card (holder, card_no_index) SELECT id, uuid_send(gen_random_uuid()) FROM made RETURNING seq
"""
_ENCOUNTER = """
    INSERT INTO medical_encounter (id, visit, evidence_sha256, item, holder, card, agency, terminal, care, one_stop,
                                   region_care, grade, region_insured, scheme, categories, began_on)
    VALUES ($1, $1, '', 'A2-54', $2, $3, $4, $4, 'outpatient', false, $5, 'primary', '119901', 'employee', '{}',
            '2026-01-01')
"""
_FEES = """
    INSERT INTO medical_fees (encounter, segment, lines, mac, total, class_b, class_c)
    VALUES ($1, 1, '', 'fees', $2, 0, 0)
"""
_YEAR = """
    INSERT INTO medical_year (holder, region, scheme, care, year) VALUES ($1, '119901', 'employee', 'outpatient', 2026)
    ON CONFLICT (holder, region, scheme, care, year) DO UPDATE SET version = medical_year.version RETURNING version
"""
TRIAL = "SELECT medical_trial($1, $2, 1::smallint, $3, 'fees', $4, NULL, 2026::smallint, $5, $6, $7, 1800)"


class Patient(NamedTuple):
    """A person insured in the first region, with what was on the account at first."""

    holder: UUID
    card: int
    account: int


async def regions(db: Any) -> list[UUID]:
    """Return an institution of each of two regions."""
    made = []
    for code in REGIONS:
        await db.execute("INSERT INTO medical_region (code, name) VALUES ($1, $1) ON CONFLICT DO NOTHING", code)
        agency = new_id()
        uscc = f"12{agency.int % 10**16:016d}"
        await db.execute("INSERT INTO agency (id, name, uscc) VALUES ($1, '测试医院', $2)", agency, uscc)
        await db.execute(_MERCHANT, agency)
        await db.execute(
            "INSERT INTO medical_institution (agency, region, grade) VALUES ($1, $2, 'primary')", agency, code
        )
        made.append(agency)
    return made


async def patient(db: Any, account: int) -> Patient:
    """Return a new patient."""
    holder = new_id()
    card = await db.fetchval(_HOLDER, holder)
    await db.execute("SELECT medical_open_account($1, '119901', $2)", holder, account)
    return Patient(holder, card, account)


async def encounter(db: Any, one: Patient, agency: UUID, region: str, total: int) -> UUID:
    """Return an encounter with its fees."""
    made = new_id()
    await db.execute(_ENCOUNTER, made, one.holder, one.card, agency, region)
    await db.execute(_FEES, made, total)
    return made


async def trial(db: Any, one: Patient, of: UUID, legs: Sequence[int]) -> tuple[UUID, str]:
    """Return a trial of an encounter with these legs, which adds to the year what the funds bear, and its outcome."""
    made = new_id()
    version = await db.fetchval(_YEAR, one.holder)
    added = [0, sum(legs), legs[0], sum(legs[1:]), legs[1], legs[3], legs[4]]
    outcome = await db.fetchval(TRIAL, made, of, sum(legs), made.bytes, version, added, list(legs))
    return made, str(outcome)
