"""The answer of a hot path: a Struct, encoded once and sent as it stands.

Litestar's own response merges headers, cookies and encoders for each answer, which costs as much
as a signature; issuing a code and recording a visit have none of them.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.types import ASGIApp, Receive, Scope, Send

T = TypeVar("T")


class JsonAnswer(Response[T]):
    """A JSON answer without headers or cookies of its own."""

    def __init__(self, content: T, status_code: int) -> None:
        """Take what to encode; the base class is left out on purpose, see the module's docstring."""
        self.content = content
        self.status_code = status_code

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **_: Any) -> ASGIApp:  # type: ignore[override] # Litestar calls whatever comes back as an ASGI application
        """Return an ASGI application that sends the answer."""
        del app, request
        body = msgspec.json.encode(self.content)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        return _sender(int(self.status_code or 200), headers, body)


class Moved(Response[None]):
    """A 303 to another place, with the cookies that go there (RFC 9110 §15.4.4)."""

    def __init__(self, location: str, cookies: Sequence[Cookie] = ()) -> None:
        """Take where to; the base class is left out on purpose, see the module's docstring."""
        self.content = None
        self.status_code = 303
        self._headers = [(b"location", location.encode()), (b"content-length", b"0")]
        self._headers += [(b"set-cookie", cookie.to_header(header="").encode()) for cookie in cookies]

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **_: Any) -> ASGIApp:  # type: ignore[override] # as JsonAnswer's
        """Return an ASGI application that sends the answer."""
        del app, request
        return _sender(303, self._headers, b"")


def _sender(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> ASGIApp:
    start = {"type": "http.response.start", "status": status, "headers": headers}

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await send(start)  # type: ignore[arg-type] # a message of ASGI, written as what it is
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return answer
