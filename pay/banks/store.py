"""SQL of the registry of banks."""

from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec

from ecard.db import Db, Tx
from ecard.keys import Suite
from pay.banks.errors import BankExists
from pay.banks.model import Ladder

_ALL = """
    SELECT code, name, iins, url, suite, public, own, ladder, layout, changed_at::text AS changed, stopped_at
    FROM bank ORDER BY code
"""
_INSERT = """
    INSERT INTO bank (code, name, iins, url, suite, public, own, ladder, layout)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_CHANGE = """
    UPDATE bank SET url = coalesce($2, url), suite = coalesce($3, suite), public = coalesce($4, public),
                    ladder = coalesce($5, ladder), changed_at = clock_timestamp()
    WHERE code = $1 RETURNING true
"""
_SWITCH = """
    UPDATE bank SET stopped_at = CASE WHEN $2 THEN coalesce(stopped_at, now()) END, changed_at = clock_timestamp()
    WHERE code = $1 RETURNING true
"""


class BankRow(msgspec.Struct, frozen=True):
    """A registered bank; `own` is our sealed key for it, `changed` tells one version of the row from another."""

    code: str
    name: str
    iins: tuple[str, ...]
    url: str
    suite: Suite
    public: bytes
    own: bytes
    ladder: Ladder
    layout: str
    changed: str
    stopped: bool

    def __repr__(self) -> str:
        """Return the code alone: credentials belong in no log."""
        return f"BankRow({self.code})"


async def banks(db: Db) -> list[BankRow]:
    """Return every bank, stopped ones too."""
    return [_bank(row) for row in await db.fetch(_ALL)]


async def insert(tx: Tx, row: BankRow) -> None:
    """Add a bank; raises BankExists."""
    ladder = msgspec.to_builtins(row.ladder)
    columns = (row.code, row.name, row.iins, row.url, row.suite.value, row.public, row.own, ladder, row.layout)
    try:
        await tx.execute(_INSERT, *columns)
    except asyncpg.UniqueViolationError:
        raise BankExists from None


async def change(tx: Tx, code: str, *, url: str | None, key: tuple[Suite, bytes] | None, ladder: Ladder | None) -> bool:
    """Change what is not None; return whether there is such a bank."""
    suite, public = (key[0].value, key[1]) if key else (None, None)
    figures = msgspec.to_builtins(ladder) if ladder else None
    return await tx.fetchval(_CHANGE, code, url, suite, public, figures) is not None


async def switch(tx: Tx, code: str, *, stop: bool) -> bool:
    """Stop new payments at a bank, or let them go on; return whether there is such a bank."""
    return await tx.fetchval(_SWITCH, code, stop) is not None


def _bank(row: Any) -> BankRow:
    iins: Sequence[str] = row["iins"]
    return BankRow(
        row["code"],
        row["name"],
        tuple(iins),
        row["url"],
        Suite(row["suite"]),
        row["public"],
        row["own"],
        msgspec.convert(row["ladder"], Ladder),
        row["layout"],
        row["changed"],
        row["stopped_at"] is not None,
    )
