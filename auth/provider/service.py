"""What the provider's endpoints decide beyond reading and answering."""

import re
from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

import asyncpg
import msgspec

from auth.clients.model import Client, GrantType
from auth.errors import BadRequest, ClientNotAllowed, GrantTypeUnknown
from auth.forms import Form, need
from auth.grants import store as grants
from auth.grants.model import Place
from auth.logins import store as logins
from auth.logins.errors import BindingMessageRefused, TerminalElsewhere, UserUnknown
from auth.logins.model import (
    CIBA_SECONDS,
    INTERVAL,
    LOGIN_SECONDS,
    QR_SECONDS,
    Channel,
    new_user_code,
)
from auth.logins.opening import ONLINE, Opened, open_login, qr_of, renewed
from auth.logins.polling import by_polling
from auth.provider.schemas import CibaAnswer, DeviceAnswer
from auth.requests import objects
from auth.requests.model import Asked
from auth.requests.service import wanted
from auth.server import Calling, Server
from auth.tokens import service as tokens
from auth.tokens.schemas import TokenAnswer
from auth.tokens.visits import by_visit
from ecard.access import store as access
from ecard.cards import store as cards
from ecard.db import begin
from ecard.limits import Limit
from ecard.texts import shows

ASKING = Limit("ciba_client_holder", 5, 120, guarded=True)
ASKED = Limit("ciba_holder", 20, 120, guarded=True)
_HINTS = ("login_hint", "id_token_hint", "login_hint_token")
_LONGEST_MESSAGE = 32
_TRIES = 3
_SECONDS = re.compile(r"[0-9]{1,3}")


async def token(server: Server, calling: Calling) -> TokenAnswer | msgspec.Raw:
    """Answer the token endpoint by `grant_type`; raises what the grant types do, BadRequest for a missing proof."""
    try:
        wanted_type = GrantType(need(calling.form, "grant_type"))
    except ValueError:
        raise GrantTypeUnknown from None
    if wanted_type not in calling.client.grant_types:
        raise ClientNotAllowed
    if calling.client.needs_dpop and calling.proof is None:
        raise BadRequest(parameter="DPoP")
    return await _BY_TYPE[wanted_type](server, calling)


async def _by_refresh(server: Server, calling: Calling) -> msgspec.Raw:
    return msgspec.Raw(await tokens.by_refresh(server, calling))


async def _by_device(server: Server, calling: Calling) -> TokenAnswer:
    return await by_polling(server, calling, Channel.DEVICE)


async def _by_ciba(server: Server, calling: Calling) -> TokenAnswer:
    return await by_polling(server, calling, Channel.CIBA)


_BY_TYPE: Mapping[GrantType, Callable[[Server, Calling], Awaitable[TokenAnswer | msgspec.Raw]]] = {
    GrantType.CODE: tokens.by_code,
    GrantType.REFRESH: _by_refresh,
    GrantType.CLIENT: tokens.by_client,
    GrantType.DEVICE: _by_device,
    GrantType.CIBA: _by_ciba,
    GrantType.VISIT: by_visit,
}


async def device(server: Server, calling: Calling) -> DeviceAnswer:
    """Begin a login for a device without a browser (RFC 8628 §3.1).

    A registered kiosk proves its key by DPoP: the holder then sees where it stands, the QR holds the key, and the
    tokens are worth something to that kiosk alone. Raises ClientNotAllowed, TerminalElsewhere, and what `wanted` and
    `open_login` do.
    """
    if GrantType.DEVICE not in calling.client.grant_types:
        raise ClientNotAllowed
    asked = Asked(client=calling.client.id, wanted=wanted(server, calling.client, calling.form))
    # Before the transaction: who holds a connection and waits for a second one may wait for its own kind for ever.
    opened, user_code, qr = await _begun(server, calling, asked, await _place(server, calling))
    shown = f"{user_code[:4]}-{user_code[4:]}"
    page = f"{server.issuer}/device"
    return DeviceAnswer(
        device_code=opened.poll,
        user_code=shown,
        verification_uri=page,
        verification_uri_complete=f"{page}?user_code={shown}",
        qr=qr,
        qr_expires_in=QR_SECONDS,
        expires_in=LOGIN_SECONDS,
        interval=INTERVAL,
    )


async def _begun(
    server: Server, calling: Calling, asked: Asked, place: Place, *, tries: int = _TRIES
) -> tuple[Opened, str, str]:
    """Return a device's login, its code to type and its QR; a code that another login of the day has is made anew."""
    user_code = new_user_code()
    try:
        async with begin(server.runtime.pool) as tx:
            opened = await open_login(
                server,
                tx,
                calling.client,
                asked,
                Channel.DEVICE,
                place=place,
                jkt=calling.jkt,
                user_code=user_code,
            )
            login = await logins.find(tx, opened.id)
            return opened, user_code, qr_of(server, await renewed(server, login, tx)) if login else ""
    except asyncpg.UniqueViolationError:
        if tries <= 1:
            raise
    return await _begun(server, calling, asked, place, tries=tries - 1)


async def _place(server: Server, calling: Calling) -> Place:
    """Return where the registered terminal stands whose key was proven; online for any other caller.

    Raises TerminalElsewhere: an agency's terminal shows holders where its own agency's clients ask, and no others.
    """
    found = await access.terminal_by_key(server.runtime.pool, calling.proof.key.public) if calling.proof else None
    if found is None:
        return ONLINE
    if found["agency"] != calling.client.agency:
        raise TerminalElsewhere
    return Place(terminal=found["actor"], setting=found["setting"], region=found["region"], site=found["site"])


async def ciba(server: Server, calling: Calling) -> CibaAnswer:
    """Ask a known holder's phone to confirm (CIBA Core §7.1, poll mode).

    Raises ClientNotAllowed, BadRequest (not exactly one hint, or the signed request does not fit), UserUnknown,
    BindingMessageRefused, TerminalElsewhere, TooMany, DetailsRefused (also for an item that asks for a place).
    """
    client = calling.client
    if GrantType.CIBA not in client.grant_types:
        raise ClientNotAllowed
    form = await objects.backchannel(server, client, calling.form)
    if sum(hint in form for hint in _HINTS) != 1:
        raise BadRequest(parameter="login_hint")
    message = form.get("binding_message")
    if message is not None and (len(message) > _LONGEST_MESSAGE or not shows(message)):
        raise BindingMessageRefused
    scope = need(form, "scope")
    if "openid" not in scope.split():
        raise BadRequest(parameter="scope")
    asked = Asked(client=client.id, wanted=wanted(server, client, form), binding_message=message)
    place = await _place(server, calling)
    holder = await _holder(server, client, form)
    card = await cards.with_phone(server.runtime.pool, holder) if holder else None
    if card is None:
        raise UserUnknown
    # A holder whose phone rings without end agrees in the end: few questions of one client, and not many of all.
    await server.runtime.limiter.hit(ASKING, f"{client.id}:{card}")
    await server.runtime.limiter.hit(ASKED, str(card))
    seconds = _expiry(form)
    opened = await open_login(
        server,
        server.runtime.pool,
        client,
        asked,
        Channel.CIBA,
        place=place,
        jkt=calling.jkt,
        card=card,
        seconds=seconds,
    )
    return CibaAnswer(auth_req_id=opened.poll, expires_in=seconds, interval=INTERVAL)


def _expiry(form: Form) -> int:
    asked = form.get("requested_expiry", str(CIBA_SECONDS))
    if not _SECONDS.fullmatch(asked) or not 1 <= int(asked) <= LOGIN_SECONDS:
        raise BadRequest(parameter="requested_expiry")
    return int(asked)


async def _holder(server: Server, client: Client, form: Form) -> UUID | None:
    sub = form.get("login_hint")
    if "id_token_hint" in form:
        claims = objects.id_token(server, form["id_token_hint"], client)
        sub = str(claims["sub"]) if claims else None
    return await grants.whose(server.runtime.pool, client.sector, sub) if sub else None
