"""Codes and refresh tokens in the database: each redemption is one guarded statement."""

import datetime
from uuid import UUID

import msgspec

from auth.grants.model import LONG, Grant, Living
from auth.grants.store import COLUMNS, Code, living
from auth.tokens.model import REFRESH_SECONDS, RETRY_SECONDS
from ecard.db import Db, Tx, in_batches

_ADD_CODE = """
    INSERT INTO authorization_code (consent_grant, client, handle, redirect_uri, challenge, jkt, nonce, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp() + make_interval(secs => $8))
"""
# What a thief could get wrong stands in the guard: a wrong guess uses nothing up.
_REDEEM_CODE = f"""
    WITH used AS (
        UPDATE authorization_code SET used_at = clock_timestamp(), used_jkt = $6
        WHERE handle = $1 AND client = $2 AND redirect_uri = $3 AND challenge = $4 AND (jkt IS NULL OR jkt = $6)
          AND used_at IS NULL AND expires_at > clock_timestamp()
          AND EXISTS (SELECT FROM consent_grant c JOIN client k ON k.id = c.client
                      WHERE c.id = consent_grant AND c.revoked_at IS NULL AND c.expires_at > clock_timestamp()
                        AND k.disabled_at IS NULL)
        RETURNING consent_grant, nonce
    ), lasting AS (
        INSERT INTO refresh_token (handle, consent_grant, client, jkt, expires_at)
        SELECT $5::bytea, used.consent_grant, $2, $7, clock_timestamp() + interval '{REFRESH_SECONDS} seconds'
        FROM used WHERE $5::bytea IS NOT NULL
    )
    SELECT {COLUMNS}, h.profile, s.role, s.agency AS staff_agency, used.nonce FROM used
    JOIN consent_grant g ON g.id = used.consent_grant JOIN holder h ON h.id = g.holder
    LEFT JOIN staff s ON s.id = g.staff
"""  # noqa: S608 - constants of our own
# A second use by the same client with the same key within the retry's time is a network's doing, not a thief's.
_CODE_MISUSED = f"""
    UPDATE consent_grant g SET revoked_at = clock_timestamp(), why = 'replay' FROM authorization_code c
    WHERE c.handle = $1 AND g.id = c.consent_grant AND g.revoked_at IS NULL AND c.used_at IS NOT NULL
      AND NOT (c.client = $2 AND c.used_jkt IS NOT DISTINCT FROM $3
               AND c.used_at > clock_timestamp() - interval '{RETRY_SECONDS} seconds')
    RETURNING g.id
"""  # noqa: S608 - a constant of our own
_ADD_REFRESH = f"""
    INSERT INTO refresh_token (handle, consent_grant, client, jkt, expires_at)
    VALUES ($1, $2, $3, $4, clock_timestamp() + interval '{REFRESH_SECONDS} seconds')
"""  # noqa: S608 - a constant of our own
_REFRESH = f"""
    SELECT {COLUMNS}, h.profile, s.role, s.agency AS staff_agency, r.used_at, r.used_jkt, r.answer, r.jkt,
           g.revoked_at IS NULL AND r.expires_at > clock_timestamp() AND g.expires_at > clock_timestamp()
           AND EXISTS (SELECT FROM client k WHERE k.id = r.client AND k.disabled_at IS NULL) AS good,
           r.used_at > clock_timestamp() - interval '{RETRY_SECONDS} seconds' AS fresh, r.client AS of_client
    FROM refresh_token r JOIN consent_grant g ON g.id = r.consent_grant JOIN holder h ON h.id = g.holder
    LEFT JOIN staff s ON s.id = g.staff WHERE r.handle = $1
"""  # noqa: S608 - constants of our own
_ROTATE = f"""
    WITH used AS (
        UPDATE refresh_token SET used_at = clock_timestamp(), used_jkt = $3, answer = $4
        WHERE handle = $1 AND client = $2 AND (jkt IS NULL OR jkt = $3) AND used_at IS NULL
          AND expires_at > clock_timestamp()
          AND EXISTS (SELECT FROM consent_grant c JOIN client k ON k.id = c.client
                      WHERE c.id = consent_grant AND c.revoked_at IS NULL AND c.expires_at > clock_timestamp()
                        AND k.disabled_at IS NULL)
        RETURNING consent_grant, client, jkt
    )
    INSERT INTO refresh_token (handle, consent_grant, client, jkt, expires_at)
    SELECT $5, consent_grant, client, jkt, clock_timestamp() + interval '{REFRESH_SECONDS} seconds' FROM used
    RETURNING consent_grant
"""  # noqa: S608 - a constant of our own
_REVOKE_REFRESH = """
    UPDATE consent_grant g SET revoked_at = clock_timestamp(), why = 'client' FROM refresh_token r
    WHERE r.handle = $1 AND r.client = $2 AND g.id = r.consent_grant AND g.revoked_at IS NULL RETURNING g.id
"""
_REVOKE_ACCESS = "INSERT INTO revoked_token (jti) VALUES ($1) ON CONFLICT DO NOTHING"
# A used token is kept as long as its grant stands, for who brings it again must end that grant; it goes with the
# grant, soon after its end, or after the longest that a grant lives. Ids begin with their time, so their index finds
# the old ones. What else a used token said is emptied with its answer.
_FORGET = [
    """
    DELETE FROM authorization_code WHERE handle IN
        (SELECT handle FROM authorization_code WHERE expires_at < now() - interval '1 hour'
         LIMIT 5000 FOR UPDATE SKIP LOCKED)
    """,
    """
    UPDATE refresh_token SET answer = NULL, jkt = NULL, used_jkt = NULL WHERE handle IN
        (SELECT handle FROM refresh_token WHERE answer IS NOT NULL AND used_at < now() - interval '1 minute'
         LIMIT 5000 FOR UPDATE SKIP LOCKED)
    """,
    """
    DELETE FROM refresh_token WHERE handle IN
        (SELECT r.handle FROM consent_grant g JOIN refresh_token r ON r.consent_grant = g.id
         WHERE g.revoked_at BETWEEN now() - interval '1 day' AND now() - interval '1 hour'
         LIMIT 5000 FOR UPDATE OF r SKIP LOCKED)
    """,
    f"""
    DELETE FROM refresh_token WHERE handle IN
        (SELECT r.handle FROM refresh_token r JOIN consent_grant g ON g.id = r.consent_grant
         WHERE r.consent_grant < first_id(now() - interval '{LONG} seconds') AND g.expires_at < now()
         LIMIT 5000 FOR UPDATE OF r SKIP LOCKED)
    """,  # noqa: S608 - a constant of our own
]


class Refreshing(msgspec.Struct, frozen=True, kw_only=True):
    """A refresh token as it stands: whose, whether used, by which key, and the sealed answer of its first use."""

    living: Living
    client: UUID
    jkt: str | None
    used_at: datetime.datetime | None
    used_jkt: str | None
    answer: bytes | None
    good: bool
    fresh: bool


async def add_code(tx: Tx, grant: Grant, code: Code) -> None:
    """Add a code to a grant given before."""
    await tx.execute(_ADD_CODE, grant.id, grant.client, *msgspec.structs.astuple(code))


async def redeem_code(
    db: Db,
    handle: bytes,
    *,
    client: UUID,
    redirect_uri: str,
    challenge: str,
    refresh: bytes | None,
    jkt: str | None,
    refresh_jkt: str | None,
) -> tuple[Living, str | None] | None:
    """Use a code up, once, and add its refresh token; return the grant and the nonce, None when it cannot be used."""
    row = await db.fetchrow(_REDEEM_CODE, handle, client, redirect_uri, challenge, refresh, jkt, refresh_jkt)
    return None if row is None else (living(row), row["nonce"])


async def code_misused(db: Db, handle: bytes, client: UUID, jkt: str | None) -> bool:
    """End the grant of a used code that somebody else, or somebody late, brings again; return whether it was so."""
    return await db.fetchval(_CODE_MISUSED, handle, client, jkt) is not None


async def add_refresh(tx: Tx, handle: bytes, grant: UUID, client: UUID, jkt: str | None) -> None:
    """Add the first refresh token of a grant."""
    await tx.execute(_ADD_REFRESH, handle, grant, client, jkt)


async def refreshing(db: Db, handle: bytes) -> Refreshing | None:
    """Return a refresh token as it stands."""
    row = await db.fetchrow(_REFRESH, handle)
    if row is None:
        return None
    names = ("jkt", "used_at", "used_jkt", "answer", "good")
    return Refreshing(
        living=living(row), client=row["of_client"], fresh=bool(row["fresh"]), **{name: row[name] for name in names}
    )


async def rotate(db: Db, handle: bytes, client: UUID, jkt: str | None, answer: bytes, successor: bytes) -> bool:
    """Use a refresh token up, once, and add its successor; return False when another use was first."""
    return await db.fetchval(_ROTATE, handle, client, jkt, answer, successor) is not None


async def revoke_refresh(db: Db, handle: bytes, client: UUID) -> bool:
    """End the grant of the client's refresh token; return whether there was one."""
    return await db.fetchval(_REVOKE_REFRESH, handle, client) is not None


async def revoke_access(db: Db, jti: UUID) -> None:
    """Revoke one access token."""
    await db.execute(_REVOKE_ACCESS, jti)


async def forget(db: Db) -> None:
    """Drop what can be redeemed no more, and what no grant stands or falls with."""
    await in_batches(db, *_FORGET)
