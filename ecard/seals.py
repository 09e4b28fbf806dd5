"""Sealing an append-only log by short periods, and proving it: the audit log's way, and the ledger's.

A log is a table whose rows carry the id of their transaction. A seal covers a range of ids that can no longer
grow: writers wait for nobody, and a transaction that was open is sealed in a later period.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from ecard import tokens
from ecard.clock import Clock
from ecard.db import Db, Pool, Tx, begin
from ecard.encoding import b64url
from ecard.keyring.model import Keyring, Purpose
from ecard.merkle import Break, Leaf, first_difference, pack, root, unpack
from ecard.tokens import PublicKey, TokenType

PERIOD = 10.0
"""Seconds between two seals."""
ROWS = 20_000
"""Rows of the largest seal, or a few more: what is left over waits for the next one."""
GENESIS = b64url(bytes(32))
_FOR_EVER = 100 * 365 * 86400
_ALL = 2**63 - 1


# A log of years takes longer to read than a request may, and is worked on between two rows.
_PATIENT = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
HOURS = 4 * 3600.0
"""Seconds that a client waits for the leaves of a range; within a request the server says sooner that it is enough."""


class Log(NamedTuple):
    """A log that is sealed: `rows` names the table whose `xid` says what has ended, `seals` that of its seals.

    `leaves` returns the leaves of a range [from, to) of transaction ids, in order.
    """

    name: str
    rows: str
    seals: str
    typ: TokenType
    leaves: Callable[[Db, int, int], Awaitable[list[Leaf]]]


class Seal(msgspec.Struct, frozen=True):
    """A stored seal: the range [from_xid, to_xid), its leaves, and the signed token."""

    seq: int
    from_xid: int
    to_xid: int
    leaves: bytes
    token: str


def head_of(token: str) -> str:
    """Return the hash of a seal, which the next one and each published bundle repeat."""
    return b64url(sha256(token.encode()).digest())


async def seal(pool: Pool, ring: Keyring, clock: Clock, issuer: str, log: Log, *, rows: int = ROWS) -> int:
    """Seal what can no longer grow; return how many leaves (0 when none, or another process is at it)."""
    async with begin(pool) as tx:
        if not await tx.fetchval("SELECT pg_try_advisory_xact_lock(hashtext($1))", f"ecard.{log.name}.seal"):
            return 0
        last = await last_seal(tx, log)
        seq, start, before = (last[0] + 1, last[1], head_of(last[2])) if last else (1, 0, GENESIS)
        end = await _horizon(tx, log, start, rows)
        leaves = await log.leaves(tx, start, end)
        if not leaves:
            return 0
        now = clock.time()
        key = ring.signing(Purpose.ANCHOR, now)
        claims = {
            "iss": issuer,
            "iat": int(now),
            # Nobody lets the past expire; the token reader wants a date all the same.
            "exp": int(now) + _FOR_EVER,
            "seq": seq,
            "from": start,
            "to": end,
            "count": len(leaves),
            "root": b64url(await asyncio.to_thread(root, [one.digest for one in leaves])),
            "prev": before,
        }
        token = tokens.mint(key.signer, key.kid, log.typ, claims)
        sql = f"INSERT INTO {log.seals} (seq, from_xid, to_xid, leaves, token) VALUES ($1, $2, $3, $4, $5)"  # noqa: S608 - a constant of our own
        await tx.execute(sql, seq, start, end, pack(leaves), token)
        return len(leaves)


async def last_seal(db: Db, log: Log) -> tuple[int, int, str] | None:
    """Return number, end of range and token of the youngest seal."""
    row = await db.fetchrow(f"SELECT seq, to_xid, token FROM {log.seals} ORDER BY seq DESC LIMIT 1")  # noqa: S608 - as above
    return None if row is None else (row["seq"], row["to_xid"], row["token"])


async def _horizon(tx: Tx, log: Log, start: int, rows: int) -> int:
    """Return the transaction id below which nothing can be added any more, or that ends about `rows` rows.

    Transactions below the snapshot's xmin have all ended: no row can still appear under their ids.
    """
    sql = f"""
        SELECT least(pg_snapshot_xmin(pg_current_snapshot())::text::bigint, (
            SELECT xid::text::bigint + 1 FROM {log.rows}
            WHERE xid >= $1::text::xid8 ORDER BY xid OFFSET $2 LIMIT 1))
    """  # noqa: S608 - as above
    return int(await tx.fetchval(sql, str(start), rows))


async def seals(connection: Db, log: Log) -> AsyncIterator[Seal]:
    """Yield all seals, oldest first, without holding them all in memory."""
    sql = f"SELECT seq, from_xid, to_xid, leaves, token FROM {log.seals} ORDER BY seq"  # noqa: S608 - as above
    async with connection.transaction():
        await connection.execute(_PATIENT)
        async for row in connection.cursor(sql):
            yield Seal(*row.values())


class Proof(NamedTuple):
    """What verification found: seals and rows that hold, rows not sealed yet, and the first break."""

    seals: int
    rows: int
    unsealed: int
    head: str | None
    broken: Break | None


def anchors(ring: Keyring) -> dict[str, PublicKey]:
    """Return every anchor there was: a retired or even revoked one still proves what it sealed, the chain dates it."""
    return {key.kid: PublicKey(key.suite, key.public) for key in ring.keys.values() if key.purpose is Purpose.ANCHOR}


async def verify(connection: Db, keys: Mapping[str, PublicKey], issuer: str, now: float, log: Log) -> Proof:
    """Check every seal and row against signatures, chain and roots; stop at the first break."""
    before, count, rows, end, head = GENESIS, 0, 0, 0, None
    async for one in seals(connection, log):
        found = await log.leaves(connection, one.from_xid, one.to_xid)
        broken = _check(one, count + 1, end, before, keys, issuer, now, log.typ) or first_difference(
            one.seq, unpack(one.leaves), found
        )
        if broken is not None:
            return Proof(count, rows, 0, head, broken)
        head = before = head_of(one.token)
        count, rows, end = count + 1, rows + len(found), one.to_xid
    async with connection.transaction():
        await connection.execute(_PATIENT)
        unsealed = len(await log.leaves(connection, end, _ALL))
    return Proof(count, rows, unsealed, head, None)


def _check(
    one: Seal,
    seq: int,
    start: int,
    before: str,
    keys: Mapping[str, PublicKey],
    issuer: str,
    now: float,
    typ: TokenType,
) -> Break | None:
    try:
        claims: dict[str, Any] = tokens.read(one.token, keys, typ=typ, issuer=issuer, audience=None, now=now)
        leaves = unpack(one.leaves)
    except (tokens.TokenRefused, ValueError):
        return Break(one.seq, "seal_signature")
    if (one.seq, claims["seq"], claims["prev"]) != (seq, seq, before):
        return Break(one.seq, "seal_chain")
    if (claims["from"], claims["to"]) != (one.from_xid, one.to_xid) or one.from_xid != start:
        return Break(one.seq, "seal_range")
    if claims["root"] != b64url(root([place.digest for place in leaves])) or claims["count"] != len(leaves):
        return Break(one.seq, "seal_leaves")
    return None
