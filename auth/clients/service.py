"""Registering clients, renewing what they prove themselves with, and disabling them."""

from typing import Any, NamedTuple
from uuid import UUID

from auth.clients import store
from auth.clients.errors import (
    AddressRefused,
    AgencyAmbiguous,
    KeysRefused,
    NoCredentials,
    RedirectRefused,
    SandboxRefused,
    SectorTaken,
)
from auth.clients.model import AuthMethod, Client, address_allowed, check_grant_types, check_method, redirect_allowed
from auth.clients.schemas import ClientCredentials, ClientRequest, ClientView, CredentialsRequest, Jwks
from auth.secrets import hashed, new_secret
from ecard.access.errors import UsccRefused
from ecard.audit import store as audit
from ecard.catalogue.errors import ItemUnknown
from ecard.catalogue.model import Catalogue
from ecard.db import Db, Tx
from ecard.errors import Invalid, NotFound
from ecard.ids import new_id
from ecard.keys import thumbprint
from ecard.numbers import uscc
from ecard.numbers.errors import BadNumber
from ecard.texts import shows


class _Credentials(NamedTuple):
    """What a client proves itself with: `secret` goes to the client, the others into the table."""

    secret: str | None = None
    jwks: Jwks | None = None
    jwks_uri: str | None = None

    @property
    def secret_sha256(self) -> bytes | None:
        """What is kept of the secret."""
        return None if self.secret is None else hashed(self.secret)


async def register(
    tx: Tx, catalogue: Catalogue, asked: ClientRequest, *, sandbox: bool, by: UUID | None
) -> ClientCredentials:
    """Add a client; `sandbox` says whether this installation is one, `by` is None on the command line.

    Raises what `auth.clients.errors` declares but NoCredentials, and NotFound, UsccRefused, ItemUnknown,
    Invalid (a name that does not show).
    """
    if asked.sandbox and not sandbox:
        raise SandboxRefused(pointer="/sandbox")
    if not shows(asked.name):
        raise Invalid(pointer="/name")
    check_method(asked.profile, asked.auth_method)
    _check_addresses(asked)
    check_grant_types(asked.auth_method, asked.grant_types, asked.redirect_uris)
    credentials = _credentials(asked.auth_method, asked.jwks, asked.jwks_uri, sandbox=asked.sandbox)
    for place, item in enumerate(asked.items):
        try:
            catalogue.get(item)
        except ItemUnknown:
            raise ItemUnknown(pointer=f"/items/{place}") from None
    agency = await _agency(tx, asked)
    sector = asked.sector or str(agency)
    if not await store.sector_free(tx, sector, agency):
        raise SectorTaken(pointer="/sector")
    client = new_id()
    await store.add(
        tx,
        client,
        asked.name,
        agency,
        asked.profile.value,
        asked.auth_method.value,
        credentials.secret_sha256,
        credentials.jwks,
        credentials.jwks_uri,
        list(asked.redirect_uris),
        list(asked.post_logout_redirect_uris),
        asked.backchannel_logout_uri,
        sector,
        list(dict.fromkeys(asked.items)),
        [grant.value for grant in dict.fromkeys(asked.grant_types)],
        asked.sandbox,
    )
    await _note(tx, "client_registered", client, by, agency=str(agency), **_shown(asked.auth_method, credentials))
    return ClientCredentials(client_id=client, client_secret=credentials.secret)


async def rotate(tx: Tx, client_id: UUID, asked: CredentialsRequest, by: UUID | None) -> ClientCredentials:
    """Replace a client's secret or keys; the old ones are refused everywhere within two seconds.

    Raises NotFound (none, or disabled), NoCredentials, KeysRefused, AddressRefused.
    """
    client = await store.find(tx, client_id)
    if client is None:
        raise NotFound
    if client.auth_method is AuthMethod.NONE:
        raise NoCredentials
    made = _credentials(client.auth_method, asked.jwks, asked.jwks_uri, sandbox=client.sandbox)
    if not await store.rotate(tx, client_id, made.secret_sha256, made.jwks, made.jwks_uri, client.auth_method):
        raise NotFound  # disabled meanwhile
    await _note(tx, "client_rotated", client_id, by, **_shown(client.auth_method, made))
    return ClientCredentials(client_id=client_id, client_secret=made.secret)


async def disable(tx: Tx, client_id: UUID, by: UUID | None) -> None:
    """Disable a client, with which all that it was granted ends; raises NotFound (none, or disabled before)."""
    if not await store.disable(tx, client_id):
        raise NotFound
    await _note(tx, "client_disabled", client_id, by)


async def listed(db: Db) -> list[ClientView]:
    """Return all clients, oldest first, with the disabled ones."""
    return [_view(one) for one in await store.everyone(db)]


def _check_addresses(asked: ClientRequest) -> None:
    for field in ("redirect_uris", "post_logout_redirect_uris"):
        for place, uri in enumerate(getattr(asked, field)):
            if not redirect_allowed(uri, sandbox=asked.sandbox):
                raise RedirectRefused(pointer=f"/{field}/{place}")
    logout = asked.backchannel_logout_uri
    if logout is not None and not address_allowed(logout, sandbox=asked.sandbox):
        raise AddressRefused(pointer="/backchannel_logout_uri")


def _credentials(method: AuthMethod, jwks: Jwks | None, jwks_uri: str | None, *, sandbox: bool) -> _Credentials:
    if method is not AuthMethod.PRIVATE_KEY_JWT:
        if jwks is not None or jwks_uri is not None:
            raise KeysRefused(pointer="/jwks_uri" if jwks is None else "/jwks", reason="not_expected")
        return _Credentials(secret=new_secret() if method.has_secret else None)
    if (jwks is None) == (jwks_uri is None):
        raise KeysRefused(pointer="/jwks", reason="missing" if jwks is None else "both")
    if jwks_uri is not None and not address_allowed(jwks_uri, sandbox=sandbox):
        raise AddressRefused(pointer="/jwks_uri")
    return _Credentials(jwks=None if jwks is None else store.public_set(jwks), jwks_uri=jwks_uri)


async def _agency(tx: Tx, asked: ClientRequest) -> UUID:
    if (asked.agency is None) == (asked.agency_uscc is None):
        raise AgencyAmbiguous(pointer="/agency")
    if asked.agency_uscc is None:
        if asked.agency is None or not await store.agency_exists(tx, asked.agency):
            raise NotFound(pointer="/agency")
        return asked.agency
    try:
        code = uscc.validate(asked.agency_uscc)
    except BadNumber as bad:
        raise UsccRefused(pointer="/agency_uscc", reason=bad.reason.value) from None
    found = await store.agency_of(tx, code)
    if found is None:
        raise NotFound(pointer="/agency_uscc")
    return found


def _shown(method: AuthMethod, credentials: _Credentials) -> dict[str, object]:
    """Return what the log says of credentials: thumbprints of keys, of a secret nothing."""
    return {"method": method.value, "keys": _thumbprints(store.keys_of(credentials.jwks or {"keys": []}))}


def _thumbprints(keys: Any) -> list[str]:
    return sorted({thumbprint(*key) for key in keys.values()})


async def _note(tx: Tx, kind: str, client: UUID, by: UUID | None, **detail: object) -> None:
    await audit.insert(tx, kind=kind, outcome="ok", actor=by, detail={"client": str(client), **detail})


def _view(one: store.Listed) -> ClientView:
    client: Client = one.client
    return ClientView(
        client_id=client.id,
        name=client.name,
        agency=client.agency,
        agency_name=client.agency_name,
        profile=client.profile,
        auth_method=client.auth_method,
        redirect_uris=client.redirect_uris,
        post_logout_redirect_uris=client.post_logout_redirect_uris,
        backchannel_logout_uri=client.backchannel_logout_uri,
        keys=tuple(_thumbprints(client.keys)),
        jwks_uri=client.jwks_uri,
        sector=client.sector,
        items=tuple(sorted(client.items)),
        grant_types=tuple(sorted(client.grant_types)),
        sandbox=client.sandbox,
        created_at=one.created_at,
        disabled_at=one.disabled_at,
    )
