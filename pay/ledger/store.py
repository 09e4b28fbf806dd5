"""The ledger's SQL functions and views, from Python."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from ecard.db import Db, Tx
from ecard.merkle import Leaf
from ecard.seals import HOURS, Log, Seal
from ecard.tokens import TokenType
from pay.ledger.model import CNY, Balance, Book, Leg, Posted, leaf

_ACCOUNT = "SELECT ledger_account($1, $2, $3, $4)"
_POST = "SELECT ledger_post($1, $2, $3, $4::account_leg[])"
_REVERSE = "SELECT ledger_reverse($1, $2)"
_HOLD = "SELECT ledger_hold($1, $2, $3, $4, $5)"
_POST_HOLD = "SELECT ledger_post_hold($1, $2, $3, $4, $5::account_leg[])"
_VOID_HOLD = "SELECT ledger_void_hold($1)"
_EXPIRE = "SELECT ledger_expire_holds($1)"
_BALANCE = "SELECT balance, held, available, pending FROM account_balance WHERE id = $1"
# Accounts with appended legs, by skipping along the index from one to the next.
_UNFOLDED = """
    WITH RECURSIVE next (account) AS (
        (SELECT account FROM hot_leg ORDER BY account LIMIT 1)
        UNION ALL
        SELECT (SELECT h.account FROM hot_leg h WHERE h.account > next.account ORDER BY h.account LIMIT 1)
        FROM next WHERE next.account IS NOT NULL
    ) SELECT account FROM next WHERE account IS NOT NULL
"""
_FOLD = "SELECT ledger_fold($1, $2)"
_LEGS = """
    SELECT j.xid::text::bigint AS xid, l.n, j.id::text, j.kind, j.ref_kind, j.ref::text, j.reverses::text,
           (extract(epoch FROM j.at) * 1000000)::bigint AS at_us, l.account::text, a.unit, l.amount
    FROM journal j JOIN ledger_leg l ON l.journal = j.id JOIN account a ON a.id = l.account
"""
_SEALED_LEGS = _LEGS + "WHERE j.xid >= $1::text::xid8 AND j.xid < $2::text::xid8 ORDER BY j.xid, l.n"
_JOURNAL_LEGS = _LEGS + "WHERE j.id = ANY ($1) ORDER BY j.xid, l.n"
_PERIOD_OF = "SELECT seq, from_xid, to_xid, leaves, token FROM ledger_period WHERE from_xid <= $1 AND to_xid > $1"


async def account(db: Db, owner_kind: str, owner: object, book: Book, unit: str = CNY) -> UUID:
    """Return the account of that owner and book, opened on the book's terms if there is none."""
    found: UUID = await db.fetchval(_ACCOUNT, owner_kind, str(owner), book, unit)
    return found


async def post(tx: Tx, kind: str, ref: tuple[str, UUID], legs: Iterable[Leg]) -> UUID:
    """Post a journal of `legs` for what `ref` names; return its id. Raises what `service.command` declares."""
    journal: UUID = await tx.fetchval(_POST, kind, *ref, _composed(legs))
    return journal


async def reverse(tx: Tx, journal: UUID, kind: str = "reversal") -> UUID:
    """Post the mirror of a journal, once; return the new journal."""
    reversal: UUID = await tx.fetchval(_REVERSE, journal, kind)
    return reversal


async def hold(tx: Tx, one: UUID, amount: int, ref: tuple[str, UUID], expires_at: datetime | None = None) -> UUID:
    """Set an amount of an account aside; return the hold."""
    made: UUID = await tx.fetchval(_HOLD, one, amount, *ref, expires_at)
    return made


async def post_hold(tx: Tx, held: UUID, kind: str, ref: tuple[str, UUID], to: Iterable[Leg]) -> UUID:
    """Spend a hold, all or a part, on the credits `to`; return the journal."""
    journal: UUID = await tx.fetchval(_POST_HOLD, held, kind, *ref, _composed(to))
    return journal


async def void_hold(tx: Tx, held: UUID) -> None:
    """Give a hold back."""
    await tx.execute(_VOID_HOLD, held)


async def balance(db: Db, one: UUID) -> Balance | None:
    """Return what an account holds; None when there is no such account."""
    row = await db.fetchrow(_BALANCE, one)
    return None if row is None else Balance(*row.values())


async def expire_holds(db: Db, limit: int) -> int:
    """Give back up to `limit` holds whose time is over; return how many."""
    return int(await db.fetchval(_EXPIRE, limit))


async def unfolded(db: Db) -> list[UUID]:
    """Return the accounts with appended legs."""
    return [row["account"] for row in await db.fetch(_UNFOLDED)]


async def fold(db: Db, one: UUID, limit: int) -> int:
    """Turn up to `limit` appended legs of an account into entries; return how many."""
    return int(await db.fetchval(_FOLD, one, limit))


async def leaves(db: Db, from_xid: int, to_xid: int) -> list[Leaf]:
    """Return the leaves of all legs posted in a range of transaction ids, in order."""
    rows = [Posted(*row.values()) for row in await db.fetch(_SEALED_LEGS, str(from_xid), str(to_xid), timeout=HOURS)]
    return await asyncio.to_thread(lambda: [leaf(row) for row in rows])


async def posted(db: Db, journals: Sequence[UUID]) -> list[Posted]:
    """Return the legs of some journals, in the order that they are sealed in."""
    return [Posted(*row.values()) for row in await db.fetch(_JOURNAL_LEGS, journals)]


async def period_of(db: Db, xid: int) -> Seal | None:
    """Return the period that a transaction was sealed in; None while it is not."""
    row = await db.fetchrow(_PERIOD_OF, xid)
    return None if row is None else Seal(*row.values())


LOG = Log("ledger", "journal", "ledger_period", TokenType.PERIOD, leaves)
"""The ledger's legs, to be sealed by periods and verified (`ecard.seals`)."""


def _composed(legs: Iterable[Leg]) -> list[tuple[UUID, int]]:
    return [(leg.account, leg.amount) for leg in legs]
