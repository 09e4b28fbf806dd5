"""Which pages of other origins may call the provider from a browser (CORS, Fetch §3.2): clients without a server.

Discovery and keys are anybody's to read. The endpoints that such a client calls answer to the origins of
registered redirect URIs alone, by name. Never with credentials: no cookie of ours means anything there, a call
is worth what its form, proof and token prove. Every other path stays closed to pages of other origins.
"""

import logging
from collections.abc import Mapping
from typing import Any

from litestar import Litestar
from litestar.types import Message, Scope

from auth.server import Server

_ANYBODY = frozenset(
    {"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/oauth/jwks"},
)
_CLIENTS: Mapping[str, bytes] = {
    "/oauth/par": b"POST",
    "/oauth/token": b"POST",
    "/oauth/revoke": b"POST",
    "/oauth/userinfo": b"GET, POST",
}
_HEADERS = b"Authorization, Content-Type, DPoP"
_EXPOSED = b"DPoP-Nonce, WWW-Authenticate, Retry-After, Request-Id"
_SECONDS = b"600"
"""How long a browser need not ask again; the answer to the call itself is decided anew each time."""
_STARRED = [(b"access-control-allow-origin", b"*")]
_VARIES = (b"vary", b"Origin")
log = logging.getLogger("auth.cors")


async def allow(message: Message, scope: Scope) -> None:
    """Say at the head of an answer who may read it; a `before_send` hook, so that refusals are readable, too."""
    if message["type"] != "http.response.start":
        return
    path = scope["path"]
    if path in _ANYBODY:
        message["headers"] = [*message["headers"], *_STARRED, *_preflight(scope, b"GET")]
    elif path in _CLIENTS:
        # Said to everybody: a cache must not hand one origin's answer to another.
        added = [_VARIES]
        origin = await _known(scope)
        if origin is not None:
            added += [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", _EXPOSED)]
            added += _preflight(scope, _CLIENTS[path])
        message["headers"] = [*message["headers"], *added]


def _preflight(scope: Any, methods: bytes) -> list[tuple[bytes, bytes]]:
    if scope["method"] != "OPTIONS":
        return []
    return [
        (b"access-control-allow-methods", methods),
        (b"access-control-allow-headers", _HEADERS),
        (b"access-control-max-age", _SECONDS),
    ]


async def _known(scope: Any) -> bytes | None:
    """Return the asking page's origin if it is that of a living client's redirect URI, to the byte."""
    origins = [value for name, value in scope["headers"] if name == b"origin"]
    if len(origins) != 1:
        return None
    server: Server = Litestar.from_scope(scope).state.server
    try:
        known = await server.directory.origins(sandbox=server.runtime.settings.sandbox)
    except Exception as error:  # noqa: BLE001 - the answer goes out all the same, readable to no page
        log.warning("origins not read: %s", type(error).__name__)
        return None
    return origins[0] if origins[0].decode("latin-1") in known else None
