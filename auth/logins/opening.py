"""The asking side of a login: opened for a client, shown as a QR, watched, and taken back to the client."""

from typing import NamedTuple
from uuid import UUID

from auth.clients.model import Client
from auth.errors import DetailsRefused
from auth.forms import with_query
from auth.grants import store as grants
from auth.grants.model import Place
from auth.grants.store import Code
from auth.logins import sessions, store
from auth.logins.errors import LoginUnknown
from auth.logins.model import INTERVAL, LOGIN_SECONDS, QR_BYTES, Channel, State, new_number, qr_text
from auth.logins.schemas import Status
from auth.logins.store import Login
from auth.requests.errors import HolderDeclined
from auth.requests.model import Asked
from auth.secrets import hashed, new_secret
from auth.server import Server
from auth.tokens import service as tokens
from auth.tokens import store as token_store
from ecard.db import Db, begin
from ecard.desk.errors import WrongPlace
from ecard.desk.model import check_place
from ecard.ids import new_id
from ecard.limits import Limit

BY_CLIENT = Limit("login_client", 6000, 60)
BY_ADDRESS = Limit("login_address", 600, 60)
BY_TERMINAL = Limit("login_terminal", 60, 60)
ONLINE = Place(terminal=None, setting="online", region="", site="")


def at_site(client: Client) -> Place:
    """Return the place of a login that happens at no terminal: the client's own site."""
    return Place(terminal=None, setting="online", region="", site=client.name)


class Opened(NamedTuple):
    """A login just opened: its id, and the secret by which only the opener can follow it."""

    id: UUID
    poll: str


async def open_login(
    server: Server,
    db: Db,
    client: Client,
    asked: Asked,
    channel: Channel,
    *,
    place: Place = ONLINE,
    jkt: str | None = None,
    address: str = "",
    browser: str = "",
    user_code: str | None = None,
    card: int | None = None,
    seconds: int = LOGIN_SECONDS,
    interval: int = INTERVAL,
) -> Opened:
    """Open a login and return its poll secret; raises TooMany, DetailsRefused (the item asks for another place).

    A message to a known holder's phone (CIBA) brings nobody near, wherever it is sent from.
    """
    # Counted by whoever proved to be who asks: a client's own count, which anybody could use up, protects nobody.
    if channel in {Channel.DEVICE, Channel.CIBA}:
        await server.runtime.limiter.hit(BY_CLIENT, str(client.id))
    if address:
        await server.runtime.limiter.hit(BY_ADDRESS, address)
    if place.terminal is not None:
        await server.runtime.limiter.hit(BY_TERMINAL, str(place.terminal))
    if asked.wanted.item is not None:
        item = server.catalogue.get(asked.wanted.item)
        try:
            check_place(item, ONLINE.setting if channel is Channel.CIBA else place.setting)
        except WrongPlace:
            raise DetailsRefused(required=item.proximity.value) from None
    login, poll = new_id(), new_secret()
    await store.open_login(
        db,
        login,
        client.id,
        channel.value,
        asked,
        hashed(poll),
        user_code,
        place.terminal,
        jkt,
        address,
        browser,
        new_number(),
        card,
        seconds,
        interval,
    )
    return Opened(login, poll)


async def renewed(server: Server, login: Login, db: Db) -> Login:
    """Return the login as it stands with the QR of now: a new one when the last is old enough.

    All processes and pages are shown the same. Its handle is derived, not kept: whoever reads the database cannot
    scan for somebody else.
    """
    number = login.qr_n + 1
    await store.renew_qr(db, login.id, number, hashed(_handle(server, login.id, number).hex()))
    return await store.find(db, login.id) or login


def qr_of(server: Server, login: Login) -> str:
    """Return the QR text of a login."""
    return qr_text(_handle(server, login.id, login.qr_n), login.jkt)


def _handle(server: Server, login: UUID, number: int) -> bytes:
    return server.runtime.vault.mac("login qr", login.bytes + number.to_bytes(2))[:QR_BYTES]


async def status(server: Server, login: UUID, poll: str) -> Status:
    """Return what the waiting page is told; raises LoginUnknown for any other secret than its own."""
    pool = server.runtime.pool
    found = await store.by_poll(pool, login, hashed(poll))
    if found is None:
        raise LoginUnknown
    if await server.directory.find(str(found.client)) is None:
        return Status(state=State.EXPIRED, expires_in=0)  # its client was disabled: no phone may scan it
    if found.state is State.PENDING:
        found = await renewed(server, found, pool)
    shown = found.state is State.PENDING
    return Status(
        state=found.state,
        expires_in=found.expires_in,
        qr=qr_of(server, found) if shown else None,
        qr_expires_in=min(found.qr_expires_in, found.expires_in) if shown else None,
        number=str(found.number) if found.state is State.SCANNED else None,
        refused_scans=found.refused_scans,
    )


class Finished(NamedTuple):
    """Where a browser goes back to, and the cookie of a session that it keeps, if its holder chose so."""

    location: str
    session: str | None


async def finish(server: Server, login: UUID, poll: str) -> Finished:
    """Return the way back to the client: once with a code, else with an error; raises LoginUnknown.

    A page that is loaded twice gets no second code: the second answer is `access_denied`.
    """
    found = await store.by_poll(server.runtime.pool, login, hashed(poll))
    if found is None or found.channel is not Channel.PAGE or found.state in {State.PENDING, State.SCANNED}:
        raise LoginUnknown
    client = await server.directory.find(str(found.client))
    async with begin(server.runtime.pool) as tx:
        grant = await store.redeem(tx, login, hashed(poll))
        living = await grants.alive(tx, grant) if grant else None
        if living is None or client is None:
            return Finished(back(server, found.asked, error=HolderDeclined.error), None)
        session = None
        if found.remember:
            session = new_secret()
            strength = living.grant.acr.partition("-")[2]
            await sessions.add(tx, hashed(session), new_id(), strength, living.grant.id)
        code, kept = coded(found.asked)
        await token_store.add_code(tx, living.grant, kept)
        return Finished(back(server, found.asked, code=code), session)


def coded(asked: Asked) -> tuple[str, Code]:
    """Return a new code for a request, and what is kept of it."""
    return tokens.new_code(redirect_uri=asked.redirect_uri, challenge=asked.challenge, jkt=asked.jkt, nonce=asked.nonce)


def back(server: Server, asked: Asked, **answer: str) -> str:
    """Return the redirect URI with an answer, `state` and `iss` (RFC 6749 §4.1.2, RFC 9207) in its query."""
    said = {**answer, **({"state": asked.state} if asked.state is not None else {}), "iss": server.issuer}
    return with_query(asked.redirect_uri, said)
