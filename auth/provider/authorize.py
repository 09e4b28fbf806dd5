"""The authorization endpoint: a browser comes with a client's request, and leaves with a code or waits at the page."""

from typing import NamedTuple

from auth.clients.model import Client
from auth.errors import ClientRefused, OAuthError, description, spec_code
from auth.forms import Form
from auth.grants import service as grants
from auth.grants.model import PLAIN_ITEM, Wanted
from auth.logins import sessions
from auth.logins.model import Channel
from auth.logins.opening import Opened, at_site, back, coded, open_login
from auth.logins.sessions import Session
from auth.requests.errors import ConsentNeeded, HolderDeclined, LoginNeeded, RedirectRefused, RequestUriRefused
from auth.requests.model import Asked
from auth.requests.service import from_link, redirect
from auth.secrets import hashed
from auth.server import Server
from auth.tokens.service import lasting
from ecard.catalogue.model import Proximity, Strength
from ecard.errors import EcardError

_NOTHING = Wanted(scope=[], item=None, fields=[], strength=Strength.POSSESSION)
_AGAIN = frozenset({"login", "consent", "select_account"})


class Sent(NamedTuple):
    """Where the browser goes: back to the client, or to the page of a login that it alone can follow.

    `language` is the one that the request asks for (`ui_locales`), pushed or not; "" when it names none.
    """

    location: str | None
    opened: Opened | None = None
    language: str = ""


async def authorize(server: Server, form: Form, *, session: str | None, address: str, browser: str) -> Sent:
    """Decide an authorization request (RFC 6749 §4.1.1).

    Raises what concerns client and redirect URI, for the browser to show; all else is told to the client.
    """
    client = await server.directory.find(form.get("client_id", ""))
    if client is None or (client.sandbox and not server.runtime.settings.sandbox):
        raise ClientRefused
    try:
        asked = await from_link(server, client, form)
    except (RedirectRefused, RequestUriRefused):
        raise
    except OAuthError as error:
        # Only what the client itself pushed or registered is an address to go back to.
        where = Asked(client=client.id, wanted=_NOTHING, redirect_uri=redirect(client, form), state=form.get("state"))
        return Sent(_told(server, where, error))
    try:
        return await _decide(server, client, asked, session, address=address, browser=browser)
    except EcardError as error:
        return Sent(_told(server, asked, error))


def _told(server: Server, asked: Asked, error: EcardError) -> str:
    code = spec_code(error, unfit=HolderDeclined.error)
    return back(server, asked, error=code, error_description=description(error))


async def _decide(
    server: Server, client: Client, asked: Asked, session: str | None, *, address: str, browser: str
) -> Sent:
    quiet = "none" in asked.prompt
    known = None
    if session and not _AGAIN.intersection(asked.prompt):
        known = await sessions.find(server.runtime.pool, hashed(session), _standing(server, client, asked))
    if known is not None and not await grants.is_hinted(server.runtime.pool, client, asked.sub, known.holder):
        known = None
    if known is not None and _enough(server, asked, known):
        if known.consented:
            code, kept = coded(asked)
            await grants.give(
                server.runtime.pool,
                server,
                client,
                asked.wanted,
                known.proven,
                at_site(client),
                lasting=lasting(client),
                agreed=False,
                code=kept,
            )
            return Sent(back(server, asked, code=code))
        if quiet:
            raise ConsentNeeded
    if quiet:
        raise LoginNeeded
    opened = await open_login(
        server, server.runtime.pool, client, asked, Channel.PAGE, address=address, browser=browser
    )
    return Sent(None, opened, asked.language)


def _enough(server: Server, asked: Asked, known: Session) -> bool:
    """Return whether a browser's session is as young and as strongly proven as the request and its item ask."""
    now = server.runtime.clock.time()
    proven, wanted = known.proven, asked.wanted
    if asked.max_age is not None and now - proven.auth_time > asked.max_age:
        return False
    item = server.catalogue.get(wanted.item or PLAIN_ITEM)
    near = wanted.item is None or item.proximity is Proximity.ANY
    return near and proven.strength.meets(wanted.strength) and proven.level >= wanted.level


def _standing(server: Server, client: Client, asked: Asked) -> sessions.Consent:
    """Return the consent that must stand for the holder not to be asked: same client, item, catalogue and fields."""
    wanted = asked.wanted
    return sessions.Consent(client.id, wanted.item or PLAIN_ITEM, server.catalogue.version, wanted.fields)
