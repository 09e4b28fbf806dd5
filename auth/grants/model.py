"""The terms of grants; pure.

Consent 授权同意: a holder lets a client have an item's fields, until withdrawn or the catalogue changes.
Grant 授权: one use of it, from which tokens come and with which they end.
"""

import datetime
from uuid import UUID

import msgspec

from ecard.catalogue.model import Strength

PLAIN_ITEM = "A1-94"
"""What a login that names no item is recorded as: 公共服务平台登录, with no field disclosed."""
STAFF_ITEM = "A1-95"
"""业务经办系统登录: the one item that a member of staff logs in for."""
SHORT = 600
"""Seconds that a grant without refresh tokens lives: a code's life and an access token's, with room."""
LONG = 30 * 86400
"""Seconds that a grant with refresh tokens lives."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks a holder for: scopes, one item or none, its fields, and the least level and strength."""

    scope: list[str]
    item: str | None
    fields: list[str]
    strength: Strength
    level: int = 1


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a login happens: a registered terminal of an agency, or a client's site; `setting` as terminals have."""

    terminal: UUID | None
    setting: str
    region: str
    site: str


class Proven(msgspec.Struct, frozen=True, kw_only=True):
    """Who was there, by which phone, when, and what was proven."""

    holder: UUID
    card: int
    level: int
    device: UUID
    strength: Strength
    amr: tuple[str, ...]
    auth_time: int
    browser: UUID | None = None


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `consent_grant`."""

    id: UUID
    client: UUID
    holder: UUID
    card: int
    staff: UUID | None
    item: str
    catalogue: str
    fields: list[str]
    scope: list[str]
    sub: str
    acr: str
    amr: list[str]
    auth_time: datetime.datetime
    expires_at: datetime.datetime

    @property
    def authenticated_at(self) -> int:
        """`auth_time` in Unix seconds."""
        return int(self.auth_time.timestamp())


class Living(msgspec.Struct, frozen=True, kw_only=True):
    """A grant that stands, with its holder's sealed profile, and what a member of staff is."""

    grant: Grant
    profile: bytes
    role: str | None
    staff_agency: UUID | None
