"""Batches in the database (`0008_voucher_batches.sql`)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from ecard.db import Db, Row, Tx
from vouchers.life.store import STATE

_INSERT = """
    INSERT INTO voucher_batch (id, programme, number, source, face, quantity, pushed, people_sha256, valid_from,
                               valid_until, created_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, to_timestamp($9), to_timestamp($10), $11)
    ON CONFLICT (programme, number) DO NOTHING RETURNING true
"""
_COLUMNS = """
    SELECT b.id, b.programme, b.number, b.source, b.face, b.quantity, b.pushed, b.issued, b.skipped, b.state,
           extract(epoch FROM b.valid_from)::bigint AS valid_from,
           extract(epoch FROM b.valid_until)::bigint AS valid_until,
           extract(epoch FROM b.created_at)::bigint AS created_at, extract(epoch FROM b.done_at)::bigint AS done_at,
           (SELECT count(*) FROM batch_person p WHERE b.pushed AND p.batch = b.id AND p.error IS NOT NULL) AS bad,
           b.people_sha256
    FROM voucher_batch b WHERE
"""
_FORGET = "DELETE FROM batch_person WHERE batch = $1 AND place BETWEEN $2 AND $3"
_PEOPLE = """
    INSERT INTO batch_person (batch, place, holder, error)
    SELECT $1, u.place, u.holder, coalesce(u.error, CASE
        WHEN row_number() OVER (PARTITION BY u.holder ORDER BY u.place) > 1 OR EXISTS (
            SELECT FROM batch_person p WHERE p.batch = $1 AND p.holder = u.holder AND p.error IS NULL) THEN 'twice' END)
    FROM unnest($2::integer[], $3::uuid[], $4::text[]) AS u (place, holder, error)
    RETURNING place, error
"""
_BAD = """
    SELECT place, error AS reason FROM batch_person
    WHERE batch = $1 AND error IS NOT NULL AND place > $2 ORDER BY place LIMIT $3
"""
_HOLDERS = "SELECT id, id_index, profile FROM holder WHERE id_index = ANY ($1::bytea[])"
_VOUCHERS = f"""
    SELECT v.id, v.n, {STATE} AS state, v.institution FROM voucher v
    WHERE v.batch = $1 AND v.n > $2 ORDER BY v.n LIMIT $3
"""  # noqa: S608 - a constant of our own
_LOCK = "SELECT state, pushed FROM voucher_batch WHERE id = $1 FOR NO KEY UPDATE"
_WORKING = "SELECT id, state FROM voucher_batch WHERE state IN ('issuing', 'cancelling') ORDER BY id"
_PROGRESS = "SELECT state, quantity, issued + skipped AS decided FROM voucher_batch WHERE id = $1"


async def insert(tx: Tx, *columns: object) -> bool:
    """Add a draft, whose number is new; return whether it was.

    `columns`: id, programme, number, source, face, quantity, pushed, SHA-256 of the list, valid from and until (Unix
    seconds), by whom.
    """
    return await tx.fetchval(_INSERT, *columns) is not None


async def find(db: Db, batch: UUID) -> Row | None:
    """Return a batch and how far it is."""
    return await db.fetchrow(f"{_COLUMNS} b.id = $1", batch)


async def by_number(db: Db, programme: UUID, number: str) -> Row:
    """Return the batch of a number, which exists."""
    return await db.fetchrow(f"{_COLUMNS} b.programme = $1 AND b.number = $2", programme, number)


async def every(db: Db, programme: UUID, before: UUID | None, limit: int) -> list[Row]:
    """Return up to `limit` batches of a programme, youngest first."""
    sql = f"{_COLUMNS} b.programme = $1 AND ($2::uuid IS NULL OR b.id < $2) ORDER BY b.id DESC LIMIT $3"
    return list(await db.fetch(sql, programme, before, limit))


async def latest(db: Db, limit: int) -> list[Row]:
    """Return the youngest batches of all programmes."""
    return list(await db.fetch(f"{_COLUMNS} true ORDER BY b.id DESC LIMIT $1", limit))


async def lock(tx: Tx, batch: UUID) -> Row | None:
    """Return state and kind of a batch, locked until the transaction ends."""
    return await tx.fetchrow(_LOCK, batch)


async def holders(db: Db, indexes: Sequence[bytes]) -> dict[bytes, Row]:
    """Return the registered holders of blind indexes of resident numbers."""
    return {row["id_index"]: row for row in await db.fetch(_HOLDERS, list(indexes))}


async def put_people(
    tx: Tx, batch: UUID, span: tuple[int, int], lines: Sequence[tuple[int, UUID | None, str | None]]
) -> list[Row]:
    """Replace the lines of a span of places; return the place of each and why it names nobody, if so."""
    await tx.execute(_FORGET, batch, *span)
    columns: tuple[list[Any], ...] = tuple(map(list, zip(*lines, strict=True))) or ([], [], [])
    return list(await tx.fetch(_PEOPLE, batch, *columns))


async def bad(db: Db, batch: UUID, after: int, limit: int) -> list[Row]:
    """Return up to `limit` lines that give nobody a voucher, after a place."""
    return list(await db.fetch(_BAD, batch, after, limit))


async def vouchers(db: Db, batch: UUID, after: int, limit: int) -> list[Row]:
    """Return up to `limit` vouchers of a batch after the n-th."""
    return list(await db.fetch(_VOUCHERS, batch, after, limit))


async def begin(tx: Tx, batch: UUID) -> str:
    """Set a draft's money aside and let it be issued; return the outcome. Raises LG001."""
    return str(await tx.fetchval("SELECT voucher_batch_begin($1)", batch))


async def cancel(tx: Tx, batch: UUID, by: UUID | None) -> str:
    """Make a batch void as far as nobody has claimed of it; return the outcome."""
    return str(await tx.fetchval("SELECT voucher_batch_cancel($1, $2)", batch, by))


async def working(db: Db) -> list[Row]:
    """Return id and state of the batches that are being issued or cancelled."""
    return list(await db.fetch(_WORKING))


async def progress(db: Db, batch: UUID) -> Row:
    """Return state, quantity and how many of it are decided, of a batch that exists."""
    return await db.fetchrow(_PROGRESS, batch)


async def issue(db: Db, batch: UUID, limit: int) -> int | None:
    """Make up to `limit` vouchers; return how many are decided, None when others are at it."""
    done: int | None = await db.fetchval("SELECT voucher_batch_issue($1, $2)", batch, limit)
    return done


async def withdraw(db: Db, batch: UUID, limit: int) -> int | None:
    """Cancel up to `limit` vouchers that nobody has; return how many, None when others are at it."""
    done: int | None = await db.fetchval("SELECT voucher_batch_withdraw($1, $2)", batch, limit)
    return done
