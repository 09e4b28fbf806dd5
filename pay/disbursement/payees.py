"""Who is behind a line's payee: a holder, or a pseudonym that only the platform's master key opens."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from ecard.cards.model import Profile
from ecard.cards.profiles import open_profile
from ecard.certification import store as certifications
from ecard.db import Db, Tx
from ecard.vault import Vault

OWNER = "benefit.owner"
"""The place that a pseudonym's holder is sealed for."""
_ADD = """
    INSERT INTO benefit_pseudonym (id, programme, owner_index, holder, token_index, token)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (owner_index) DO NOTHING
"""
_TOKEN = "SELECT token FROM benefit_pseudonym WHERE owner_index = $1"  # noqa: S105 - a column's name
_PROGRAMMES = "SELECT id FROM benefit_programme WHERE pseudonymous"
_OF_OWNER = "SELECT id FROM benefit_pseudonym WHERE owner_index = ANY ($1::bytea[])"
_HOLDER_OF = "SELECT holder FROM card WHERE seq = $1"
_SEALED = "SELECT id, holder FROM benefit_pseudonym WHERE id = ANY ($1::uuid[])"
_PEOPLE = """
    SELECT h.id, h.profile,
           EXISTS (SELECT FROM card c WHERE c.holder = h.id AND c.status <> 'cancelled') AS has_card
    FROM holder h WHERE h.id = ANY ($1::uuid[])
"""


class Person(NamedTuple):
    """A payee as the registry has them now; `certified` says that no certification is wanting."""

    profile: Profile
    has_card: bool
    certified: bool

    def __repr__(self) -> str:
        """Return the type alone: what is inside belongs in no log."""
        return "Person(…)"


def owner_index(vault: Vault, programme: UUID, holder: UUID) -> bytes:
    """Return the blind index of a holder in one programme: it does not meet that in another."""
    return vault.index(OWNER, f"{programme}/{holder}")


async def holder_of(db: Db, card: int) -> UUID:
    """Return the holder of a card that is there."""
    return UUID(str(await db.fetchval(_HOLDER_OF, card)))


async def add(tx: Tx, *columns: object) -> bytes:
    """Keep a pseudonym, or find the one that is there; return its token, sealed."""
    await tx.execute(_ADD, *columns)
    return bytes(await tx.fetchval(_TOKEN, columns[2]))


async def of_owner(db: Db, vault: Vault, holder: UUID) -> list[UUID]:
    """Return a holder's pseudonyms."""
    indexes = [owner_index(vault, row["id"], holder) for row in await db.fetch(_PROGRAMMES)]
    return [row["id"] for row in await db.fetch(_OF_OWNER, indexes)] if indexes else []


async def people(
    db: Db, vault: Vault, payees: Sequence[UUID], *, pseudonymous: bool, certified_by: Sequence[str], months: int
) -> Mapping[UUID, Person]:
    """Return who payees are, by payee."""
    holders = {one: one for one in payees}
    if pseudonymous:
        rows = await db.fetch(_SEALED, payees)
        holders = {row["id"]: UUID(bytes=vault.open(OWNER, row["holder"])) for row in rows}
    rows = await db.fetch(_PEOPLE, list(holders.values()))
    living = await certifications.certified(db, list(holders.values()), certified_by, months) if certified_by else None
    known = {
        row["id"]: Person(
            open_profile(vault, row["profile"]), row["has_card"], certified=living is None or row["id"] in living
        )
        for row in rows
    }
    return {payee: known[holder] for payee, holder in holders.items() if holder in known}
