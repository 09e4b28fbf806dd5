"""The tables of papers and of the certificates of those who sign them."""

from typing import Any, NamedTuple
from uuid import UUID

from ecard.db import BATCH, Db, Pool, Row, Tx
from ecard.records.papers.schemas import RecordDocument
from ecard.vault import Vault

KEPT_SECONDS = 30 * 86400
_PLACE = "record_document.content"
_COLUMNS = """
    id, visit, holder, item, title, complete, pages, size, sha256, kid, extract(epoch FROM issued_at)::bigint AS at
"""
_ADD = """
    INSERT INTO record_document (id, visit, holder, item, title, complete, pages, size, sha256, kid, content, issued_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, to_timestamp($12))
    ON CONFLICT (visit) DO NOTHING RETURNING true
"""
_OF_VISIT = f"SELECT {_COLUMNS} FROM record_document WHERE visit = $1"  # noqa: S608 - a constant of our own
_BY_NUMBER = f"SELECT {_COLUMNS} FROM record_document WHERE id = $1"  # noqa: S608 - as above
_OF_HOLDER = f"""
    SELECT {_COLUMNS} FROM record_document WHERE holder = (SELECT holder FROM card WHERE seq = $1)
    ORDER BY issued_at DESC, id DESC LIMIT 100
"""  # noqa: S608 - as above
_CONTENT = "SELECT content FROM record_document WHERE id = $1"
_OWNER = "SELECT holder FROM card WHERE seq = $1"
_CERTIFICATE = "SELECT certificate FROM document_certificate WHERE kid = $1 AND issuer = $2"
_CERTIFY = "INSERT INTO document_certificate (kid, issuer, certificate) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
_FORGET = """
    UPDATE record_document SET content = NULL WHERE id IN (
        SELECT id FROM record_document WHERE content IS NOT NULL AND issued_at < now() - make_interval(secs => $1)
        LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


class Printed(NamedTuple):
    """A document as it is on record; `at` is in Unix seconds."""

    id: UUID
    visit: UUID
    holder: UUID
    item: str
    title: str
    complete: bool
    pages: int
    size: int
    sha256: bytes
    kid: str
    at: int

    @property
    def shown(self) -> RecordDocument:
        """The document as its holder is told of it."""
        return RecordDocument(
            document=self.id,
            item=self.item,
            title=self.title,
            issued_at=self.at,
            complete=self.complete,
            pages=self.pages,
            size=self.size,
            sha256=self.sha256.hex(),
            kept_until=self.at + KEPT_SECONDS,
        )


def _printed(row: Row | None) -> Printed | None:
    return None if row is None else Printed(*row.values())


async def add(tx: Tx, vault: Vault, printed: Printed, pdf: bytes) -> bool:
    """Record a document and keep its bytes, sealed; return whether its visit had none before."""
    facts: tuple[Any, ...] = printed[:-1]
    added: bool | None = await tx.fetchval(_ADD, *facts, vault.seal(_PLACE, pdf), float(printed.at))
    return bool(added)


async def of_visit(db: Db, visit: UUID) -> Printed | None:
    """Return what was printed in a visit."""
    return _printed(await db.fetchrow(_OF_VISIT, visit))


async def by_number(db: Db, number: UUID) -> Printed | None:
    """Return the document of a number."""
    return _printed(await db.fetchrow(_BY_NUMBER, number))


async def of_holder(db: Db, card: int) -> list[Printed]:
    """Return the documents of a card's holder, youngest first."""
    return [Printed(*row.values()) for row in await db.fetch(_OF_HOLDER, card)]


async def owner(db: Db, card: int) -> UUID:
    """Return whose card it is."""
    return UUID(str(await db.fetchval(_OWNER, card)))


async def content(db: Db, vault: Vault, number: UUID) -> bytes | None:
    """Return a document's bytes, None once they are no longer kept."""
    sealed = await db.fetchval(_CONTENT, number)
    return None if sealed is None else vault.open(_PLACE, sealed)


async def certificate(db: Db, kid: str, issuer: str) -> bytes | None:
    """Return the certificate (DER) that `issuer` made for `kid`."""
    found: bytes | None = await db.fetchval(_CERTIFICATE, kid, issuer)
    return found


async def certify(db: Db, kid: str, issuer: str, made: bytes) -> None:
    """Keep a certificate; the first one stays."""
    await db.execute(_CERTIFY, kid, issuer, made)


async def forget(pool: Pool) -> None:
    """Forget the bytes of documents that are no longer kept; number and digest stay."""
    await pool.execute(_FORGET, float(KEPT_SECONDS), BATCH)
