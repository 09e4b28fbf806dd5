"""The tables of bank accounts, of passwords kept beside them, and of new cards (`0010_managing.sql`)."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from ecard.cases.errors import OrderConflict
from ecard.db import Db, Row, Tx
from ecard.ids import new_id

_HOLD = "SELECT seq FROM card WHERE seq = (SELECT card FROM visit WHERE id = $1) FOR UPDATE"
_STATE = """
    SELECT c.status, c.level, coalesce(a.state, 'opened') AS state, coalesce(a.book, 0) AS book, a.password,
           a.service_password, h.profile, h.id AS holder
    FROM card c JOIN holder h ON h.id = c.holder LEFT JOIN card_account a ON a.card = c.seq WHERE c.seq = $1
"""
_KEEP = "INSERT INTO card_account (card, state) VALUES ($1, 'opened') ON CONFLICT DO NOTHING"
_PASSWORD = "UPDATE card_account SET password = $2, changed_at = now() WHERE card = $1"  # noqa: S105 - SQL
_SERVICE_PASSWORD = "UPDATE card_account SET service_password = $2, changed_at = now() WHERE card = $1"  # noqa: S105 - SQL
_BOOK = "UPDATE card_account SET book = book + 1, changed_at = now() WHERE card = $1 RETURNING book"
_ORDER = "INSERT INTO card_order (id, card, case_id) VALUES ($1, $2, $3)"
_MADE = """
    UPDATE card_order SET state = 'made', numbers = $2, made_at = now() WHERE id = $1 AND state = 'ordered'
    RETURNING card
"""
_ORDER_STATE = "SELECT state FROM card_order WHERE card = $1 AND state <> 'enabled'"
_ENABLE = """
    UPDATE card_order o SET state = 'enabled', numbers = NULL, enabled_at = now()
    FROM (SELECT id, numbers FROM card_order WHERE card = $1 AND state = 'made' FOR UPDATE) AS was
    WHERE o.id = was.id RETURNING o.id, was.numbers
"""
# The new card takes the old one's place: the old chip and its number are nobody's from now on.
_SWAP = """
    UPDATE card SET card_no_index = $2, card_id_index = $3, chip_index = $4, changed_at = now() WHERE seq = $1
"""
_PROFILE = "UPDATE holder SET profile = $2 WHERE id = $1"
_RENEWED = "UPDATE card_account SET state = 'opened', paid_before = false, password = NULL, book = 0 WHERE card = $1"
_ORDERS = """
    SELECT o.id, o.state, extract(epoch FROM o.ordered_at)::bigint AS ordered_at, h.profile
    FROM card_order o JOIN card c ON c.seq = o.card JOIN holder h ON h.id = c.holder
    WHERE o.state = $1 ORDER BY o.ordered_at, o.id LIMIT $2
"""
_ONE = """
    SELECT o.id, o.state, extract(epoch FROM o.ordered_at)::bigint AS ordered_at, h.profile
    FROM card_order o JOIN card c ON c.seq = o.card JOIN holder h ON h.id = c.holder WHERE o.id = $1
"""


class Account(NamedTuple):
    """A card with its bank account: states, level, passbook, hashes of passwords, the holder's sealed profile."""

    status: str
    level: int
    state: str
    book: int
    password: str | None
    service_password: str | None
    profile: bytes
    holder: UUID


class Numbers(NamedTuple):
    """The blind indexes of a card's numbers: printed, its own, its chip's."""

    card_no: bytes
    card_id: bytes | None
    chip: bytes | None


async def hold(tx: Tx, visit: UUID) -> None:
    """Lock the card of a visit before the visit is looked at: two acts on one card wait in one order."""
    await tx.fetchval(_HOLD, visit)


async def account(db: Db, card: int) -> Account:
    """Return a card that is there, with its account."""
    return Account(*(await db.fetchrow(_STATE, card)).values())


async def move(tx: Tx, card: int, sources: Sequence[str], target: str) -> tuple[bool, str]:
    """Move an account; return whether it was in one of `sources`, and its state now."""
    row = await tx.fetchrow("SELECT moved, now_state FROM account_move($1, $2, $3)", card, list(sources), target)
    return bool(row["moved"]), str(row["now_state"])


async def find(tx: Tx, card: int) -> bool:
    """Take a report of a lost account back; return whether it was lost."""
    return bool(await tx.fetchval("SELECT account_find($1)", card))


async def set_password(tx: Tx, card: int, password: str, *, service: bool = False) -> None:
    """Set the hash of the account's password, or of the card's service password where there is no e-card."""
    await tx.execute(_KEEP, card)
    await tx.execute(_SERVICE_PASSWORD if service else _PASSWORD, card, password)


async def next_book(tx: Tx, card: int) -> int:
    """Give out the next passbook; return its number."""
    await tx.execute(_KEEP, card)
    return int(await tx.fetchval(_BOOK, card))


async def order(tx: Tx, card: int, case: UUID) -> UUID:
    """Order a new card; raises OrderConflict with `current` when one is under way."""
    number = new_id()
    try:
        async with tx.transaction():
            await tx.execute(_ORDER, number, card, case)
    except asyncpg.UniqueViolationError:
        raise OrderConflict(current=await tx.fetchval(_ORDER_STATE, card)) from None
    return number


async def made(tx: Tx, number: UUID, numbers: bytes) -> int | None:
    """Note what a made card's numbers are, sealed; return whose card it replaces, None when none is ordered."""
    card: int | None = await tx.fetchval(_MADE, number, numbers)
    return card


async def enable(tx: Tx, card: int) -> Row | None:
    """Take the made card of a holder out of its order; return it, None when there is none."""
    return await tx.fetchrow(_ENABLE, card)


async def order_state(db: Db, card: int) -> str:
    """Return where a card's order stands, "none" without one."""
    return str(await db.fetchval(_ORDER_STATE, card) or "none")


async def swap(tx: Tx, card: int, numbers: Numbers, holder: UUID, profile: bytes) -> None:
    """Put a new card in the old one's place; raises OrderConflict where its number is another card's meanwhile."""
    try:
        await tx.execute(_SWAP, card, *numbers)
    except asyncpg.UniqueViolationError:
        raise OrderConflict(current="taken") from None
    await tx.execute(_PROFILE, holder, profile)


async def renew_account(tx: Tx, card: int) -> None:
    """Note that another account is on the card now."""
    await tx.execute(_RENEWED, card)


async def orders(db: Db, state: str, limit: int) -> list[Any]:
    """Return orders in a state, oldest first."""
    rows: list[Any] = await db.fetch(_ORDERS, state, limit)
    return rows


async def one_order(db: Db, number: UUID) -> Row | None:
    """Return an order."""
    return await db.fetchrow(_ONE, number)
