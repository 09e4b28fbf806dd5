"""Identifiers that are accepted once: `jti` of client assertions (RFC 7523 §3) and DPoP proofs (RFC 9449 §11.1).

One statement decides; two that come at once meet at the primary key. The key names use, issuer and
`jti` with their lengths, so that ('ab', 'c') is not ('a', 'bc').
"""

import datetime
from hashlib import sha256
from typing import NamedTuple

from ecard.db import Db, Pool

_ONCE = (
    "INSERT INTO used_jti (key, expires_at) SELECT * FROM unnest($1::bytea[], $2::timestamptz[]) ON CONFLICT DO NOTHING"
)
_FORGET = "DELETE FROM used_jti WHERE expires_at < now() - interval '5 minutes'"


class Mark(NamedTuple):
    """Something to be accepted once until `expires` (Unix seconds), after which its own time refuses it."""

    key: bytes
    expires: float


def mark(use: str, issuer: str, jti: str, expires: float) -> Mark:
    """Return the mark of a `jti` of `issuer` in one use ("assertion", "dpop")."""
    # A `jti` is any JSON string, also one with half a surrogate pair, which plain UTF-8 has no bytes for.
    parts = [part.encode(errors="surrogatepass") for part in (use, issuer, jti)]
    return Mark(sha256(b"".join(len(part).to_bytes(4) + part for part in parts)).digest(), expires)


async def first_time(db: Db, *marks: Mark) -> bool:
    """Remember `marks`, and return whether none of them was known."""
    times = [datetime.datetime.fromtimestamp(one.expires, datetime.UTC) for one in marks]
    done: str = await db.execute(_ONCE, [one.key for one in marks], times)
    return done == f"INSERT 0 {len(marks)}"


async def forget(pool: Pool) -> None:
    """Drop marks whose time is over, well after any clock could still accept them."""
    await pool.execute(_FORGET)
