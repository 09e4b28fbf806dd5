"""The JSON of certificates. Times are Unix seconds."""

import datetime
from typing import Literal
from uuid import UUID

import msgspec

from ecard.desk.schemas import EvidenceRequest, VisitAnswer


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


class CourseOffer(msgspec.Struct, frozen=True, kw_only=True):
    """A class that the holder may sit in; `voucher` is the holder's own for it, None where one is to be claimed first.

    `seats` are those still free, `fee` is in 分.
    """

    class_id: UUID = msgspec.field(name="class")
    name: str
    programme: UUID
    title: str
    level: str
    institution: str
    hours: int
    fee: int
    starts_at: int
    ends_at: int
    seats: int
    voucher: UUID | None


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """A class that the holder's voucher is bound to: `attended` of its `hours`, and the certificate if there is one."""

    voucher: UUID
    state: str
    class_id: UUID = msgspec.field(name="class")
    name: str
    programme: UUID
    title: str
    level: str
    institution: str
    hours: int
    attended: int
    starts_at: int
    ends_at: int
    credential: UUID | None


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """What a holder may take part in, takes part in and has taken, and the certificates of it."""

    may_take: list[CourseOffer]
    taking: list[Course]
    taken: list[Course]
    credentials: list[Credential]


class TrainingRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A holder asks at a terminal for the own training (A1-76) or the own certificates (A1-80, A1-81)."""

    item: Literal["A1-76", "A1-80", "A1-81"]
    evidence: EvidenceRequest


class TrainingRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The visit, and what is on record of the holder; `training` only where the item asks for it."""

    visit: VisitAnswer
    credentials: list[Credential]
    training: Training | None
