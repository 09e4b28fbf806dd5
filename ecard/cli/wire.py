"""Uvicorn's protocol, its answers sent with one system call.

An ASGI answer comes in two messages, head and body, and uvicorn writes each as it comes. On a small answer
the second call to the kernel costs as much as a signature. Here what is written within one turn of the
event loop leaves together; a large body, a pause or a closed connection are as before.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


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
