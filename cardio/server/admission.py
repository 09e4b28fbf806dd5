"""Admitting a bridge: a token that it signs with the key made on the counter's PC, for each connection anew."""

from uuid import UUID

from auth.replay import Marks, mark
from cardio.server import store
from cardio.server.errors import BridgeRefused
from cardio.server.model import TOKEN_SECONDS
from cardio.server.store import Bridge
from ecard import tokens
from ecard.runtime import Runtime
from ecard.tokens import PublicKey, TokenRefused, TokenType


async def admit(runtime: Runtime, marks: Marks, authorization: str) -> Bridge:
    """Return the bridge whose token (RFC 7519) is in an Authorization header (RFC 6750 §2.1).

    Raises BridgeRefused: no token, not a living bridge's, not for this server, longer-lived than a minute,
    or used before.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise BridgeRefused(reason="missing")
    try:
        kid = str(tokens.unverified(token)[0].get("kid"))
        bridge = await store.find(runtime.pool, UUID(kid))
        if bridge is None:
            raise BridgeRefused(reason="unknown")
        claims = tokens.read(
            token,
            {kid: PublicKey(bridge.suite, bridge.public)},
            typ=TokenType.BRIDGE,
            issuer=str(bridge.id),
            audience=runtime.settings.issuer,
            now=runtime.clock.time(),
        )
    except TokenRefused as refused:
        raise BridgeRefused(reason=refused.reason) from None
    except ValueError:
        raise BridgeRefused(reason="malformed") from None
    jti = claims.get("jti")
    if claims.get("sub") != str(bridge.id) or not isinstance(jti, str) or claims["exp"] - claims["iat"] > TOKEN_SECONDS:
        raise BridgeRefused(reason="claims")
    if not await marks.first_time(mark("bridge", str(bridge.id), jti, claims["exp"])):
        raise BridgeRefused(reason="jti")
    return bridge
