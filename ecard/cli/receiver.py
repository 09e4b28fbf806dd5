"""A merchant's receiver in small: verifies each notification, prints it, and answers as told.

It does what every receiver should: it reads the body as bytes, verifies before it reads, answers within seconds, and
takes an id that it has seen as heard.
"""

import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer

from pay.webhooks.model import NotGenuine, verify

_LARGEST = 64 * 1024
_SECONDS = 10


class Receiver(HTTPServer):
    """Listens on a loopback port, one call at a time; `heard` is given what to print of each."""

    def __init__(self, port: int, secret: bytes, status: int, heard: Callable[[str], None]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.secret = secret
        self.status = status
        self.heard = heard
        self.seen: set[str] = set()


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    timeout = _SECONDS

    def do_POST(self) -> None:
        """Verify, print, answer."""
        size = self.headers.get("Content-Length", "")
        if not (size.isascii() and size.isdecimal() and len(size) <= len(str(_LARGEST)) and int(size) <= _LARGEST):
            self._answer(413)
            return
        body = self.rfile.read(int(size))
        try:
            name = verify(
                {key.lower(): value for key, value in self.headers.items()}, body, self.server.secret, time.time()
            )
        except NotGenuine:
            self.server.heard("签名无效, 已拒绝 · not genuine, refused: 401")
            self._answer(401)
            return
        again = " (重复 · again)" if name in self.server.seen else ""
        self.server.seen.add(name)
        self.server.heard(f"{name}{again} -> {self.server.status}\n{body.decode()}")
        self._answer(self.server.status)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Print nothing of its own."""
