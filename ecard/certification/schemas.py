"""The JSON of certifications. Times are Unix seconds."""

from typing import Annotated
from uuid import UUID

import msgspec

from ecard.access.schemas import Body
from ecard.certification.model import CertificationState, CertifiedBy


class CertificationRequest(Body, frozen=True, kw_only=True):
    """Certify the holder of a visit at this terminal; `face` is the evidence of a check of the face made here."""

    visit: UUID
    face: Annotated[str, msgspec.Meta(min_length=1, max_length=256)] | None = None


class MyCertificationRequest(Body, frozen=True, kw_only=True):
    """Certify the phone's own holder, by a visit that was made with the face."""

    visit: UUID


class Certification(msgspec.Struct, frozen=True, kw_only=True):
    """A certification: how it was made, and until when it is good."""

    id: UUID
    item: str
    how: CertifiedBy
    certified_at: int
    valid_until: int


class PastCertification(Certification, frozen=True, kw_only=True):
    """One of the holder's own: where it was made, and whether the holder disputed the use."""

    place: str
    disputed: bool


class CertificationStanding(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the holder is certified under an item now."""

    item: str
    title: str
    state: CertificationState
    valid_until: int


class MyCertifications(msgspec.Struct, frozen=True, kw_only=True):
    """How the holder stands with each item that ever certified them, and every certification, youngest first."""

    standing: list[CertificationStanding]
    history: list[PastCertification]
