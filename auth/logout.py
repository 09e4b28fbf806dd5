"""Telling clients that a login has ended (OpenID Connect Back-Channel Logout): withdrawn, revoked, card lost.

A trigger writes the outbox in the transaction that ends a grant; here it is told, signed, until it is heard.
"""

from urllib.parse import urlencode

import httpx

from auth.server import Server
from ecard.keyring.model import Purpose
from ecard.outbox import Message, Topic
from ecard.telling import Telling, post
from ecard.tokens import TokenType, mint

TOPIC = Topic("logout", "client", tuple(15.0 * 2**n for n in range(10)))
"""Told ten times over about four hours."""
EVENT = "http://schemas.openid.net/event/backchannel-logout"
SECONDS = 5.0
"""Seconds in which a client must have answered, from the call to the status."""
_LIFE = 120
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def tell_for_ever(server: Server, http: httpx.AsyncClient) -> None:
    """Tell what is due; until cancelled."""

    async def tell(message: Message) -> bool:
        client = await server.directory.find(message.body["client"])
        uri = client.backchannel_logout_uri if client else None
        if uri is None:
            return True
        form = urlencode({"logout_token": logout_token(server, message)}).encode()
        return httpx.codes.is_success(await post(http, uri, SECONDS, body=form, headers=_FORM))

    await Telling(server.runtime.pool, TOPIC, tell).for_ever()


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
