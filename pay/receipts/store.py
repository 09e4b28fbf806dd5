"""Which journals belong to a payment of a card."""

from typing import NamedTuple
from uuid import UUID

from ecard.db import Db

# The order of that id, or the order that the journal of that id is about: its payment, its refunds, their reversals.
_JOURNALS = """
    SELECT o.id AS order_id, array_agg(j.id ORDER BY j.at) AS journals
    FROM pay_order o JOIN journal j ON j.ref = o.id OR j.ref IN (SELECT r.id FROM refund r WHERE r.order_id = o.id)
    WHERE o.payer = $2 AND o.id = coalesce(
            (SELECT coalesce(r.order_id, b.ref) FROM journal b LEFT JOIN refund r ON r.id = b.ref WHERE b.id = $1), $1)
        AND (o.id = $1 OR j.id = $1)
    GROUP BY o.id
"""


class Paid(NamedTuple):
    """An order and what was posted for it."""

    order: UUID
    journals: list[UUID]


async def journals(db: Db, named: UUID, card: int) -> Paid | None:
    """Return what was posted for an order, or the one journal of that id, that a card paid; else None."""
    row = await db.fetchrow(_JOURNALS, named, card)
    return None if row is None else Paid(row["order_id"], row["journals"])
