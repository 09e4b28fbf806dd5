"""The JSON of registrations and sessions."""

from typing import Annotated
from uuid import UUID

import msgspec

from ecard.access.model import ChannelKind, Medium, Role, Setting

# (?!\n) in these patterns: Python's `$` alone lets one line feed at the end pass.
# What a person reads must be what was written: no controls, no marks of direction, nothing that shows no sign.
_UNSEEN = r"\x00-\x1f\x7f-\x9f\u061c\u115f\u1160\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0"
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=rf"^[^\s{_UNSEEN}][^{_UNSEEN}]*(?!\n)$")]
Region = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6}(?!\n)$", description="GB/T 2260 code, six digits")]
Jwk = dict[str, str]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request body: unknown fields are refused."""


class SessionRequest(Body, frozen=True, kw_only=True):
    """Opens a session: whose, and the caller's ephemeral P-256 share (65 bytes, base64url)."""

    actor: UUID
    share: Annotated[str, msgspec.Meta(min_length=87, max_length=87)]


class SessionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A session: the ticket to send as `keyid`, the server's share, its life and the server's time (seconds)."""

    session: str
    share: str
    expires_in: int
    server_time: int


class AgencyRequest(Body, frozen=True, kw_only=True):
    """An agency, by its unified social credit code (GB 32100)."""

    name: Name
    uscc: Annotated[str, msgspec.Meta(min_length=18, max_length=18)]


class TerminalRequest(Body, frozen=True, kw_only=True):
    """A terminal: its public key (JWK), agency and place."""

    agency: UUID
    name: Name
    setting: Setting
    region: Region
    site: Name
    key: Jwk


class ChannelRequest(Body, frozen=True, kw_only=True):
    """A service channel: first tier, or second tier under a first-tier parent."""

    name: Name
    kind: ChannelKind
    medium: Medium
    key: Jwk
    parent: UUID | None = None


class OperatorRequest(Body, frozen=True, kw_only=True):
    """A bureau's operator, by role."""

    name: Name
    role: Role
    key: Jwk


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """The id of what was registered."""

    id: UUID
