"""The holder's side of a login: scan, see who asks, confirm or decline."""

import hmac
from typing import NamedTuple
from uuid import UUID

import msgspec

from auth import forms
from auth.clients.model import Client
from auth.errors import ClientRefused
from auth.grants import service as grants
from auth.grants.model import Place, Proven
from auth.logins import store
from auth.logins.errors import LoginDecided, LoginTaken, LoginUnknown, NumberNeeded, NumberWrong
from auth.logins.model import (
    Channel,
    State,
    looks_like_user_code,
    plain_user_code,
    read_qr,
)
from auth.logins.opening import at_site, back, coded, open_login
from auth.logins.schemas import (
    AskedFrom,
    AskedItem,
    Asker,
    ConfirmRequest,
    Decision,
    LoginView,
    Needs,
)
from auth.logins.store import Login
from auth.requests import service as requests
from auth.requests.errors import HolderDeclined
from auth.secrets import hashed
from auth.server import Server
from auth.tokens.service import lasting
from ecard.access import store as access
from ecard.audit import store as audit
from ecard.callers import Holder
from ecard.cards import password
from ecard.cards import store as cards
from ecard.cards.checks import Checks
from ecard.cards.errors import FaceMismatch
from ecard.cards.model import Status as CardStatus
from ecard.cards.profiles import open_profile
from ecard.catalogue.model import Field, Strength
from ecard.db import Tx, begin
from ecard.desk.errors import CardSuspended, TooWeak
from ecard.limits import Limit

SCANS = Limit("login_scan", 60, 60, guarded=True)
TYPED = Limit("login_user_code", 10, 600, guarded=True)


class Desk(NamedTuple):
    """What a confirmation is decided with."""

    server: Server
    checks: Checks


async def scan(server: Server, holder: Holder, text: str) -> LoginView:
    """Lock the login behind a scanned QR (or typed code) to this phone, and show who asks for what.

    Scanning again with the same phone shows it again. Raises LoginUnknown, LoginTaken (both sides are told).
    """
    pool = server.runtime.pool
    await server.runtime.limiter.hit(SCANS, str(holder.actor))
    if looks_like_user_code(text):
        await server.runtime.limiter.hit(TYPED, str(holder.actor))
        login, key = await store.by_user_code(pool, plain_user_code(text)), None
    else:
        try:
            handle, key = read_qr(text)
        except ValueError:
            raise LoginUnknown from None
        login = await store.by_qr(pool, hashed(handle.hex()))
    if login is None:
        raise LoginUnknown
    if key is not None:
        shown = await store.find(pool, login)
        # Before the lock: a QR that was tampered with must not take the login from whoever scans the true one.
        if shown is None or shown.jkt != key:
            raise LoginUnknown
    locked = await store.scan(pool, login, holder.card, holder.actor)
    found = await store.find(pool, login)
    if found is None:
        raise LoginUnknown
    if not locked and not (found.state is State.SCANNED and found.device == holder.actor):
        if found.device != holder.actor and found.state is not State.EXPIRED:
            await store.refuse_scan(pool, login)
            raise LoginTaken
        raise LoginDecided(state=found.state.value)
    return await view(server, found)


async def from_app(server: Server, holder: Holder, query: str) -> LoginView:
    """Open the login that another app on this phone asks for by its link; raises what an authorization request does."""
    form = forms.parse(query)
    client = await server.directory.find(form.get("client_id", ""))
    if client is None or (client.sandbox and not server.runtime.settings.sandbox):
        raise ClientRefused
    asked = await requests.from_link(server, client, form)
    async with begin(server.runtime.pool) as tx:
        opened = await open_login(server, tx, client, asked, Channel.APP)
        await store.scan(tx, opened.id, holder.card, holder.actor)
    found = await store.find(server.runtime.pool, opened.id)
    if found is None:
        raise LoginUnknown
    return await view(server, found)


async def view(server: Server, login: Login) -> LoginView:
    """Return a login as the holder sees it; raises LoginUnknown when its client was disabled."""
    client = await server.directory.find(str(login.client))
    if client is None:
        raise LoginUnknown
    wanted, place = login.asked.wanted, await _place(server, login, client)
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
        binding_message=login.asked.binding_message,
    )


def _origin(login: Login, client: Client) -> str:
    chosen = (login.asked.redirect_uri,) if login.asked.redirect_uri else client.redirect_uris
    return msgspec.structs.replace(client, redirect_uris=chosen).origin


async def _place(server: Server, login: Login, client: Client) -> Place:
    if login.terminal is None:
        return at_site(client)
    row = await access.find(server.runtime.pool, login.terminal)
    if row is None:
        raise LoginUnknown
    return Place(terminal=login.terminal, setting=row["setting"], region=row["region"], site=row["site"])


async def confirm(desk: Desk, holder: Holder, login: UUID, asked: ConfirmRequest) -> Decision:
    """Confirm a login by the phone that may, and give the client its grant, in one transaction.

    Raises LoginUnknown (also when the client's hint names somebody else), LoginDecided, NumberNeeded, NumberWrong
    (the login is then declined), TooWeak (prove the password or the face and confirm again), CardSuspended,
    LevelTooLow, NotStaff.
    """
    server, pool = desk.server, desk.server.runtime.pool
    found = await _mine(server, holder, login)
    client = await server.directory.find(str(found.client))
    if client is None:
        raise LoginUnknown
    if found.channel is Channel.PAGE:
        await _match(server, holder, found, asked.number)
    place = await _place(server, found, client)
    async with begin(pool) as tx:
        proven = await _proven(desk, tx, holder, asked)
        if not await grants.is_hinted(tx, client, found.asked.sub, proven.holder):
            raise LoginUnknown
        if not proven.strength.meets(found.asked.wanted.strength):
            raise TooWeak(required=found.asked.wanted.strength.value)
        decided = await store.decide(
            tx, login, holder.actor, holder.card, State.CONFIRMED, remember=asked.remember and place.terminal is None
        )
        if not decided:
            raise LoginDecided(state=State.EXPIRED.value)
        endures = lasting(client, kiosk=place.terminal is not None)
        code, kept = coded(found.asked) if found.channel is Channel.APP else (None, None)
        grant = await grants.give(tx, server, client, found.asked.wanted, proven, place, lasting=endures, code=kept)
        await store.granted(tx, login, grant.id)
    redirect = back(server, found.asked, code=code) if code else None
    return Decision(state=State.CONFIRMED, redirect=redirect)


async def _mine(server: Server, holder: Holder, login: UUID) -> Login:
    found = await store.find(server.runtime.pool, login)
    waits = found is not None and found.channel is Channel.CIBA and found.card == holder.card
    if found is None or not (waits or found.device == holder.actor):
        raise LoginUnknown
    if found.state not in {State.PENDING, State.SCANNED}:
        raise LoginDecided(state=found.state.value)
    return found


async def _match(server: Server, holder: Holder, login: Login, number: str | None) -> None:
    if number is None:
        raise NumberNeeded(pointer="/number")
    if not hmac.compare_digest(number, str(login.number)):
        # One try: who misreads two digits scans again, and who guesses has one chance in ninety.
        await store.decide(server.runtime.pool, login.id, holder.actor, holder.card, State.DECLINED, why="number_wrong")
        await _note(server, holder, login, "number_wrong")
        raise NumberWrong


async def _proven(desk: Desk, tx: Tx, holder: Holder, asked: ConfirmRequest) -> Proven:
    runtime = desk.server.runtime
    row = await cards.by_seq(tx, holder.card)
    if row is None or row.status != CardStatus.ACTIVE:
        raise CardSuspended
    strength, amr = Strength.POSSESSION, ["pop"]
    now = int(runtime.clock.time())
    if asked.busi_seq is not None:
        await password.spend(tx, asked.busi_seq, holder.actor)
    if asked.busi_seq is not None or holder.verified_until > now:
        strength, amr = Strength.KNOWLEDGE, [*amr, "pin"]
    if asked.face is not None:
        if not await desk.checks.face(open_profile(runtime.vault, row.profile), asked.face):
            raise FaceMismatch
        strength, amr = Strength.BIOMETRIC, [*amr, "face"]
    return Proven(
        holder=row.holder,
        card=row.seq,
        level=row.level,
        device=holder.actor,
        strength=strength,
        amr=tuple(amr),
        auth_time=now,
    )


async def decline(server: Server, holder: Holder, login: UUID) -> Decision:
    """Decline a login: as easy as confirming, nothing to prove. Raises LoginUnknown, LoginDecided."""
    found = await _mine(server, holder, login)
    if not await store.decide(server.runtime.pool, login, holder.actor, holder.card, State.DECLINED, why="declined"):
        raise LoginDecided(state=State.EXPIRED.value)
    await _note(server, holder, found, "declined")
    app = found.channel is Channel.APP
    return Decision(
        state=State.DECLINED, redirect=back(server, found.asked, error=HolderDeclined.error) if app else None
    )


async def waiting(server: Server, holder: Holder) -> list[LoginView]:
    """Return the messages that wait for this holder's confirmation (CIBA)."""
    return [await view(server, login) for login in await store.waiting(server.runtime.pool, holder.card)]


async def _note(server: Server, holder: Holder, login: Login, outcome: str) -> None:
    await audit.insert(
        server.runtime.pool,
        kind="login",
        outcome=outcome,
        actor=holder.actor,
        card=holder.card,
        item=login.asked.wanted.item,
        detail={"client": str(login.client)},
    )
