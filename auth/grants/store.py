"""The tables of consents, grants and pairwise subjects."""

import datetime
from typing import Any
from uuid import UUID

import msgspec

from auth.grants.model import Grant, Living
from ecard.db import Db, Row, Tx, in_batches

COLUMNS = """
    g.id, g.client, g.holder, g.card, g.staff, g.item, g.catalogue, g.fields, g.scope, g.sub, g.acr, g.amr,
    g.auth_time, g.expires_at
"""
# Who withdrew everything that was allowed in a sector is nobody there any more.
_WHOSE = """
    SELECT s.holder FROM subject s WHERE s.sector = $1 AND s.sub = $2 AND EXISTS (
        SELECT FROM consent k JOIN client c ON c.id = k.client
        WHERE k.holder = s.holder AND k.withdrawn_at IS NULL AND c.sector = s.sector)
"""
# One statement, one round trip: consent (where it is new), subject, visit, code (where the browser is here to take
# it), grant and audit row stand or fall together.
# Card, phone, role, browser and an older consent are held in share until then: whatever ends one of them at the same
# time waits, and finds the grant to end.
_GIVE = """
    WITH alive AS MATERIALIZED (
        SELECT FROM card c, actor a WHERE c.seq = $15 AND c.status = 'active' AND a.id = $17 AND a.revoked_at IS NULL
        FOR SHARE OF c, a
    ), role AS MATERIALIZED (
        SELECT FROM staff WHERE id = $21::uuid AND ended_at IS NULL FOR SHARE
    ), seat AS MATERIALIZED (
        SELECT FROM browser_session WHERE id = $22::uuid AND ended_at IS NULL FOR SHARE
    ), standing AS MATERIALIZED (
        SELECT FROM consent
        WHERE $1::uuid IS NULL AND holder = $2 AND client = $3 AND item = $4 AND withdrawn_at IS NULL FOR SHARE
    ), allowed AS MATERIALIZED (
        SELECT FROM alive
        WHERE ($21::uuid IS NULL OR EXISTS (SELECT FROM role)) AND ($22::uuid IS NULL OR EXISTS (SELECT FROM seat))
          AND ($1::uuid IS NOT NULL OR EXISTS (SELECT FROM standing))
    ), agreed AS (
        INSERT INTO consent (id, holder, client, item, catalogue, fields)
        SELECT $1::uuid, $2, $3, $4, $5, $6 FROM allowed WHERE $1::uuid IS NOT NULL
        ON CONFLICT (holder, client, item) WHERE withdrawn_at IS NULL DO UPDATE SET given_at =
            CASE WHEN consent.catalogue = EXCLUDED.catalogue THEN consent.given_at ELSE EXCLUDED.given_at END,
            catalogue = EXCLUDED.catalogue, fields = EXCLUDED.fields
    ), known AS (
        INSERT INTO subject (sector, sub, holder) SELECT $7, $8, $2 FROM allowed ON CONFLICT DO NOTHING
    ), visited AS (
        INSERT INTO visit (id, terminal, agency, request_id, body_sha256, item, form, evidence, strength, amr, fields,
                           kid, keys_as_of, card, level, device, place)
        SELECT $9, $10, $11, gen_random_uuid()::text, '', $4, 'electronic', $12, $13, $14, $6, '', 0, $15, $16,
               (SELECT seq FROM device WHERE actor = $17), $18 FROM allowed
    ), going AS (
        INSERT INTO authorization_code (handle, consent_grant, client, redirect_uri, challenge, jkt, nonce, expires_at)
        SELECT $27::bytea, $20, $3, $28, $29, $30, $31, clock_timestamp() + make_interval(secs => $32)
        FROM allowed WHERE $27::bytea IS NOT NULL
    ), noted AS (
        INSERT INTO audit_event (kind, outcome, actor, card, item, detail)
        SELECT 'login', 'ok', $17, $15, $4, $19 FROM allowed
    )
    INSERT INTO consent_grant (id, client, holder, card, device, staff, visit, browser, item, catalogue, fields, scope,
                               sub, acr, amr, auth_time, expires_at)
    SELECT $20, $3, $2, $15, $17, $21, $9, $22, $4, $5, $6, $23, $8, $24, $14, $25,
           clock_timestamp() + make_interval(secs => $26) FROM allowed
    RETURNING expires_at
"""
# A visit that was verified at a counter, made into a grant: the holder was there, whichever form the card had.
_OF_VISIT = f"""
    WITH role AS MATERIALIZED (SELECT FROM staff WHERE id = $4::uuid AND ended_at IS NULL FOR SHARE)
    INSERT INTO consent_grant AS g (id, client, holder, card, staff, visit, item, catalogue, fields, scope, sub, acr,
                                    amr, auth_time, expires_at)
    SELECT $1, $2, c.holder, v.card, $4, v.id, v.item, $5, v.fields, $6, $7,
           CASE v.form WHEN 'physical' THEN 'card' ELSE 'l' || v.level END || '-' || v.strength, v.amr, v.at,
           clock_timestamp() + make_interval(secs => $8)
    FROM visit v JOIN card c ON c.seq = v.card
    WHERE v.id = $3 AND v.disputed_at IS NULL AND c.status = 'active'
      AND ($4::uuid IS NULL OR EXISTS (SELECT FROM role)) FOR SHARE OF v, c
    RETURNING {COLUMNS}
"""  # noqa: S608 - names of columns
_VISITOR = "SELECT c.holder FROM visit v JOIN card c ON c.seq = v.card WHERE v.id = $1"
_LIST = """
    SELECT c.id, c.item, c.fields, c.given_at, c.catalogue, k.name AS client, a.name AS agency,
           (SELECT max(g.created_at) FROM consent_grant g
            WHERE g.holder = c.holder AND g.client = c.client AND g.item = c.item) AS used_at
    FROM consent c JOIN client k ON k.id = c.client JOIN agency a ON a.id = k.agency
    WHERE c.holder = (SELECT holder FROM card WHERE seq = $1) AND c.withdrawn_at IS NULL
    ORDER BY c.given_at DESC, c.id
"""
_WITHDRAW = """
    UPDATE consent SET withdrawn_at = now()
    WHERE id = $1 AND holder = (SELECT holder FROM card WHERE seq = $2) AND withdrawn_at IS NULL
    RETURNING client, item
"""
_END = """
    UPDATE consent_grant SET revoked_at = clock_timestamp(), why = $2 WHERE id = $1 AND revoked_at IS NULL
"""
_ALIVE = f"""
    SELECT {COLUMNS}, h.profile, s.role, s.agency AS staff_agency FROM consent_grant g
    JOIN holder h ON h.id = g.holder LEFT JOIN staff s ON s.id = g.staff WHERE g.id = $1 AND g.revoked_at IS NULL
      AND g.expires_at > clock_timestamp()
"""  # noqa: S608 - names of columns
_FORGET = """
    DELETE FROM consent_grant WHERE id IN
        (SELECT id FROM consent_grant g WHERE id < first_id(now() - interval '395 days')
         AND expires_at < now() - interval '365 days'
         AND NOT EXISTS (SELECT FROM refresh_token r WHERE r.consent_grant = g.id) LIMIT 5000 FOR UPDATE SKIP LOCKED)
"""
_STAFF = "SELECT id FROM staff WHERE holder = $1 AND agency = $2 AND ended_at IS NULL"


async def whose(db: Db, sector: str, sub: str) -> UUID | None:
    """Return whose `sub` this is in a sector: of a holder who allows a client there something; None when nobody's."""
    holder: UUID | None = await db.fetchval(_WHOSE, sector, sub)
    return holder


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What is recorded when a grant is given; the order is that of the parameters of `_GIVE`."""

    consent: UUID | None
    holder: UUID
    client: UUID
    item: str
    catalogue: str
    fields: list[str]
    sector: str
    sub: str
    visit: UUID
    terminal: UUID
    agency: UUID
    evidence: str
    strength: str
    amr: list[str]
    card: int
    level: int
    device: UUID
    place: str
    detail: dict[str, str]
    grant: UUID
    staff: UUID | None
    browser: UUID | None
    scope: list[str]
    acr: str
    auth_time: datetime.datetime
    seconds: int


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """An authorization code that goes out with its grant: its hash, and what its redemption must match."""

    handle: bytes | None = None
    redirect_uri: str = ""
    challenge: str = ""
    jkt: str | None = None
    nonce: str | None = None
    seconds: int = 0


async def give(db: Db, given: Given, code: Code | None = None) -> Grant | None:
    """Record a consent, the visit that it is, and the grant, with a code if one is given; return the grant.

    None, and nothing is recorded, when the card or the phone is dead by now.
    """
    code = code or Code()
    expires_at = await db.fetchval(_GIVE, *msgspec.structs.astuple(given), *msgspec.structs.astuple(code))
    if expires_at is None:
        return None
    return Grant(
        id=given.grant,
        client=given.client,
        holder=given.holder,
        card=given.card,
        staff=given.staff,
        item=given.item,
        catalogue=given.catalogue,
        fields=given.fields,
        scope=given.scope,
        sub=given.sub,
        acr=given.acr,
        amr=given.amr,
        auth_time=given.auth_time,
        expires_at=expires_at,
    )


async def visitor(db: Db, visit: UUID) -> UUID | None:
    """Return who was there."""
    holder: UUID | None = await db.fetchval(_VISITOR, visit)
    return holder


async def of_visit(tx: Tx, *columns: object) -> Grant | None:
    """Add a grant of a visit that stands: its id, client, visit, staff, catalogue, scope, sub, life in seconds."""
    row = await tx.fetchrow(_OF_VISIT, *columns)
    return None if row is None else Grant(**row)


async def of_holder(db: Db, card: int) -> list[Row]:
    """Return the living consents of the card's holder, youngest first."""
    rows: list[Row] = await db.fetch(_LIST, card)
    return rows


async def withdraw(tx: Tx, consent: UUID, card: int) -> Any:
    """Withdraw a consent of the card's holder; its grants end by trigger. Returns client and item, or None."""
    return await tx.fetchrow(_WITHDRAW, consent, card)


async def end(db: Db, grant: UUID, why: str) -> None:
    """End a grant and so all that came of it."""
    await db.execute(_END, grant, why)


async def alive(db: Db, grant: UUID) -> Living | None:
    """Return a grant that has not ended."""
    row = await db.fetchrow(_ALIVE, grant)
    return None if row is None else living(row)


def living(row: Row) -> Living:
    """Return the grant in a row that has COLUMNS, `profile`, `role` and `staff_agency`."""
    grant = Grant(**{name: row[name] for name in Grant.__struct_fields__})
    return Living(grant=grant, profile=row["profile"], role=row["role"], staff_agency=row["staff_agency"])


async def staff_of(db: Db, holder: UUID, agency: UUID) -> UUID | None:
    """Return the holder's membership of an agency's staff."""
    found: UUID | None = await db.fetchval(_STAFF, holder, agency)
    return found


async def forget(db: Db) -> None:
    """Drop grants that ended a year ago or more; their consents, visits and audit rows stay."""
    await in_batches(db, _FORGET)


def when(seconds: float) -> datetime.datetime:
    """Return Unix seconds as the database takes them."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
