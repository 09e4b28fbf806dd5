"""The terms of clients; pure.

Client 接入应用 (relying party) · profile 安全规范 · sector 标识域 (one `sub` for all its clients) · agency 所属机构.
"""

import datetime
import re
from collections.abc import Collection
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

import msgspec

from auth.clients.errors import GrantTypesRefused, MethodRefused
from ecard.tokens import PublicKey

SECRET_BYTES = 32
# A custom scheme of an app stands in reverse domain order (RFC 8252 §7.1): "cn.gov.example:/back".
_NEVER = frozenset({"javascript", "data", "file", "blob", "about", "vbscript", "http"})
# The characters of RFC 3986 without "#": browsers read a backslash as a slash, and drop tabs and line feeds.
_WRITTEN = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+")
_USUAL_PORTS = {"https": 443, "http": 80}
# Resolvers read numbers written otherwise as addresses, too: octal, hexadecimal, fewer than four.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Without the addresses that stand for those of IPv4 (6to4, NAT64, mapped).
_UNICAST = ip_network("2000::/3")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Profile(StrEnum):
    """How strictly a client is held: FAPI 2.0, or OpenID Connect with PKCE for ordinary ones."""

    FAPI2 = "fapi2"
    STANDARD = "standard"


class AuthMethod(StrEnum):
    """How a client proves who it is (OpenID Connect Core §9); `none` is a public client, bound by DPoP instead."""

    PRIVATE_KEY_JWT = "private_key_jwt"
    SECRET_BASIC = "client_secret_basic"  # noqa: S105 - a method's name
    SECRET_POST = "client_secret_post"  # noqa: S105 - a method's name
    NONE = "none"

    @property
    def has_secret(self) -> bool:
        """Whether the client is given a secret."""
        return self in {AuthMethod.SECRET_BASIC, AuthMethod.SECRET_POST}


class GrantType(StrEnum):
    """What a client may come to the token endpoint with."""

    CODE = "authorization_code"
    REFRESH = "refresh_token"
    CLIENT = "client_credentials"
    DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
    CIBA = "urn:openid:params:grant-type:ciba"
    VISIT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A registered client; `keys` are those of its inline JWKS by `kid`."""

    id: UUID
    name: str
    agency: UUID
    agency_name: str
    profile: Profile
    auth_method: AuthMethod
    secret_sha256: bytes | None
    keys: dict[str, PublicKey]
    jwks_uri: str | None
    rotated_at: datetime.datetime
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    backchannel_logout_uri: str | None
    sector: str
    items: frozenset[str]
    grant_types: frozenset[GrantType]
    sandbox: bool

    @property
    def is_public(self) -> bool:
        """Whether the client has no way to prove who it is."""
        return self.auth_method is AuthMethod.NONE

    @property
    def needs_dpop(self) -> bool:
        """Whether its tokens must be bound to a key (FAPI 2.0 §5.3.2.1; a public client always)."""
        return self.profile is Profile.FAPI2 or self.is_public

    @property
    def needs_par(self) -> bool:
        """Whether its requests must be pushed (FAPI 2.0 §5.3.2.2)."""
        return self.profile is Profile.FAPI2

    @property
    def origin(self) -> str:
        """The site that a holder is shown: scheme and host of the first redirect URI, "" where there is none."""
        parts = urlsplit(self.redirect_uris[0]) if self.redirect_uris else None
        return f"{parts.scheme}://{parts.netloc}" if parts else ""


def redirect_allowed(uri: str, *, sandbox: bool) -> bool:
    """Return whether `uri` may be registered: https, an app's own scheme, or in the sandbox a loopback address."""
    parts = _parts(uri)
    if parts is None:
        return False
    if parts.scheme in {"https", "http"}:
        return _web(parts, sandbox=sandbox)
    return "." in parts.scheme and parts.scheme not in _NEVER and not parts.netloc


def web_origin(uri: str) -> str | None:
    """Return the origin of a redirect URI as browsers write it (RFC 6454 §6.2), None for an app's own scheme.

    >>> web_origin("https://Client.example:443/back"), web_origin("http://127.0.0.1:81/"), web_origin("cn.gov:/back")
    ('https://client.example', 'http://127.0.0.1:81', None)
    """
    parts = urlsplit(uri)
    if parts.scheme not in _USUAL_PORTS or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in {None, _USUAL_PORTS[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def address_allowed(uri: str, *, sandbox: bool) -> bool:
    """Return whether we may be told to call `uri` for keys or logout: https, or in the sandbox a loopback address.

    Outside the sandbox a number must be of the public internet. What a name stands for is not looked up.
    """
    parts = _parts(uri)
    return parts is not None and _web(parts, sandbox=sandbox) and (sandbox or _public(parts.hostname or ""))


def check_method(profile: Profile, method: AuthMethod) -> None:
    """Refuse a way of authentication that the profile does not have; raises MethodRefused."""
    if profile is Profile.FAPI2 and method is not AuthMethod.PRIVATE_KEY_JWT:
        raise MethodRefused(pointer="/auth_method")


def check_grant_types(method: AuthMethod, grants: Collection[GrantType], redirect_uris: Collection[str]) -> None:
    """Refuse grant types that do not go together; raises GrantTypesRefused with a `reason`.

    What is asked for in the client's own name alone needs a client that can prove its name.
    """
    asked = set(grants)
    if method is AuthMethod.NONE and asked & {GrantType.CLIENT, GrantType.CIBA, GrantType.VISIT}:
        raise GrantTypesRefused(pointer="/grant_types", reason="public_client")
    if asked == {GrantType.REFRESH}:
        raise GrantTypesRefused(pointer="/grant_types", reason="refresh_alone")
    if GrantType.CODE in asked and not redirect_uris:
        raise GrantTypesRefused(pointer="/redirect_uris", reason="redirect_uri_missing")


def _parts(uri: str) -> SplitResult | None:
    """Return the parts of a URI that is written strictly and names no user, else None."""
    if not _WRITTEN.fullmatch(uri):
        return None
    try:
        parts = urlsplit(uri)
        _ = parts.hostname, parts.port  # each raises for what is none
    except ValueError:
        return None
    return None if "@" in parts.netloc else parts


def _public(host: str) -> bool:
    """Return whether a host is a name, or the number of a public address; "127.1" and "0x7f.1" are neither.

    >>> [_public(host) for host in ("client.example", "8.8.8.8", "10.0.0.1", "::1", "127.1", "localhost")]
    [True, True, False, False, False, False]
    """
    host = host.rstrip(".")
    last = host.rpartition(".")[2]
    try:
        address = ip_address(host)
    except ValueError:
        return last != "localhost" and not _NUMBER.fullmatch(last)
    plain = address in _UNICAST and address.sixtofour is None if isinstance(address, IPv6Address) else True
    return plain and address.is_global and not address.is_multicast


def _web(parts: SplitResult, *, sandbox: bool) -> bool:
    if parts.scheme == "https":
        return bool(parts.hostname)
    return parts.scheme == "http" and sandbox and parts.hostname in _LOOPBACK
