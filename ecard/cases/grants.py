"""授权 (grants): what a bank's outlets may do of annex 3, as the bureau grants it: (agency, branch, item) → duty."""

import datetime
from uuid import UUID

import msgspec

from ecard.audit import store as audit
from ecard.cases.errors import GrantBeyond
from ecard.cases.schemas import CaseGrant, CaseGrantRequest
from ecard.catalogue.model import Catalogue, Duty
from ecard.db import Db, Row, Tx
from ecard.desk.delegation import DELEGATING
from ecard.errors import NotFound
from ecard.ids import new_id

_ADD = """
    INSERT INTO case_grant (id, agency, region, site, items, review, until_at, by)
    SELECT $1, a.id, $3, $4, $5, $6, $7, $8 FROM agency a WHERE a.id = $2 RETURNING id
"""
_REVOKE = "UPDATE case_grant SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING agency"
_ALL = """
    SELECT id, agency, region, site, items, review, extract(epoch FROM from_at)::bigint AS since,
           extract(epoch FROM until_at)::bigint AS until, revoked_at IS NOT NULL AS revoked
    FROM case_grant WHERE ($1::uuid IS NULL OR id = $1) AND ($2::uuid IS NULL OR agency = $2) ORDER BY from_at, id
"""


async def grant(tx: Tx, catalogue: Catalogue, asked: CaseGrantRequest, by: UUID) -> CaseGrant:
    """CaseGrant an agency's outlets items of annex 3.

    Raises ItemUnknown, GrantBeyond (not of annex 3, or a review that the source does not delegate), NotFound (agency).
    """
    for item in map(catalogue.get, asked.items):
        if item.annex != DELEGATING or (asked.review and Duty.REVIEW not in (item.delegated or ())):
            raise GrantBeyond(pointer="/items")
    if asked.review and not asked.items:
        raise GrantBeyond(pointer="/review")
    until = asked.until and datetime.datetime.fromtimestamp(asked.until, datetime.UTC)
    number = new_id()
    items = sorted(set(asked.items))
    place = (asked.region, asked.site)
    if await tx.fetchval(_ADD, number, asked.agency, *place, items, asked.review, until or None, by) is None:
        raise NotFound(pointer="/agency")
    detail: dict[str, object] = {"grant": str(number), "agency": str(asked.agency), "items": items}
    await audit.insert(tx, kind="case_grant", outcome="ok", actor=by, detail={**detail, "review": asked.review})
    return _grant(await tx.fetchrow(_ALL, number, None))


async def listed(db: Db, agency: UUID | None) -> list[CaseGrant]:
    """Return grants, of one agency if named, oldest first."""
    return [_grant(row) for row in await db.fetch(_ALL, None, agency)]


async def revoke(tx: Tx, number: UUID, by: UUID) -> None:
    """Take a grant back; what is under way stays accepted. Raises NotFound."""
    agency = await tx.fetchval(_REVOKE, number)
    if agency is None:
        raise NotFound
    detail: dict[str, object] = {"grant": str(number), "agency": str(agency)}
    await audit.insert(tx, kind="case_grant_revoked", outcome="ok", actor=by, detail=detail)


def _grant(row: Row) -> CaseGrant:
    return msgspec.convert(dict(row), CaseGrant)
