"""The JSON of papers."""

from typing import Literal
from uuid import UUID

import msgspec


class RecordDocumentRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Print what was looked up in this visit."""

    visit: UUID


class RecordDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document: its SHA-256 (hexadecimal) and size (bytes); its PDF is kept until `kept_until` (Unix seconds)."""

    document: UUID
    item: str
    title: str
    issued_at: int
    complete: bool
    pages: int
    size: int
    sha256: str
    kept_until: int


class DocumentCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What everybody may know of a document who has its number: that it was issued, when, and with which SHA-256.

    `revoked`: the key that signed it is no longer trusted.
    """

    document: UUID
    title: str
    issued_at: int
    size: int
    sha256: str
    state: Literal["valid", "revoked"]


class DocumentBundle(msgspec.Struct, frozen=True, kw_only=True):
    """A signed JWT (`typ` ecard-documents+jwt) with the keys of documents and their certificates, for seven days."""

    bundle: str
