"""Certificates of employment in the database."""

from uuid import UUID

from ecard.db import Db, Row, Tx

# A card session and the visit that used it meet in what the session's use burnt (`cardio.server.model.once_key`).
_WRITTEN = """
    SELECT s.write_mac FROM evidence_use e
        JOIN card_session s ON substring(sha256('card'::bytea || s.challenge) FOR 16) = e.key
    WHERE e.visit = $1 AND s.written IS NOT NULL
"""
_ADD = """
    INSERT INTO employment_certificate (id, holder, visit, agency, content, on_card) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (visit) DO NOTHING RETURNING true
"""
_COLUMNS = "c.id, g.name AS agency, c.content, c.on_card, extract(epoch FROM c.at)::bigint AS at"
_ONE = f"SELECT {_COLUMNS} FROM employment_certificate c JOIN agency g ON g.id = c.agency WHERE c.id = $1"  # noqa: S608 - a constant of our own
_OF_HOLDER = f"""
    SELECT {_COLUMNS} FROM employment_certificate c JOIN agency g ON g.id = c.agency
    WHERE c.holder = $1 ORDER BY c.at DESC, c.id DESC LIMIT $2
"""  # noqa: S608 - a constant of our own
_HOLDER = "SELECT holder FROM card WHERE seq = $1"


async def written(db: Db, visit: UUID) -> bytes | None:
    """Return the MAC of what was written to the card that a visit read; None where nothing was."""
    found: bytes | None = await db.fetchval(_WRITTEN, visit)
    return found


async def add(tx: Tx, *columns: object) -> bool:
    """Put a certificate on record: id, holder, visit, agency, content, on card; False: this visit has one."""
    return await tx.fetchval(_ADD, *columns) is not None


async def one(db: Db, number: UUID) -> Row:
    """Return a certificate that is there."""
    return await db.fetchrow(_ONE, number)


async def of_holder(db: Db, holder: UUID, limit: int) -> list[Row]:
    """Return a person's certificates, youngest first: the first is in force."""
    return list(await db.fetch(_OF_HOLDER, holder, limit))


async def holder_of(db: Db, card: int) -> UUID:
    """Return the holder of a card that is there."""
    return UUID(str(await db.fetchval(_HOLDER, card)))
