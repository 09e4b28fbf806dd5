"""What stands on a paper and what its verification code says of it; pure.

The paper's content is fixed before it is drawn: `content` is a canonical JSON text that is attached to the PDF, and its
SHA-256 stands in the code. So the code on a sheet speaks of exactly these words, and whoever has the file can compare.
"""

import datetime
from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID

import msgspec

from ecard.cards.model import mask_name
from ecard.encoding import b64url
from ecard.workdays import BEIJING

CONTENT = "record.json"
"""The name of the content attached to the PDF."""
STATEMENT = "statement.jwt"
"""The name of what the verification code says, attached as well."""
_TAIL = 4


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A section on paper: its title, its columns' titles, its rows as people read them, or why there are none."""

    title: str
    columns: tuple[str, ...]
    money: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]
    gap: str = ""


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A paper as it is drawn; `holder` are the disclosed fields with their labels, `facts` what the code says."""

    number: UUID
    item: str
    title: str
    text: str
    issuer: str
    issued_at: int
    complete: bool
    holder: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    facts: tuple[tuple[str, str], ...]

    @property
    def content(self) -> bytes:
        """The sheet as canonical JSON: the same words give the same bytes."""
        return msgspec.json.encode(self, order="deterministic")

    @property
    def issued(self) -> str:
        """The day and time of issue, of Beijing."""
        return f"{datetime.datetime.fromtimestamp(self.issued_at, BEIJING):%Y-%m-%d %H:%M}"


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What the verification code says: all of it stands on the sheet as well, and is there to be compared by eye."""

    jti: UUID
    iat: int
    item: str
    name: str
    id_no: str
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{43}$")]
    facts: tuple[tuple[str, str], ...] = ()


def statement(sheet: Sheet, name: str, id_no: str) -> Statement:
    """Return what the code of a sheet says; the holder is named as far as a look at the sheet needs."""
    return Statement(
        jti=sheet.number,
        iat=sheet.issued_at,
        item=sheet.item,
        name=mask_name(name),
        id_no=id_no[-_TAIL:],
        sha256=digest_of(sheet.content),
        facts=sheet.facts,
    )


def claims(said: Statement) -> Mapping[str, Any]:
    """Return the statement as the claims of a token."""
    found: Mapping[str, Any] = msgspec.to_builtins(said)
    return found


def digest_of(content: bytes) -> str:
    """Return the SHA-256 of a content, as a statement writes it (Base64url)."""
    return b64url(sha256(content).digest())


def code_of(issuer: str, number: UUID, token: str) -> str:
    """Return the text of the verification code: an address that answers online, and the statement for offline.

    What follows `#` is not sent to the server by whoever opens the address (RFC 3986 §3.5).
    """
    return f"{issuer}/v1/documents/{number}#{token}"


def token_of(code: str) -> str:
    """Return the statement in what was scanned: the whole code, or the statement alone."""
    return code.strip().rpartition("#")[2]
