"""Browsers that stay logged in: a holder chose so on the phone, for half an hour and this browser.

The cookie is a secret of 256 bits of which the database has the hash. A lost card or an unbound phone ends
the session by trigger, and reading one looks at both.
"""

import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from auth.grants.model import Proven
from ecard.catalogue.model import Strength
from ecard.db import Db, Tx

SECONDS = 1800
COOKIE = "ecard_browser"

_ADD_SESSION = """
    INSERT INTO browser_session (handle, id, card, device, strength, amr, auth_time, expires_at)
    SELECT $1, $2, g.card, g.device, $3, g.amr, g.auth_time, clock_timestamp() + make_interval(secs => $4)
    FROM consent_grant g WHERE g.id = $5
"""
_SESSION = """
    SELECT b.id, b.card, b.device, b.strength, b.amr, b.auth_time, c.holder, c.level,
           EXISTS (SELECT FROM consent k WHERE k.holder = c.holder AND k.client = $2 AND k.item = $3
                   AND k.catalogue = $4 AND k.fields @> $5 AND k.withdrawn_at IS NULL) AS consented
    FROM browser_session b JOIN card c ON c.seq = b.card JOIN actor a ON a.id = b.device
    WHERE b.handle = $1 AND b.ended_at IS NULL AND b.expires_at > clock_timestamp()
      AND c.status = 'active' AND a.revoked_at IS NULL
"""
_END_SESSION = "UPDATE browser_session SET ended_at = now() WHERE handle = $1 AND ended_at IS NULL RETURNING id"
_END_OF_HOLDER = """
    UPDATE browser_session b SET ended_at = now() FROM card c, consent_grant g
    WHERE b.handle = $1 AND b.ended_at IS NULL AND c.seq = b.card AND g.id = $2 AND g.holder = c.holder RETURNING b.id
"""
_END_ITS_GRANTS = """
    UPDATE consent_grant SET revoked_at = clock_timestamp(), why = 'logout'
    WHERE holder = (SELECT c.holder FROM browser_session b JOIN card c ON c.seq = b.card WHERE b.id = $1)
      AND browser = $1 AND revoked_at IS NULL
"""


class Consent(NamedTuple):
    """A consent that may stand: for which client and item, under which catalogue, to which fields."""

    client: UUID
    item: str
    catalogue: str
    fields: list[str]


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that stays logged in."""

    id: UUID
    card: int
    device: UUID
    strength: str
    amr: list[str]
    auth_time: datetime.datetime
    holder: UUID
    level: int
    consented: bool

    @property
    def proven(self) -> Proven:
        """What the holder proved when the session began."""
        return Proven(
            holder=self.holder,
            card=self.card,
            level=self.level,
            device=self.device,
            strength=Strength(self.strength),
            amr=tuple(self.amr),
            auth_time=int(self.auth_time.timestamp()),
            browser=self.id,
        )


async def add(tx: Tx, handle: bytes, session: UUID, strength: str, grant: UUID) -> None:
    """Let a browser stay logged in as a grant's holder."""
    await tx.execute(_ADD_SESSION, handle, session, strength, SECONDS, grant)
    await tx.execute("UPDATE consent_grant SET browser = $2 WHERE id = $1", grant, session)


async def find(db: Db, handle: bytes, consent: Consent) -> Session | None:
    """Return a browser's living session, and whether its holder's consent stands; card and phone must be alive."""
    row = await db.fetchrow(_SESSION, handle, *consent)
    return None if row is None else Session(**row)


async def end(tx: Tx, handle: bytes) -> Any:
    """End a browser's session and what came of it; return its id, None when there was none."""
    ended = await tx.fetchval(_END_SESSION, handle)
    if ended is not None:
        await tx.execute(_END_ITS_GRANTS, ended)
    return ended


async def end_of_holder(tx: Tx, handle: bytes, grant: UUID) -> bool:
    """End a browser's session if it is that of the grant's holder; return whether it was."""
    ended = await tx.fetchval(_END_OF_HOLDER, handle, grant)
    if ended is not None:
        await tx.execute(_END_ITS_GRANTS, ended)
    return ended is not None
