"""The holder's side of a login: scan, see who asks, confirm or decline."""

import hmac
from typing import NamedTuple
from uuid import UUID

from auth import forms
from auth.errors import ClientRefused
from auth.grants import service as grants
from auth.grants.model import Proven
from auth.logins import store
from auth.logins.errors import LoginDecided, LoginTaken, LoginUnknown, NumberNeeded, NumberWrong
from auth.logins.model import (
    Channel,
    State,
    looks_like_user_code,
    plain_user_code,
    read_qr,
)
from auth.logins.opening import back, coded, open_login
from auth.logins.schemas import ConfirmRequest, Decision, LoginView
from auth.logins.showing import place_of, view
from auth.logins.store import Login
from auth.requests import service as requests
from auth.requests.errors import HolderDeclined
from auth.secrets import hashed
from auth.server import Server
from auth.tokens.service import lasting
from ecard.audit import store as audit
from ecard.callers import Holder
from ecard.cards import store as cards
from ecard.cards.checks import Checks
from ecard.cards.model import Status as CardStatus
from ecard.db import Tx, begin
from ecard.desk import online
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
    """Open the login that another app on this phone asks for by its link.

    Raises ClientRefused, what `from_link` does of the request, what `open_login` does (TooMany, DetailsRefused), and
    LoginUnknown when the client was disabled meanwhile.
    """
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


async def confirm(desk: Desk, holder: Holder, login: UUID, asked: ConfirmRequest) -> Decision:
    """Confirm a login by the phone that may, and give the client its grant, in one transaction.

    Raises LoginUnknown (also when the client's hint names somebody else), LoginDecided, NumberNeeded, NumberWrong
    (the login is then declined), BusiSeqUnknown, FaceMismatch, CheckUnavailable, TooWeak (prove the password or the
    face and confirm again), CardSuspended, and what `grants.give` does: WrongPlace, LevelTooLow, NotStaff.
    """
    server, pool = desk.server, desk.server.runtime.pool
    found = await _mine(server, holder, login)
    client = await server.directory.find(str(found.client))
    if client is None:
        raise LoginUnknown
    if found.channel is Channel.PAGE:
        await _match(server, holder, found, asked.number)
    place = await place_of(server, found, client)
    if asked.face is not None:
        await online.check_face(desk.server.runtime, desk.checks, holder, asked.face)
    async with begin(pool) as tx:
        proven = await _proven(server, tx, holder, asked)
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


async def _proven(server: Server, tx: Tx, holder: Holder, asked: ConfirmRequest) -> Proven:
    row = await cards.by_seq(tx, holder.card)
    if row is None or row.status != CardStatus.ACTIVE:
        raise CardSuspended
    clock = server.runtime.clock
    strength, amr = await online.proven(tx, clock, holder, asked.busi_seq, asked.face)
    return Proven(
        holder=row.holder,
        card=row.seq,
        level=row.level,
        device=holder.actor,
        strength=strength,
        amr=amr,
        auth_time=int(clock.time()),
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
