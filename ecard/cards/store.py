"""The tables of holders, cards, phones and relatives."""

from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from ecard.cards.errors import BankNotReady, HolderExists, RelativeExists
from ecard.cards.model import BUSI_SEQ_SECONDS, PASSWORD_TRIES, Status, sources_of
from ecard.db import Db, Row, Tx

_CARD = """
    SELECT c.seq, c.status, c.level, c.password IS NOT NULL AS has_password, c.changed_at, c.chip_index,
           h.id AS holder, h.profile
    FROM card c JOIN holder h ON h.id = c.holder
"""
_WITH_PHONE = """
    SELECT c.seq FROM card c WHERE c.holder = $1 AND c.status = 'active'
    AND EXISTS (SELECT FROM device d WHERE d.card = c.seq AND d.unbound_at IS NULL)
"""
_ADD_HOLDER = "INSERT INTO holder (id, id_index, profile) VALUES ($1, $2, $3) ON CONFLICT (id_index) DO NOTHING"
_ADD_CARD = """
    INSERT INTO card (holder, card_no_index, card_id_index, chip_index)
    SELECT id, $2, $3, $4 FROM holder WHERE id_index = $1 RETURNING seq
"""
_OPEN = """
    UPDATE card SET level = 1, password = $2, issued_at = now(), changed_at = now()
    WHERE seq = $1 AND level = 0 AND status = 'active' RETURNING seq
"""
_OPEN_PAYMENT = """
    UPDATE card SET level = 2, changed_at = now() WHERE seq = $1 AND level = 1 AND status = 'active' RETURNING seq
"""
_ACCOUNT_OUT = "SELECT true FROM card_account WHERE card = $1 AND state IN ('lost', 'closed')"
_UNBIND = """
    UPDATE device SET unbound_at = now() WHERE card = $1 AND channel = $2 AND unbound_at IS NULL RETURNING actor
"""
_REVOKE = "UPDATE actor SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL"
_BIND = "INSERT INTO device (actor, seq, card, channel, sign_no) VALUES ($1, $2, $3, $4, $5)"
# An attempt is counted before the password is looked at, so that parallel guesses cannot share one.
_TRY = f"""
    UPDATE card SET
        password_tries = CASE WHEN fresh THEN 1 ELSE password_tries + 1 END,
        password_tries_since = now(),
        password_locked_until = CASE
            WHEN NOT fresh AND password_tries + 1 >= {PASSWORD_TRIES} THEN now() + interval '24 hours' END
    FROM (SELECT seq AS s, password_tries_since IS NULL OR password_tries_since < now() - interval '24 hours'
                 OR coalesce(password_locked_until <= now(), false) AS fresh FROM card WHERE seq = $1 FOR UPDATE) AS t
    WHERE seq = t.s AND password IS NOT NULL AND (password_locked_until IS NULL OR password_locked_until <= now())
    RETURNING password, password_tries
"""  # noqa: S608 - a constant of our own
_LOCKED_FOR = "SELECT ceil(extract(epoch FROM password_locked_until - now()))::int FROM card WHERE seq = $1"
_RIGHT = """
    UPDATE card SET password_tries = 0, password_tries_since = NULL, password_locked_until = NULL WHERE seq = $1
"""
_RENEW = """
    UPDATE card SET password = $2, password_tries = 0, password_tries_since = NULL, password_locked_until = NULL,
                    changed_at = now() WHERE seq = $1 AND password IS NOT NULL
"""
_SPEND = f"""
    UPDATE verification SET used_at = now() WHERE busi_seq = $1 AND device = $2 AND used_at IS NULL
    AND at > now() - interval '{BUSI_SEQ_SECONDS} seconds' RETURNING card
"""  # noqa: S608 - a constant of our own
_LIVES = f"""
    SELECT true FROM verification WHERE busi_seq = $1 AND device = $2 AND used_at IS NULL
    AND at > now() - interval '{BUSI_SEQ_SECONDS} seconds'
"""  # noqa: S608 - a constant of our own
_MOVE = "UPDATE card SET status = $2, changed_at = now() WHERE seq = $1 AND status = any($3) RETURNING seq"
_RELATIVES = """
    SELECT r.id, r.relation, r.since, r.card, h.profile FROM relative r
    JOIN card c ON c.seq = r.card JOIN holder h ON h.id = c.holder
    WHERE r.principal = $1 AND r.ended_at IS NULL ORDER BY r.since, r.id
"""
_END = "UPDATE relative SET ended_at = now() WHERE id = $1 AND principal = $2 AND ended_at IS NULL RETURNING card"


class CardRow(msgspec.Struct, frozen=True, kw_only=True):
    """A card with its holder's sealed profile."""

    seq: int
    status: str
    level: int
    has_password: bool
    changed_at: Any
    chip_index: bytes | None
    holder: UUID
    profile: bytes


def _card(row: Row) -> CardRow | None:
    return None if row is None else CardRow(**row)


async def by_seq(db: Db, seq: int, *, lock: bool = False) -> CardRow | None:
    """Return the card `seq`, locked until the transaction ends if asked."""
    return _card(await db.fetchrow(f"{_CARD} WHERE c.seq = $1 {'FOR UPDATE OF c' if lock else ''}", seq))


async def by_person(db: Db, id_index: bytes) -> CardRow | None:
    """Return the youngest card of the person whose number has this blind index."""
    return _card(await db.fetchrow(f"{_CARD} WHERE h.id_index = $1 ORDER BY c.seq DESC LIMIT 1", id_index))


async def by_card_no(db: Db, card_no_index: bytes) -> CardRow | None:
    """Return the card whose printed number has this blind index."""
    return _card(await db.fetchrow(f"{_CARD} WHERE c.card_no_index = $1", card_no_index))


async def by_card_id(db: Db, card_id_index: bytes) -> CardRow | None:
    """Return the card whose own number has this blind index."""
    return _card(await db.fetchrow(f"{_CARD} WHERE c.card_id_index = $1", card_id_index))


async def with_phone(db: Db, holder: UUID) -> int | None:
    """Return the holder's active card if a phone shows it, None otherwise."""
    card: int | None = await db.fetchval(_WITH_PHONE, holder)
    return card


async def add(tx: Tx, holder: UUID, id_index: bytes, profile: bytes, card_no_index: bytes, *chip: bytes | None) -> int:
    """Register a person (or find the one known) with a new card; return its number. Raises HolderExists.

    `chip` are the indexes of the card's own number and of its chip's, both or neither known.
    """
    await tx.execute(_ADD_HOLDER, holder, id_index, profile)
    await tx.execute("UPDATE holder SET profile = $2 WHERE id_index = $1", id_index, profile)
    try:
        return int(await tx.fetchval(_ADD_CARD, id_index, card_no_index, *chip))
    except asyncpg.UniqueViolationError:
        raise HolderExists from None


async def open_card(tx: Tx, seq: int, password: str) -> bool:
    """Open level 1 with a password's hash; return False when it was opened meanwhile."""
    return await tx.fetchval(_OPEN, seq, password) is not None


async def open_payment(tx: Tx, seq: int) -> bool:
    """Open level 2; return False when it was open. Raises BankNotReady (the account is lost or closed)."""
    try:
        return await tx.fetchval(_OPEN_PAYMENT, seq) is not None
    except asyncpg.CheckViolationError:
        raise BankNotReady from None


async def account_out(db: Db, seq: int) -> bool:
    """Return whether the card's bank account was reported lost, or closed, at a counter."""
    return await db.fetchval(_ACCOUNT_OUT, seq) is not None


async def bind(tx: Tx, actor: UUID, card: int, channel: UUID, sign_no: str) -> None:
    """Bind a phone, already registered as `actor`, in a channel."""
    seq = await tx.fetchval("SELECT seq FROM actor WHERE id = $1", actor)
    await tx.execute(_BIND, actor, seq, card, channel, sign_no)


async def unbind(tx: Tx, card: int, channel: UUID) -> UUID | None:
    """Unbind the card's phone in a channel and revoke its key; return which, None when there is none."""
    actor: UUID | None = await tx.fetchval(_UNBIND, card, channel)
    if actor is not None:
        await tx.execute(_REVOKE, actor)
    return actor


async def try_password(db: Db, card: int) -> tuple[str, int] | None:
    """Count an attempt; return the password's hash and the tries so far, None when locked or without one."""
    row = await db.fetchrow(_TRY, card)
    return None if row is None else (row["password"], row["password_tries"])


async def locked_for(db: Db, card: int) -> int | None:
    """Return the seconds that the password stays locked."""
    seconds: int | None = await db.fetchval(_LOCKED_FOR, card)
    return seconds


async def forgive(db: Db, card: int) -> None:
    """Forget the wrong tries after a right one."""
    await db.execute(_RIGHT, card)


async def set_password(tx: Tx, card: int, password: str) -> None:
    """Set a password's hash and unlock; what the old one proved and nobody used yet is void."""
    await tx.execute(_RENEW, card, password)
    await tx.execute("UPDATE verification SET used_at = now() WHERE card = $1 AND used_at IS NULL", card)


async def add_verification(db: Db, busi_seq: UUID, card: int, device: UUID) -> None:
    """Record that a device's holder has just proven the password."""
    await db.execute("INSERT INTO verification (busi_seq, card, device) VALUES ($1, $2, $3)", busi_seq, card, device)


async def spend_verification(tx: Tx, busi_seq: UUID, device: UUID) -> bool:
    """Use a proof of the password, once and within its time; return whether it was there."""
    return await tx.fetchval(_SPEND, busi_seq, device) is not None


async def proof_lives(db: Db, busi_seq: UUID, device: UUID) -> bool:
    """Return whether a proof of the password could be used now; `spend_verification` decides."""
    return await db.fetchval(_LIVES, busi_seq, device) is not None


async def move(tx: Tx, seq: int, target: Status) -> bool:
    """Move a card to `target` if its present state allows; return whether it did."""
    return await tx.fetchval(_MOVE, seq, target.value, sources_of(target)) is not None


async def relatives(db: Db, principal: int) -> list[Any]:
    """Return the living relatives of a card."""
    rows: list[Any] = await db.fetch(_RELATIVES, principal)
    return rows


async def add_relative(tx: Tx, relative: UUID, principal: int, card: int, relation: str) -> None:
    """Bind a relative; raises RelativeExists."""
    sql = "INSERT INTO relative (id, principal, card, relation) VALUES ($1, $2, $3, $4)"
    try:
        await tx.execute(sql, relative, principal, card, relation)
    except (asyncpg.UniqueViolationError, asyncpg.CheckViolationError):
        raise RelativeExists from None


async def end_relative(tx: Tx, relative: UUID, principal: int) -> int | None:
    """End a relative; return whose card it was, None when there is none."""
    card: int | None = await tx.fetchval(_END, relative, principal)
    return card
