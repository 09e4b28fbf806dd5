"""The JSON of visits."""

from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

import msgspec

from ecard.catalogue.model import Field, Form


class _Presented(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What was presented; `kind` says what it is."""


class CodeEvidence(_Presented, frozen=True, kw_only=True, tag="code"):
    """A scanned text: a dynamic code or its 19 digits."""

    # Longer than any code, so that an oversized scan gets its own answer and not a schema error.
    code: Annotated[str, msgspec.Meta(max_length=4096)]


class CardEvidence(_Presented, frozen=True, kw_only=True, tag="card"):
    """A physical card that was read in a card session of this terminal, for the same item."""

    session: UUID


EvidenceRequest: TypeAlias = CodeEvidence | CardEvidence
"""Each kind of evidence, told apart by `kind`; what reads it stands in `READERS` of `ecard.app`."""


class VisitRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A holder is here for an item of the catalogue (such as "A1-01")."""

    item: Annotated[str, msgspec.Meta(max_length=16)]
    evidence: EvidenceRequest


class OnlineVisitRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The holder does an item on the own phone; a password or a face is proven where the item asks for it."""

    item: Annotated[str, msgspec.Meta(max_length=16)]
    busi_seq: UUID | None = None
    face: Annotated[str, msgspec.Meta(min_length=1, max_length=256)] | None = None


class OnlineVisit(msgspec.Struct, frozen=True, kw_only=True):
    """A visit on the own phone: the flow may go on from it until `stands_until` (Unix seconds)."""

    visit: UUID
    item: str
    acr: str
    stands_until: int


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """How fresh the answer is (Unix seconds): online, the card's status was read in the same statement."""

    mode: Literal["online"]
    keys_as_of: int
    status_as_of: int


class Acting(msgspec.Struct, frozen=True, kw_only=True):
    """Who showed the relative's card: their pseudonym, and whose relative the holder is."""

    sub: str
    relation: str


class VisitAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A visit: the signed assertion, and what it says, for a counter that trusts its own connection."""

    visit: UUID
    assertion: str
    expires_at: int
    item: str
    form: Form
    acr: str
    amr: tuple[str, ...]
    sub: str
    holder: dict[Field, str]
    verified: Verified
    act: Acting | None = None


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """One use of the card, as its holder sees it: who, where, which item, which fields, which records were shown."""

    id: UUID
    at: str
    agency: str
    site: str
    setting: str
    item: str
    title: str
    form: Form
    evidence: str
    fields: list[Field]
    shown: list[str]
    by_relative: bool
    disputed: bool


class IntrospectionRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An assertion to be looked at again (RFC 7662)."""

    token: Annotated[str, msgspec.Meta(max_length=8192)]


class Introspection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether the assertion stands: `active`, with its claims when it does (RFC 7662 §2.2)."""

    active: bool
    claims: dict[str, Any] | None = None
