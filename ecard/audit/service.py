"""Sealing the audit log, and proving it."""

from collections.abc import Mapping

from ecard import seals
from ecard.audit.store import LOG
from ecard.clock import Clock
from ecard.db import Db, Pool
from ecard.keyring.model import Keyring
from ecard.seals import Proof
from ecard.tokens import PublicKey

PERIOD = seals.PERIOD
"""Seconds between two seals."""
ROWS = seals.ROWS
"""Rows of the largest seal, or a few more: what is left over waits for the next one."""


async def seal(pool: Pool, ring: Keyring, clock: Clock, issuer: str) -> int:
    """Seal what can no longer grow; return how many rows (0 when none, or another process is at it)."""
    return await seals.seal(pool, ring, clock, issuer, LOG, rows=ROWS)


async def verify(connection: Db, keys: Mapping[str, PublicKey], issuer: str, now: float) -> Proof:
    """Check every seal and row against signatures, chain and roots; stop at the first break."""
    return await seals.verify(connection, keys, issuer, now, LOG)
