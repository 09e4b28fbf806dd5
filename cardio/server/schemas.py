"""The JSON of bridges, pairings and card sessions."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

from cardio.server.model import SessionState
from ecard.access.schemas import Body, Jwk, Name
from ecard.catalogue.model import Strength


class BridgeRequest(Body, frozen=True, kw_only=True):
    """A bridge at a counter: its public key (JWK), agency and place."""

    agency: UUID
    name: Name
    site: Name
    key: Jwk


class BridgeView(msgspec.Struct, frozen=True, kw_only=True):
    """A bridge as operators see it; `terminal` is the name of the one that it is paired with."""

    id: UUID
    agency: UUID
    name: str
    site: str
    online: bool
    revoked: bool
    version: str
    readers: list[str]
    terminal: str | None


class PairingRequest(Body, frozen=True, kw_only=True):
    """The eight digits on the bridge's screen."""

    code: Annotated[str, msgspec.Meta(min_length=8, max_length=8, pattern=r"^[0-9]{8}(?!\n)$")]


class ReaderView(msgspec.Struct, frozen=True, kw_only=True):
    """A reader at the counter, and whether there is a card in it."""

    name: str
    card: bool


class PairingView(msgspec.Struct, frozen=True, kw_only=True):
    """The terminal's bridge; `scan` is what its scanner read in the last minute, told once."""

    bridge: UUID
    name: str
    site: str
    online: bool
    readers: list[ReaderView]
    scan: str | None = None


class BridgeTokenRequest(Body, frozen=True, kw_only=True):
    """For which item a page is to talk to its bridge directly."""

    item: Annotated[str, msgspec.Meta(max_length=16)]


class BridgeToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token for the bridge's own door on the counter's PC; what is read through it is no evidence."""

    token: str
    expires_in: int


class CardSessionRequest(Body, frozen=True, kw_only=True):
    """Reads a card for an item; `reader` by its name where there are several.

    `write` is what A1-04 and A2-52 put on it, by the names of the file's fields, values as text: dates YYYYMMDD,
    times YYYYMMDDhhmmss in China, money in 分.
    """

    item: Annotated[str, msgspec.Meta(max_length=16)]
    reader: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    write: dict[str, Annotated[str, msgspec.Meta(max_length=128)]] | None = None


class CardSessionOpened(msgspec.Struct, frozen=True, kw_only=True):
    """A session that waits for a card; `expires_in` in seconds."""

    id: UUID
    state: SessionState
    expires_in: int


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a session failed, as the counter may say it."""

    code: str
    zh: str
    en: str


class CardSessionView(msgspec.Struct, frozen=True, kw_only=True):
    """Where a session stands; name and number are the registry's, masked, for the clerk to compare.

    `authenticated` says whether the card has proven itself, `pin_left` the tries that remain after a wrong PIN,
    `written` whether the card holds something new, `mended` what was done about a write that was torn before.
    """

    id: UUID
    item: str
    state: SessionState
    expires_in: int
    authenticated: bool = False
    strength: Strength | None = None
    version: str | None = None
    name: str | None = None
    id_no: str | None = None
    pin_left: int | None = None
    written: Literal["written", "unchanged"] | None = None
    mended: Literal["finished", "undone"] | None = None
    reason: Reason | None = None
