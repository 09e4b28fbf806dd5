"""授权 (grants): which items of annex 3 an outlet may do, as granted by (agency, branch, item)."""

from ecard.callers import Terminal
from ecard.catalogue.model import Item
from ecard.db import Db
from ecard.desk.errors import NotDelegated

DELEGATING = 3
"""The annex whose items are done by grant alone."""
# Held until the transaction ends: a grant that is taken back meanwhile waits for what was done under it.
_HELD = """
    SELECT id FROM case_grant WHERE agency = $1 AND revoked_at IS NULL AND clock_timestamp() >= from_at
      AND (until_at IS NULL OR clock_timestamp() < until_at) AND (region IS NULL OR starts_with($2, region))
      AND (site IS NULL OR site = $3) AND ($4 = any (items) OR ($5 AND items = '{}')) AND (review OR NOT $6)
    LIMIT 1 FOR SHARE
"""


async def require(db: Db, by: Terminal, item: Item, *, review: bool = False) -> None:
    """Check that `by`'s outlet may accept this item, or review it; to be accepted, annexes 1 and 2 need no grant.

    必选事项 are in every bank's grant, 可选事项 only where they are named. Raises NotDelegated.
    """
    if item.annex != DELEGATING and not review:
        return
    mandatory = bool(item.mandatory) and not review
    if await db.fetchval(_HELD, by.agency, by.region, by.site, item.code, mandatory, review) is None:
        raise NotDelegated
