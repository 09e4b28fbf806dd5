"""Telling clients that a login has ended (OpenID Connect Back-Channel Logout): withdrawn, revoked, card lost.

A trigger writes the outbox in the transaction that ends a grant; here it is told, signed, until it is heard.
"""

import asyncio
import logging

import httpx

from auth import ended, replay
from auth.logins import store as logins
from auth.requests import store as requests
from auth.server import Server
from auth.tokens import store as tokens
from ecard import outbox
from ecard.keyring.model import Purpose
from ecard.outbox import Message
from ecard.tokens import TokenType, mint

TOPIC = "logout"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
PERIOD = 1.0
_FORGETTING = 300
_LIFE = 120
log = logging.getLogger("auth.logout")


async def tell_for_ever(server: Server, http: httpx.AsyncClient) -> None:
    """Tell what is due each second, and now and then forget what is over; until cancelled."""
    rounds = 0
    while True:
        await asyncio.sleep(PERIOD)
        try:
            messages = await outbox.take(server.runtime.pool, TOPIC)
            await asyncio.gather(*(_tell(server, http, message) for message in messages))
            rounds += 1
            if rounds % _FORGETTING == 0:
                await forget(server)
        except Exception as error:  # noqa: BLE001 - whatever it was, the next round must come
            log.warning("logouts not told: %s", type(error).__name__)


async def _tell(server: Server, http: httpx.AsyncClient, message: Message) -> None:
    client = await server.directory.find(message.body["client"])
    if client is None or client.backchannel_logout_uri is None:
        await outbox.done(server.runtime.pool, message.id)
        return
    try:
        answer = await http.post(client.backchannel_logout_uri, data={"logout_token": logout_token(server, message)})
    except httpx.HTTPError as error:
        log.info("logout not heard: %s", type(error).__name__)
        return
    if answer.is_success:
        await outbox.done(server.runtime.pool, message.id)


def logout_token(server: Server, message: Message) -> str:
    """Return the signed logout token of a message (§2.4); its `jti` is the message's, however often it is told."""
    now = server.runtime.clock.time()
    key = server.runtime.ring.signing(Purpose.TOKEN, now)
    claims = {
        "iss": server.issuer,
        "aud": message.body["client"],
        "iat": int(now),
        "exp": int(now) + _LIFE,
        "jti": str(message.id),
        "sub": message.body["sub"],
        "sid": message.body["sid"],
        "events": {EVENT: {}},
    }
    return mint(key.signer, key.kid, TokenType.LOGOUT, claims)


async def forget(server: Server) -> None:
    """Drop everything whose time is over, a few statements every five minutes."""
    pool = server.runtime.pool
    for step in (replay.forget, ended.forget, requests.forget, tokens.forget, logins.forget, outbox.forget):
        await step(pool)
