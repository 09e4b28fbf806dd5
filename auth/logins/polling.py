"""Devices and counters that poll for a holder's answer (RFC 8628 §3.4, CIBA Core §10.1)."""

from auth.errors import GrantRefused
from auth.forms import need
from auth.grants import store as grants
from auth.logins import store
from auth.logins.errors import AuthorizationPending, ExpiredToken, SlowDown
from auth.logins.model import Channel, State
from auth.requests.errors import HolderDeclined
from auth.secrets import hashed
from auth.server import Calling, Server
from auth.tokens.schemas import TokenAnswer
from auth.tokens.service import for_grant
from ecard.db import begin

_PARAMETER = {Channel.DEVICE: "device_code", Channel.CIBA: "auth_req_id"}


async def by_polling(server: Server, calling: Calling, channel: Channel) -> TokenAnswer:
    """Answer a poll: tokens once the holder confirmed, else where it stands.

    Raises AuthorizationPending, SlowDown (only the interval moves, so that who obeys is answered), HolderDeclined,
    ExpiredToken, GrantRefused (no such code, another client's, another key's, or answered before).
    """
    secret = hashed(need(calling.form, _PARAMETER[channel]))
    async with begin(server.runtime.pool) as tx:
        polled = await store.poll(tx, secret, calling.client.id, channel, calling.jkt)
        if polled is not None and polled.login.state is State.CONFIRMED and not polled.early:
            login = polled.login
            if polled.redeemed_before or login.consent_grant is None:
                raise GrantRefused
            living = await grants.alive(tx, login.consent_grant)
            if living is None:
                raise GrantRefused
            return await for_grant(
                server, tx, living.grant, calling.client, jkt=calling.jkt, kiosk=login.terminal is not None
            )
    if polled is None:
        raise GrantRefused
    if polled.login.state is State.DECLINED:
        raise HolderDeclined
    if polled.login.state is State.EXPIRED:
        raise ExpiredToken
    if polled.redeemed_before:
        raise GrantRefused
    if polled.early:
        raise SlowDown(interval=polled.login.interval_s)
    raise AuthorizationPending
