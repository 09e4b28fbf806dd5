"""The JSON of credentials. Times are Unix seconds."""

from typing import Annotated, Any
from uuid import UUID

import msgspec

from ecard.access.schemas import Body, Name
from ecard.claims.model import RequestState

Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,31}(?!\n)$")]


class ClaimIssueRequest(Body, frozen=True, kw_only=True):
    """Issue a credential of a type to this phone, going on from a visit of the holder's own card."""

    visit: UUID
    type: Word


class IssuedClaim(msgspec.Struct, frozen=True, kw_only=True):
    """A credential, to be kept on the phone: an SD-JWT VC with all its disclosures (RFC 9901)."""

    id: UUID
    type: str
    credential: str
    expires_at: int


class MyClaim(msgspec.Struct, frozen=True, kw_only=True):
    """A credential in its holder's list."""

    id: UUID
    type: str
    zh: str
    en: str
    issued_at: int
    expires_at: int
    revoked_at: int | None


class ShownClaim(msgspec.Struct, frozen=True, kw_only=True):
    """To whom a holder showed what."""

    id: UUID
    type: str
    agency: str
    site: str
    purpose: str
    claims: list[str]
    at: int


class MyClaims(msgspec.Struct, frozen=True, kw_only=True):
    """The holder's credentials, and to whom they were shown, youngest first."""

    credentials: list[MyClaim]
    shown: list[ShownClaim]


class ClaimReason(Body, frozen=True, kw_only=True):
    """Why a credential is revoked."""

    reason: Name


class ShowRequest(Body, frozen=True, kw_only=True):
    """A terminal asks to be shown these claims of a credential, and says what for."""

    type: Word
    claims: Annotated[list[Word], msgspec.Meta(min_length=1, max_length=32)]
    purpose: Name


class ShowAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A request: its id is shown to the holder's phone, as a code or a link; it is answered once, in time."""

    id: UUID
    audience: str
    nonce: str
    expires_at: int


class ShowAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request stands; `claims` are what was shown, until the request's time is over."""

    id: UUID
    state: RequestState
    type: str
    claims: dict[str, Any]
    presented_at: int | None
    expires_at: int


class ShowWanted(msgspec.Struct, frozen=True, kw_only=True):
    """A request as the phone sees it: who asks, for what, and what the key-binding JWT must say."""

    id: UUID
    agency: str
    site: str
    purpose: str
    type: str
    claims: list[str]
    audience: str
    nonce: str
    expires_at: int


class ClaimPresentation(Body, frozen=True, kw_only=True):
    """What is shown: an SD-JWT with the chosen disclosures and a key-binding JWT (RFC 9901 §4)."""

    # Longer than any, so that an oversized one gets its own answer and not a schema error.
    presentation: Annotated[str, msgspec.Meta(max_length=32_768)]


class ClaimShown(msgspec.Struct, frozen=True, kw_only=True):
    """What was shown is with the terminal now."""

    id: UUID
    claims: list[str]


class ClaimFieldView(msgspec.Struct, frozen=True, kw_only=True):
    """A claim of a type."""

    name: str
    zh: str
    en: str


class ClaimTypeView(msgspec.Struct, frozen=True, kw_only=True):
    """A type of credential, and the items whose visit issues it."""

    name: str
    vct: str
    zh: str
    en: str
    items: list[str]
    claims: list[ClaimFieldView]


class ClaimIssuer(msgspec.Struct, frozen=True, kw_only=True):
    """Where the issuer's keys are (SD-JWT VC §4)."""

    issuer: str
    jwks_uri: str
