"""The JSON of certificates. Times are Unix seconds."""

import datetime
from uuid import UUID

import msgspec


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate in its owner's list; `revoked_at` is set where it is worth nothing any more."""

    id: UUID
    programme: UUID
    title: str
    level: str
    course: str
    institution: str
    hours: int
    ended_on: datetime.date
    issued_at: int
    revoked_at: int | None


class Presentation(msgspec.Struct, frozen=True, kw_only=True):
    """A signed certificate: Open Badges 3.0 as a compact JWS, to be shown, printed or sent."""

    credential: str


class CredentialBundle(msgspec.Struct, frozen=True, kw_only=True):
    """A signed JWT (`typ` ecard-credentials+jwt) with the keys of certificates and their status lists, for 24 hours."""

    bundle: str


class CredentialKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A public key of certificates as a JSON Web Key (RFC 7517); `kid` is this address."""

    kid: str
    use: str
    alg: str
    kty: str
    crv: str
    x: str
    y: str = ""


class CredentialKeySet(msgspec.Struct, frozen=True, kw_only=True):
    """Every public key whose certificates are accepted (RFC 7517)."""

    keys: list[CredentialKey]
