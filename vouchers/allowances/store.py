"""The table of terms, and the days that people attended."""

import datetime
from uuid import UUID

from ecard.db import Db, Tx
from vouchers.allowances.model import Terms

_SET = """
    INSERT INTO allowance_terms (programme, benefit, agency, living, travel, most_days, set_by)
    SELECT p.id, $2, $3, $4, $5, $6, $7 FROM voucher_programme p WHERE p.id = $1
    ON CONFLICT (programme) DO UPDATE SET benefit = EXCLUDED.benefit, agency = EXCLUDED.agency,
        living = EXCLUDED.living, travel = EXCLUDED.travel, most_days = EXCLUDED.most_days, set_by = EXCLUDED.set_by,
        set_at = clock_timestamp()
    RETURNING programme
"""
_TERMS = "SELECT benefit, agency, living, travel, most_days FROM allowance_terms WHERE programme = $1"
_DAYS = "SELECT holder, days FROM allowance_days($1, $2)"


async def put(tx: Tx, programme: UUID, terms: Terms, by: UUID) -> bool:
    """Set a programme's terms; False when there is no such programme."""
    return await tx.fetchval(_SET, programme, *terms, by) is not None


async def terms(db: Db, programme: UUID) -> Terms | None:
    """Return a programme's terms."""
    row = await db.fetchrow(_TERMS, programme)
    return None if row is None else Terms(*row.values())


async def days(db: Db, programme: UUID, month: datetime.date) -> list[tuple[UUID, int]]:
    """Return how many days of training each learner is due an allowance for in a month."""
    return [(row["holder"], row["days"]) for row in await db.fetch(_DAYS, programme, month)]
