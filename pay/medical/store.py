"""The tables of medical settlement; commands are SQL functions (`0010_medical_commands.sql`)."""

import datetime
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from ecard.db import Db, Row, Tx
from pay.medical.model import Care, Category, FeeTotals, Grade, Insured, Scheme, Sums

_HOLDER = """
    SELECT h.id AS holder, h.profile FROM visit v JOIN card c ON c.seq = v.card JOIN holder h ON h.id = c.holder
    WHERE v.id = $1 AND v.agency = $2
"""
_INSTITUTION = "SELECT region, grade FROM medical_institution WHERE agency = $1"
_REGISTER = """
    INSERT INTO medical_encounter (id, visit, evidence_sha256, item, holder, card, agency, terminal, care, one_stop,
                                   region_care, grade, region_insured, scheme, categories, began_on)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
    ON CONFLICT (visit) DO NOTHING RETURNING true
"""
_OF_VISIT = "SELECT id FROM medical_encounter WHERE visit = $1"
_ENCOUNTER = """
    SELECT id, item, holder, card, agency, care, one_stop, region_care, grade, region_insured, scheme, categories,
           began_on FROM medical_encounter WHERE id = $1
"""
_ACCOUNT = "SELECT medical_open_account($1, $2, $3)"
_FREE = (
    "SELECT balance, held FROM account_balance WHERE id = ledger_account('holder', $1::uuid::text, 'personal_account')"
)
_RULE = """
    SELECT id, body FROM medical_rule WHERE (region, scheme, care) = ($1, $2, $3) AND valid_from <= $4
        AND (valid_until IS NULL OR valid_until > $4) ORDER BY valid_from DESC LIMIT 1
"""
_REGION = "SELECT true FROM medical_region WHERE code = $1"
# What is being settled, or is, keeps its fees: a changed list would not be what was paid for.
_FEES = """
    INSERT INTO medical_fees AS f (encounter, segment, lines, mac, total, class_b, class_c)
    SELECT $1, $2, $3, $4, $5, $6, $7 WHERE NOT EXISTS (
        SELECT FROM medical_settlement WHERE encounter = $1 AND segment = $2
            AND state NOT IN ('precalc', 'superseded', 'reversed', 'rejected'))
    ON CONFLICT (encounter, segment) DO UPDATE SET lines = EXCLUDED.lines, mac = EXCLUDED.mac, total = EXCLUDED.total,
        class_b = EXCLUDED.class_b, class_c = EXCLUDED.class_c, at = clock_timestamp()
    RETURNING true
"""
_LOCK = "SELECT true FROM medical_encounter WHERE id = $1 FOR NO KEY UPDATE"
_FEES_OF = "SELECT lines, mac, total, class_b, class_c FROM medical_fees WHERE encounter = $1 AND segment = $2"
_YEAR = """
    INSERT INTO medical_year (holder, region, scheme, care, year) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (holder, region, scheme, care, year) DO UPDATE SET version = medical_year.version
    RETURNING version, sums
"""
_TRIAL = "SELECT medical_trial($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
_SETTLEMENT = """
    SELECT s.id, s.encounter, e.agency, m.name AS institution, e.holder, e.item, e.care, s.segment, s.state, s.total,
           s.reversed, e.region_care, e.region_insured, e.scheme, s.created_at, medical_cash_due(s) AS cash_due,
           s.cash_by, s.order_id, encode(s.split, 'hex') AS split, s.expires_at, s.confirmed_at, s.refusal,
           s.record_no, s.paid, s.debt, s.journal, s.cash_at,
           array(SELECT l.amount FROM medical_leg l WHERE l.settlement = s.id ORDER BY l.place) AS amounts,
           array(SELECT l.reversed FROM medical_leg l WHERE l.settlement = s.id ORDER BY l.place) AS gone
    FROM medical_settlement s JOIN medical_encounter e ON e.id = s.encounter JOIN merchant m ON m.agency = e.agency
"""
_MINE = f"""
    {_SETTLEMENT} WHERE e.holder = $1 AND s.state <> 'superseded' AND ($2::uuid IS NULL OR s.id < $2)
    ORDER BY s.id DESC LIMIT $3
"""
_TILL = "SELECT medical_till($1, $2)"
_ORDERED = "SELECT medical_ordered($1, $2)"
_CONFIRM = "SELECT medical_confirm($1, $2, $3, $4)"
_CANCEL = "SELECT medical_cancel($1)"
_JOURNALS = """
    SELECT j.id FROM journal j WHERE j.kind IN ('medical', 'medical_reversal')
        AND (j.ref = $1 OR j.ref IN (SELECT r.id FROM medical_reversal r WHERE r.settlement = $1)) ORDER BY j.at
"""
_YEARS = """
    SELECT region, scheme, care, year, sums FROM medical_year WHERE holder = $1
    ORDER BY year DESC, region, scheme, care LIMIT 60
"""


class Encounter(msgspec.Struct, frozen=True, kw_only=True):
    """An encounter's row."""

    id: UUID
    item: str
    holder: UUID
    card: int
    agency: UUID
    care: Care
    one_stop: bool
    region_care: str
    grade: Grade
    region_insured: str
    scheme: Scheme
    categories: list[Category]
    began_on: datetime.date


class Fees(msgspec.Struct, frozen=True):
    """A segment's fees: sealed, their MAC, and what they come to."""

    lines: bytes
    mac: bytes
    totals: FeeTotals


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """A settlement's row, with its encounter's and its legs."""

    id: UUID
    encounter: UUID
    agency: UUID
    institution: str
    holder: UUID
    item: str
    care: Care
    segment: int
    state: str
    total: int
    reversed: int
    region_care: str
    region_insured: str
    scheme: Scheme
    created_at: datetime.datetime
    cash_due: int
    cash_by: str | None
    order_id: UUID | None
    split: str | None
    expires_at: datetime.datetime | None
    confirmed_at: datetime.datetime | None
    refusal: str | None
    record_no: str | None
    paid: int | None
    debt: int
    journal: UUID | None
    cash_at: datetime.datetime | None
    amounts: list[int]
    gone: list[int]


async def patient(db: Db, visit: UUID, agency: UUID) -> Row | None:
    """Return holder and sealed profile of a visit at an agency."""
    return await db.fetchrow(_HOLDER, visit, agency)


async def institution(db: Db, agency: UUID) -> tuple[str, Grade] | None:
    """Return region and grade of a designated institution."""
    row = await db.fetchrow(_INSTITUTION, agency)
    return None if row is None else (row["region"], Grade(row["grade"]))


async def region_known(db: Db, code: str) -> bool:
    """Return whether there is such a region."""
    return await db.fetchval(_REGION, code) is not None


async def register(tx: Tx, visit: UUID, evidence_sha256: bytes, terminal: UUID, one: Encounter) -> UUID | None:
    """Add an encounter; return None, or the one that the visit was registered as before."""
    columns = (one.id, visit, evidence_sha256, one.item, one.holder, one.card, one.agency, terminal, one.care)
    place = (one.one_stop, one.region_care, one.grade, one.region_insured, one.scheme, one.categories, one.began_on)
    if await tx.fetchval(_REGISTER, *columns, *place):
        return None
    found: UUID = await tx.fetchval(_OF_VISIT, visit)
    return found


async def open_account(tx: Tx, holder: UUID, insured: Insured) -> None:
    """Open the person's account, once, with what the insurance says."""
    await tx.execute(_ACCOUNT, holder, insured.region, insured.account)


async def account(db: Db, holder: UUID) -> tuple[int, int]:
    """Return what is on a personal account and what of it is set aside, 分."""
    row = await db.fetchrow(_FREE, holder)
    return (row["balance"], row["held"]) if row else (0, 0)


async def encounter(db: Db, number: UUID) -> Encounter | None:
    """Return an encounter."""
    row = await db.fetchrow(_ENCOUNTER, number)
    return None if row is None else msgspec.convert(dict(row), Encounter)


async def rule(db: Db, one: Encounter, day: datetime.date) -> Row | None:
    """Return id and body of the rule that holds for an encounter on a day."""
    return await db.fetchrow(_RULE, one.region_insured, one.scheme, one.care, day)


async def lock(tx: Tx, number: UUID) -> None:
    """Let nobody else change an encounter's fees or trials until this transaction ends."""
    await tx.fetchval(_LOCK, number)


async def put_fees(tx: Tx, number: UUID, segment: int, fees: Fees) -> bool:
    """Keep a segment's fees; return False where it is settled, or being settled."""
    totals = (fees.totals.total, fees.totals.class_b, fees.totals.class_c)
    return await tx.fetchval(_FEES, number, segment, fees.lines, fees.mac, *totals) is not None


async def fees(db: Db, number: UUID, segment: int) -> Fees | None:
    """Return a segment's fees."""
    row = await db.fetchrow(_FEES_OF, number, segment)
    if row is None:
        return None
    return Fees(row["lines"], row["mac"], FeeTotals(row["total"], row["class_b"], row["class_c"]))


async def year(tx: Tx, one: Encounter, of: int) -> tuple[int, Sums]:
    """Return version and sums of the person's year, begun if it was not; nobody changes it meanwhile."""
    row = await tx.fetchrow(_YEAR, one.holder, one.region_insured, one.scheme, one.care, of)
    return row["version"], Sums(*row["sums"])


async def trial(tx: Tx, *columns: Any) -> str:
    """Keep a trial; return `medical_trial`'s outcome."""
    return str(await tx.fetchval(_TRIAL, *columns))


async def settlement(db: Db, number: UUID) -> Settlement | None:
    """Return a settlement."""
    row = await db.fetchrow(f"{_SETTLEMENT} WHERE s.id = $1", number)
    return None if row is None else msgspec.convert(dict(row), Settlement)


async def mine(db: Db, holder: UUID, before: UUID | None, limit: int) -> Sequence[Settlement]:
    """Return a holder's settlements, youngest first."""
    return [msgspec.convert(dict(row), Settlement) for row in await db.fetch(_MINE, holder, before, limit)]


async def till(tx: Tx, number: UUID, amount: int) -> str:
    """Note that the till took what was due."""
    return str(await tx.fetchval(_TILL, number, amount))


async def ordered(tx: Tx, number: UUID, order: UUID) -> str:
    """Note which order is to pay what is due."""
    return str(await tx.fetchval(_ORDERED, number, order))


async def confirm(db: Db, number: UUID, split: bytes, ask: UUID, seconds: int) -> str:
    """Begin to settle; return `medical_confirm`'s outcome."""
    return str(await db.fetchval(_CONFIRM, number, split, ask, seconds))


async def cancel(tx: Tx, number: UUID) -> str:
    """Give a trial up."""
    return str(await tx.fetchval(_CANCEL, number))


async def years(db: Db, holder: UUID) -> Sequence[Row]:
    """Return what a holder's years have counted."""
    return list(await db.fetch(_YEARS, holder))


async def journals(db: Db, number: UUID) -> Sequence[UUID]:
    """Return what was posted of a settlement and its reversals."""
    return [row["id"] for row in await db.fetch(_JOURNALS, number)]
