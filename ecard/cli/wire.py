"""Uvicorn's protocols: answers sent with one system call, and no handshake left without an answer.

An ASGI answer comes in two messages, head and body, and uvicorn writes each as it comes. On a small answer
the second call to the kernel costs as much as a signature. Here what is written within one turn of the
event loop leaves together; a large body, a pause or a closed connection are as before.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class _Joining:
    """A transport that sends what was written in one turn together; all else is the transport's own."""

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._waiting: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send `data` at the end of this turn, with what comes until then."""
        if not self._waiting:
            self._loop.call_soon(self._send)
        self._waiting.append(data)

    def close(self) -> None:
        """Send what waits, then close."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            if not self._transport.is_closing():
                self._transport.write(b"".join(waiting))


class OneWrite(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it with httptools."""

    def connection_made(self, transport: Any) -> None:
        """Begin a connection on the joining transport."""
        super().connection_made(_Joining(transport, self.loop))  # type: ignore[arg-type] # it is one in all that is used


_BAD_HANDSHAKE = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class AnsweredHandshake(WebSocketsSansIOProtocol):
    """WebSocket as uvicorn speaks it; a handshake that cannot be read is refused and its connection closed.

    Uvicorn sends nothing where the library refuses to read on (a header over 8 KiB): the socket would stay.
    """

    def data_received(self, data: bytes) -> None:
        """Take in what came; refuse a handshake that is none."""
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.transport.is_closing():
            self.transport.write(b"".join(self.conn.data_to_send()) or _BAD_HANDSHAKE)
            self.transport.close()
