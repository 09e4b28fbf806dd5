"""The JSON of certificates of employment. Times are Unix seconds."""

from typing import Annotated
from uuid import UUID

import msgspec

from ecard.access.schemas import Body


class EmploymentRequest(Body, frozen=True, kw_only=True):
    """The certificate of a visit's holder, by the names of the card's file: certificate_no, status and the others."""

    visit: UUID
    certificate: dict[str, Annotated[str, msgspec.Meta(max_length=128)]]


class EmploymentCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate on record; `on_card`: the physical card holds it, written and read back."""

    id: UUID
    agency: str
    certificate: dict[str, str]
    on_card: bool
    at: int
