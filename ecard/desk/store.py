"""Visits in the database; the function `record_visit` decides everything that must happen once."""

from typing import Any
from uuid import UUID

import msgspec

from ecard.catalogue.model import Form, Strength
from ecard.db import Db, Pool, Row, Tx
from ecard.desk.model import Evidence, Outcome

_RECORD = """
    SELECT outcome, visit, at, kid, keys_as_of, form, strength, amr, fields, profile, holder, level, acting, relation,
           first_at
    FROM record_visit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
"""
_AGAIN = """
    SELECT 'retry' AS outcome, v.id AS visit, v.at, v.kid, v.keys_as_of, v.form, v.strength, v.amr, v.fields, h.profile,
           h.id AS holder, v.level, a.holder AS acting, v.relation, v.at AS first_at
    FROM visit v JOIN card c ON c.seq = v.card JOIN holder h ON h.id = c.holder
    LEFT JOIN card a ON a.seq = v.acting_card
    WHERE v.terminal = $1 AND v.request_id = $2 AND v.body_sha256 = $3 AND v.disputed_at IS NULL
      AND c.status = 'active' AND v.at > clock_timestamp() - interval '10 seconds'
"""
_USES = """
    SELECT v.id, v.at, v.item, v.form, v.evidence, v.strength, v.fields, v.relation, v.disputed_at,
           v.acting_card IS NOT NULL AS by_relative, coalesce(g.name, k.name) AS agency,
           coalesce(t.site, v.place, '') AS site, coalesce(t.setting, 'online') AS setting,
           coalesce(s.shown, '{}') AS shown
    FROM visit v LEFT JOIN visit_shown s ON s.visit = v.id
         LEFT JOIN terminal t ON t.actor = v.terminal LEFT JOIN agency g ON g.id = v.agency
         LEFT JOIN channel k ON k.actor = v.agency
    WHERE v.card = $1 AND v.at < $2 ORDER BY v.at DESC LIMIT $3
"""
_DISPUTE = """
    UPDATE visit SET disputed_at = now() WHERE id = $1 AND card = $2 AND disputed_at IS NULL RETURNING item
"""
_FORGET = [
    """
    DELETE FROM evidence_use WHERE key IN
        (SELECT key FROM evidence_use WHERE at < now() - interval '2 days' LIMIT 5000 FOR UPDATE SKIP LOCKED)
    """,
    """
    DELETE FROM idempotency WHERE (actor, key) IN
        (SELECT actor, key FROM idempotency WHERE at < now() - interval '2 days' LIMIT 5000 FOR UPDATE SKIP LOCKED)
    """,
    "DELETE FROM verification WHERE at < now() - interval '2 days'",
    "DELETE FROM status_change WHERE at < now() - interval '1 hour'",
]
# A flow that shows more in the same visit says so again: the longer list stands.
_SHOW = "INSERT INTO visit_shown VALUES ($1, $2) ON CONFLICT (visit) DO UPDATE SET shown = excluded.shown"
_ALIVE = """
    SELECT v.disputed_at IS NULL AND c.status = 'active' FROM visit v JOIN card c ON c.seq = v.card WHERE v.id = $1
"""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What `record_visit` answered."""

    outcome: Outcome
    visit: UUID
    at: Any
    kid: str
    keys_as_of: int
    form: Form
    strength: Strength
    amr: list[str]
    fields: list[str]
    profile: bytes | None
    holder: UUID | None
    level: int | None
    acting: UUID | None
    relation: str | None
    first_at: Any


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A visit about to be recorded: by whom, of what, and under which signing key its assertion will stand."""

    id: UUID
    terminal: UUID
    agency: UUID
    request_id: str
    body_sha256: bytes
    item: str
    level: int
    fields: list[str]
    kid: str
    keys_as_of: int


async def record(db: Db, claim: Claim, evidence: Evidence) -> Recorded:
    """Decide and record a visit in one statement: on a pool its own transaction."""
    row = await db.fetchrow(
        _RECORD,
        claim.id,
        claim.terminal,
        claim.agency,
        claim.request_id,
        claim.body_sha256,
        claim.item,
        evidence.form.value,
        claim.level,
        evidence.kind,
        evidence.strength.value,
        evidence.amr,
        claim.fields,
        claim.kid,
        claim.keys_as_of,
        evidence.card,
        evidence.device,
        evidence.once,
        evidence.shadow,
    )
    return _recorded(row)


def _recorded(row: Row) -> Recorded:
    return Recorded(
        **{
            **row,
            "outcome": Outcome(row["outcome"]),
            "form": Form(row["form"]),
            "strength": Strength(row["strength"]),
        }
    )


async def again(pool: Pool, terminal: UUID, request_id: str, body_sha256: bytes) -> Recorded | None:
    """Return the visit that this very request recorded within the last 10 s, if it still stands."""
    row = await pool.fetchrow(_AGAIN, terminal, request_id, body_sha256)
    return None if row is None else _recorded(row)


async def uses(pool: Pool, card: int, before: Any, limit: int) -> list[Any]:
    """Return the card's visits before a time, youngest first."""
    rows: list[Any] = await pool.fetch(_USES, card, before, limit)
    return rows


async def show(tx: Tx, visit: UUID, shown: list[str]) -> None:
    """Say what a flow showed of the holder in a visit, by titles: it is in the holder's list of uses."""
    await tx.execute(_SHOW, visit, shown)


async def dispute(tx: Tx, visit: UUID, card: int) -> str | None:
    """Mark a visit disputed; return its item, None when there is none to dispute."""
    item: str | None = await tx.fetchval(_DISPUTE, visit, card)
    return item


async def forget(pool: Pool) -> None:
    """Drop what nobody can ask for any more, a little at a time: no code or stored answer is needed for two days."""
    for sql in _FORGET:
        await pool.execute(sql)


async def alive(pool: Pool, visit: UUID) -> bool:
    """Return whether what a visit minted still stands: not disputed, and the card active."""
    return bool(await pool.fetchval(_ALIVE, visit))
