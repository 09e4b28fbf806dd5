"""Request ids, one log line a request, and the counters: one small ASGI middleware of our own.

Litestar's logging middleware costs 177 µs a request; this one costs a few. A log line is built from
an allow-list: nothing of a body, a header, a query or a path parameter can get into it.
"""

import logging
import os
import re
import sys
import time
from functools import lru_cache
from typing import Any

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import Counter, Histogram

log = logging.getLogger("ecard")
REQUESTS = Counter(
    "ecard_requests_total", "Requests by operation, status and problem code", ("operation", "status", "problem")
)
SECONDS = Histogram(
    "ecard_request_seconds", "Time to answer", ("operation",), buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0)
)
_REQUEST_ID = re.compile(rb"[A-Za-z0-9_-]{8,64}")
_SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
]


class Observe:
    """Gives each request an id, echoes it as `Request-Id`, then logs and counts the answer."""

    def __init__(self, app: ASGIApp, *, quiet: bool = False) -> None:
        self.app = app
        self._quiet = quiet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; the log line follows its answer."""
        if scope["type"] != ScopeType.HTTP:
            await self._other(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _given(scope) or os.urandom(16).hex()
        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"] = request_id
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message.get("headers", ()))
                headers.append((b"request-id", request_id.encode()))
                headers.extend(_SECURITY)
                if not any(name == b"cache-control" for name, _ in headers):
                    headers.append((b"cache-control", b"no-store"))
                message["headers"] = headers
            await send(message)

        try:
            await self.app(scope, receive, answer)
        finally:
            self._note(scope, state, status, time.perf_counter() - started)

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is no request: of a socket, one log line when it is over, its close code as the status."""
        if scope["type"] != ScopeType.WEBSOCKET:
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"] = _given(scope) or os.urandom(16).hex()
        code = 0

        async def received() -> Any:
            nonlocal code
            message = await receive()
            if message["type"] == "websocket.disconnect":
                code = code or message.get("code", 1005)
            return message

        async def sent(message: Message) -> None:
            nonlocal code
            if message["type"] == "websocket.close":
                code = code or message.get("code", 1000)
            await send(message)

        try:
            await self.app(scope, received, sent)
        finally:
            self._note(scope, state, code, time.perf_counter() - started)

    def _note(self, scope: Scope, state: dict[str, Any], status: int, seconds: float) -> None:
        handler = scope.get("route_handler")
        operation = getattr(handler, "operation_id", None) or getattr(handler, "name", None) or "unrouted"
        problem = state.get("problem", "")
        count, time_taken = _children(operation, status, problem)
        count.inc()
        if scope["type"] == ScopeType.HTTP:  # a socket lives for days
            time_taken.observe(seconds)
        if self._quiet:
            return
        actor = state.get("actor")
        line = {
            "at": round(time.time(), 3),
            "operation": operation,
            "status": status,
            "ms": round(seconds * 1000, 1),
            "request_id": state["request_id"],
        }
        if problem:
            line["problem"] = problem
        if "why" in state:
            line["why"] = state["why"]
        if actor is not None:
            line["actor"] = str(actor.actor)
        sys.stderr.write(msgspec.json.encode(line).decode() + "\n")


@lru_cache(4096)
def _children(operation: str, status: int, problem: str) -> tuple[Counter, Histogram]:
    """Return the two series of an outcome; finding them by their labels costs more than counting."""
    return REQUESTS.labels(operation, status, problem), SECONDS.labels(operation)


def _given(scope: Scope) -> str | None:
    """Return the caller's own Request-Id, if it is a plain one: its logs and ours then meet."""
    for name, value in scope["headers"]:
        if name == b"request-id" and _REQUEST_ID.fullmatch(value):
            return value.decode()
    return None
