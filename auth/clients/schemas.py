"""The JSON of registering clients."""

import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from auth.clients.model import AuthMethod, GrantType, Profile

# (?!\n) in these patterns: Python's `$` alone lets one line feed at the end pass.
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+(?!\n)$")]
Uri = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
Uris = Annotated[tuple[Uri, ...], msgspec.Meta(max_length=20)]
Sector = Annotated[
    str,
    msgspec.Meta(
        max_length=253,
        pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(?!\n)$",
        description="标识域: 域名, 小写。A host in lower case; the agency's own id where it is left out.",
    ),
]
Items = Annotated[
    tuple[Annotated[str, msgspec.Meta(max_length=16)], ...], msgspec.Meta(max_length=200, description="事项编号。")
]
Jwks = dict[str, Any]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request body: unknown fields are refused."""


class ClientRequest(Body, frozen=True, kw_only=True):
    """A client of a registered agency, named by its id or by its unified social credit code.

    `items` are those that it may ask a holder for; with none it learns the pseudonym (`sub`) alone. All
    clients of an agency see one `sub` for a holder, unless they name different sectors.
    """

    name: Name
    profile: Profile
    auth_method: AuthMethod
    agency: UUID | None = None
    agency_uscc: Annotated[str, msgspec.Meta(min_length=18, max_length=18)] | None = None
    redirect_uris: Uris = ()
    post_logout_redirect_uris: Uris = ()
    backchannel_logout_uri: Uri | None = None
    jwks: Jwks | None = None
    jwks_uri: Uri | None = None
    sector: Sector | None = None
    items: Items = ()
    grant_types: Annotated[tuple[GrantType, ...], msgspec.Meta(min_length=1, max_length=6)] = (GrantType.CODE,)
    sandbox: bool = False


class CredentialsRequest(Body, frozen=True, kw_only=True):
    """New keys of a client of private_key_jwt; empty for one with a secret, which is given a new one."""

    jwks: Jwks | None = None
    jwks_uri: Uri | None = None


class ClientCredentials(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The client's id and, of a method with a secret, the secret: it is shown here and never again."""

    client_id: UUID
    client_secret: str | None = None


class ClientView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A registered client; `keys` are the thumbprints (RFC 7638) of the keys that it gave us."""

    client_id: UUID
    name: str
    agency: UUID
    agency_name: str
    profile: Profile
    auth_method: AuthMethod
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    keys: tuple[str, ...]
    sector: str
    items: tuple[str, ...]
    grant_types: tuple[GrantType, ...]
    sandbox: bool
    created_at: datetime.datetime
    disabled_at: datetime.datetime | None = None
    jwks_uri: str | None = None
    backchannel_logout_uri: str | None = None
