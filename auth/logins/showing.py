"""What a phone is shown of a login before its holder decides: who asks, from where, for what."""

import msgspec

from auth.clients.model import Client
from auth.grants.model import Place
from auth.logins.errors import LoginUnknown
from auth.logins.model import Channel
from auth.logins.opening import at_site
from auth.logins.schemas import AskedFrom, AskedItem, Asker, LoginView, Needs
from auth.logins.store import Login
from auth.server import Server
from ecard.access import store as access
from ecard.catalogue.model import Field


async def view(server: Server, login: Login) -> LoginView:
    """Return a login as the holder sees it; raises LoginUnknown when its client or its terminal is gone."""
    client = await server.directory.find(str(login.client))
    if client is None:
        raise LoginUnknown
    wanted, place = login.asked.wanted, await place_of(server, login, client)
    item = server.catalogue.get(wanted.item) if wanted.item else None
    return LoginView(
        id=login.id,
        channel=login.channel,
        client=Asker(name=client.name, agency=client.agency_name, origin=_origin(login, client)),
        place=AskedFrom(setting=place.setting, region=place.region, site=place.site) if place.terminal else None,
        address=login.address,
        browser=login.browser,
        item=AskedItem(code=item.code, title=item.title, purpose=item.purpose) if item else None,
        fields=[Field(field) for field in wanted.fields],
        needs=Needs(strength=wanted.strength, number=login.channel is Channel.PAGE),
        expires_in=login.expires_in,
        refused_scans=login.refused_scans,
        binding_message=login.asked.binding_message,
    )


def _origin(login: Login, client: Client) -> str:
    chosen = (login.asked.redirect_uri,) if login.asked.redirect_uri else client.redirect_uris
    return msgspec.structs.replace(client, redirect_uris=chosen).origin


async def place_of(server: Server, login: Login, client: Client) -> Place:
    """Return where a login was asked for; raises LoginUnknown when its terminal was revoked."""
    if login.terminal is None:
        return at_site(client)
    row = await access.find(server.runtime.pool, login.terminal)
    if row is None:
        raise LoginUnknown
    return Place(terminal=login.terminal, setting=row["setting"], region=row["region"], site=row["site"])
