"""A small HTTP/1.1 server whose line can be broken on purpose: what a framework would not let a bank do."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any, NamedTuple

import httptools

_PHRASES = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 500: "Internal Server Error"}


class Asked(NamedTuple):
    """A request: method, path with its query, headers by lower-case name, body."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Reply(NamedTuple):
    """An answer, written `copies` times."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = {}  # noqa: RUF012 - a NamedTuple's default, never changed
    copies: int = 1


class Gone(Enum):
    """No answer: the line is broken, or stays as it is and is silent."""

    BROKEN = "broken"
    SILENT = "silent"


Handler = Callable[[Asked], Awaitable[Reply | Gone]]


class Line(asyncio.Protocol):
    """One connection; its requests are answered one after the other."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._parser = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        self._url, self._headers, self._body = b"", dict[str, str](), b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """End; what is being booked is booked all the same, as at a real bank."""
        del exc

    def data_received(self, data: bytes) -> None:
        """Read on."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.abort()

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._url, self._headers, self._body = b"", {}, b""

    def on_url(self, url: bytes) -> None:
        """Take a part of the path."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """Answer the request."""
        asked = Asked(self._parser.get_method().decode(), self._url.decode("latin-1"), self._headers, self._body)
        task = asyncio.get_running_loop().create_task(self._answer(asked))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, asked: Asked) -> None:
        async with self._turn:
            reply = await self._handler(asked)
            if reply is Gone.BROKEN:
                self._transport.abort()
            elif isinstance(reply, Reply) and not self._transport.is_closing():
                self._transport.write(_bytes(reply) * reply.copies)


def _bytes(reply: Reply) -> bytes:
    headers = {"content-type": "application/json", **reply.headers, "content-length": str(len(reply.body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {reply.status} {_PHRASES[reply.status]}\r\n{head}\r\n".encode("latin-1") + reply.body
