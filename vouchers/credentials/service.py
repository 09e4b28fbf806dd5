"""A person's certificates, listed and shown."""

from uuid import UUID

from ecard import tokens
from ecard.callers import Holder
from ecard.cards.profiles import open_profile
from ecard.desk.service import pseudonym
from ecard.errors import NotFound
from ecard.keyring.model import Purpose, key_url
from ecard.runtime import Runtime
from ecard.tokens import TokenType
from vouchers.credentials import store
from vouchers.credentials.model import Certificate, badge
from vouchers.credentials.schemas import Credential, Presentation

_MARKS, _VERSION_8 = 0xF << 76 | 0b11 << 62, 0x8 << 76 | 0b10 << 62
"""Where a UUID says its version and variant, and what an opaque one says there (RFC 9562 §5.8)."""


async def mine(runtime: Runtime, holder: Holder) -> list[Credential]:
    """Return the certificates of the holder's own, youngest first."""
    person, _ = await store.owner(runtime.pool, holder.card)
    return [seen(one) for one in await store.of_holder(runtime.pool, person)]


async def show(runtime: Runtime, holder: Holder, named: UUID, *, with_name: bool, agency: UUID | None) -> Presentation:
    """Write a certificate out and sign it, as its owner wants it shown; the same wish gives the same bytes.

    With `agency`, its subject is the `sub` that this agency knows the holder by; else a name of this certificate alone.
    Raises NotFound (none such, or another person's) and NoKey. A revoked one is signed as well: its status says so.
    """
    person, profile = await store.owner(runtime.pool, holder.card)
    found = await store.of_holder(runtime.pool, person, named)
    if not found:
        raise NotFound
    issuer = runtime.settings.issuer
    name = open_profile(runtime.vault, profile).name if with_name else None
    claims = badge(found[0], issuer=issuer, subject=_subject(runtime, named, person, agency), name=name)
    key = runtime.ring.signing(Purpose.CREDENTIAL, runtime.clock.time())
    return Presentation(credential=tokens.mint(key.signer, key_url(issuer, key.kid), TokenType.ID, claims))


def _subject(runtime: Runtime, named: UUID, person: UUID, agency: UUID | None) -> str:
    """Return the URI that a certificate calls its owner by: derived, so that no table says whose it is."""
    if agency is not None:
        return f"{runtime.settings.issuer}#{pseudonym(runtime, agency, person)}"
    opaque = int.from_bytes(runtime.vault.mac("credential subject", named.bytes)[:16])
    return f"urn:uuid:{UUID(int=opaque & ~_MARKS | _VERSION_8)}"


def seen(certificate: Certificate) -> Credential:
    """Return a certificate as its owner sees it in a list."""
    return Credential(
        id=certificate.id,
        programme=certificate.programme,
        title=certificate.title,
        level=certificate.level,
        course=certificate.course,
        institution=certificate.institution_name,
        hours=certificate.hours,
        ended_on=certificate.ended_on,
        issued_at=int(certificate.issued_at.timestamp()),
        revoked_at=None if certificate.revoked_at is None else int(certificate.revoked_at.timestamp()),
    )
