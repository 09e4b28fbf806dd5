"""Ending what disabled clients were granted, in batches.

A disabled client is refused by its own row within a second; ending its grants only makes the record say so, and
closes the logins that nobody has fetched yet. So no index by client is kept, which each login would pay for: the
grants that can still live are the youngest, and the primary key (UUID version 7) has them in a row. 324 000 living
ones among 1.3 million took 4 s so, in statements of far less than a second; an index made each row added dearer by 9 %.
"""

from collections.abc import Sequence
from uuid import UUID

from auth.grants.model import LONG, SHORT
from ecard.db import Pool

# A login under way may still be given its grant for a moment, so the whole is walked when that is over.
_SETTLED = 10
_TO_END = f"""
    SELECT id, disabled_at < clock_timestamp() - interval '{_SETTLED} seconds' AS settled
    FROM client WHERE disabled_at IS NOT NULL AND grants_ended_at IS NULL
"""  # noqa: S608 - a constant of our own
_FIRST = "SELECT first_id(now() - make_interval(secs => $1))"
_WALK = """
    WITH seen AS MATERIALIZED (
        SELECT id, client, revoked_at, expires_at FROM consent_grant WHERE id > $1 ORDER BY id LIMIT 2000
    ), over AS (
        UPDATE consent_grant g SET revoked_at = clock_timestamp(), why = 'client' FROM seen s
        WHERE g.id = s.id AND s.client = any($2) AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp()
          AND g.revoked_at IS NULL
    )
    SELECT id FROM seen ORDER BY id DESC LIMIT 1
"""
_ENDED = "UPDATE client SET grants_ended_at = clock_timestamp() WHERE id = any($1)"


async def end_granted(pool: Pool) -> None:
    """End the grants of disabled clients: the youngest at once, and once for each client all that live."""
    rows = await pool.fetch(_TO_END)
    if young := [row["id"] for row in rows if not row["settled"]]:
        await _walk(pool, young, SHORT)
    if settled := [row["id"] for row in rows if row["settled"]]:
        await _walk(pool, settled, LONG + SHORT)
        await pool.execute(_ENDED, settled)


async def _walk(pool: Pool, clients: Sequence[UUID], seconds: float) -> None:
    at: UUID | None = await pool.fetchval(_FIRST, float(seconds))
    while at is not None:
        at = await pool.fetchval(_WALK, at, clients)
