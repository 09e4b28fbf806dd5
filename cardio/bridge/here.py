"""Who may speak to a port on 127.0.0.1: the checks that loopback and classic mode share, before the handshake.

Any page of any site may try to open a WebSocket to this PC; browsers ask nobody about it or ask people who
click yes. So the port answers only where `Host` is this PC's own name (else the site's name was made to point
here: DNS rebinding) and where `Origin`, which scripts cannot set, is in full one of those that were configured.
There is no wildcard, and a request without `Origin` is refused.
"""

import logging
from collections.abc import Collection
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

log = logging.getLogger("ecard-bridge.here")
ADDRESS = "127.0.0.1"


def refusal(request: Request, port: int, origins: Collection[str], *, programs: bool = False) -> HTTPStatus | None:
    """Return why a handshake is refused, None where it is not; `programs` admits callers without Origin."""
    hosts, named = request.headers.get_all("Host"), request.headers.get_all("Origin")
    if len(hosts) != 1 or hosts[0] not in {f"{ADDRESS}:{port}", f"localhost:{port}"}:
        return HTTPStatus.MISDIRECTED_REQUEST
    if not named:
        return None if programs else HTTPStatus.FORBIDDEN
    return None if len(named) == 1 and named[0] in origins else HTTPStatus.FORBIDDEN


def refuse(connection: ServerConnection, status: HTTPStatus) -> Response:
    """Return the answer to a handshake that is refused; it says nothing to whoever asked."""
    log.warning("handshake refused: %d", status)
    return connection.respond(status, "")
