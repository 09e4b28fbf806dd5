"""Sealing the audit log, and proving it."""

import asyncio
from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

from ecard import tokens
from ecard.audit import store
from ecard.audit.model import Break, first_difference, leaf, pack, root, unpack
from ecard.clock import Clock
from ecard.db import Db, Pool, begin
from ecard.encoding import b64url
from ecard.keyring.model import Keyring, Purpose
from ecard.tokens import PublicKey, TokenType

PERIOD = 10.0
"""Seconds between two seals."""
ROWS = 20_000
"""Rows of the largest seal, or a few more: what is left over waits for the next one."""
GENESIS = b64url(bytes(32))


def head_of(token: str) -> str:
    """Return the hash of a seal, which the next one and each published bundle repeat."""
    return b64url(sha256(token.encode()).digest())


async def seal(pool: Pool, ring: Keyring, clock: Clock, issuer: str) -> int:
    """Seal what can no longer grow; return how many rows (0 when none, or another process is at it)."""
    async with begin(pool) as tx:
        if not await store.try_lock(tx):
            return 0
        last = await store.last_seal(tx)
        seq, start, before = (last[0] + 1, last[1], head_of(last[2])) if last else (1, 0, GENESIS)
        end = await store.horizon(tx, start, ROWS)
        rows = await store.rows(tx, start, end)
        if not rows:
            return 0
        leaves = await asyncio.to_thread(lambda: [leaf(row) for row in rows])
        now = clock.time()
        key = ring.signing(Purpose.ANCHOR, now)
        claims = {
            "iss": issuer,
            "iat": int(now),
            # Nobody lets the past expire; the token reader wants a date all the same.
            "exp": int(now) + 100 * 365 * 86400,
            "seq": seq,
            "from": start,
            "to": end,
            "count": len(leaves),
            "root": b64url(root([one.digest for one in leaves])),
            "prev": before,
        }
        token = tokens.mint(key.signer, key.kid, TokenType.SEAL, claims)
        await store.insert_seal(tx, store.SealRow(seq, start, end, pack(leaves), token))
        return len(rows)


class Proof(NamedTuple):
    """What verification found: seals and rows that hold, rows not sealed yet, and the first break."""

    seals: int
    rows: int
    unsealed: int
    head: str | None
    broken: Break | None


async def verify(connection: Db, keys: Mapping[str, PublicKey], issuer: str, now: float) -> Proof:
    """Check every seal and row against signatures, chain and roots; stop at the first break."""
    before, count, rows, end, head = GENESIS, 0, 0, 0, None
    async for one in store.seals(connection):
        found = await store.rows(connection, one.from_xid, one.to_xid)
        broken = _check(one, count + 1, end, before, keys, issuer, now) or first_difference(
            one.seq, unpack(one.leaves), [leaf(row) for row in found]
        )
        if broken is not None:
            return Proof(count, rows, 0, head, broken)
        head = before = head_of(one.token)
        count, rows, end = count + 1, rows + len(found), one.to_xid
    unsealed = len(await store.rows(connection, end, 2**63 - 1))
    return Proof(count, rows, unsealed, head, None)


def _check(
    one: store.SealRow, seq: int, start: int, before: str, keys: Mapping[str, PublicKey], issuer: str, now: float
) -> Break | None:
    try:
        claims = tokens.read(one.token, keys, typ=TokenType.SEAL, issuer=issuer, audience=None, now=now)
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
