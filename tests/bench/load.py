"""A load generator light enough to share two cores with what it loads: prepared bytes in, status codes out."""

import asyncio
import multiprocessing
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

import uvloop


class Load(NamedTuple):
    """What came back: answers a second, latencies (ms), and how many were not the wanted status."""

    rate: float
    p50: float
    p99: float
    wrong: int


class Chain(NamedTuple):
    """A request whose answer, head and body, makes the next one; None if it does not. Both count as one."""

    first: bytes
    then: Callable[[bytes], bytes | None]


class _Connection(asyncio.Protocol):
    """Sends the next request when the last one is answered; understands Content-Length and nothing else."""

    def __init__(self, run: "_Run") -> None:
        self.run = run
        self.buffer = b""
        self.sent = 0.0
        self.then: Callable[[bytes], bytes | None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's.
        self.transport: Any = transport
        self.next()

    def next(self) -> None:
        request = self.run.take()
        if request is None:
            self.transport.close()
            return
        if isinstance(request, Chain):
            request, self.then = request
        self.sent = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self.buffer.lower().find(b"content-length: ", 0, head) + 16
        length = int(self.buffer[at : self.buffer.index(b"\r", at)])
        if len(self.buffer) < head + 4 + length:
            return
        then, self.then = self.then, None
        following = then(self.buffer) if then else None
        if following is not None:
            self.buffer = b""
            self.transport.write(following)
            return
        self.run.answered(self.buffer[9:12], time.perf_counter() - self.sent)
        self.buffer = b""
        self.next()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.run.closed()


class _Run:
    def __init__(
        self, requests: Sequence[bytes | Chain], connections: int, seconds: float | None, wanted: bytes
    ) -> None:
        self.requests, self.seconds, self.wanted = requests, seconds, wanted
        self.open = connections
        self.at = 0
        self.latencies: list[float] = []
        self.wrong = 0
        self.started = 0.0
        self.done = asyncio.get_running_loop().create_future()

    def take(self) -> bytes | Chain | None:
        if self.seconds is None:
            if self.at >= len(self.requests):
                return None
        elif time.perf_counter() - self.started > self.seconds:
            return None
        request = self.requests[self.at % len(self.requests)]
        self.at += 1
        return request

    def answered(self, status: bytes, seconds: float) -> None:
        self.latencies.append(seconds)
        self.wrong += status != self.wanted

    def closed(self) -> None:
        self.open -= 1
        if not self.open and not self.done.done():
            self.done.set_result(None)


async def _drive(
    port: int, requests: Sequence[bytes | Chain], connections: int, seconds: float | None, wanted: int
) -> Load:
    run = _Run(requests, connections, seconds, str(wanted).encode())
    loop = asyncio.get_running_loop()
    run.started = time.perf_counter()
    await asyncio.gather(
        *(loop.create_connection(lambda: _Connection(run), "127.0.0.1", port) for _ in range(connections))
    )
    await run.done
    took = time.perf_counter() - run.started
    ordered = sorted(run.latencies)
    pick = [ordered[int(len(ordered) * share)] * 1000 for share in (0.5, 0.99)]
    return Load(len(ordered) / took, pick[0], pick[1], run.wrong)


def _child(pipe: "multiprocessing.connection.Connection", arguments: tuple[object, ...]) -> None:
    pipe.send(uvloop.run(_drive(*arguments)))  # type: ignore[arg-type] # the arguments of `drive`


def drive(
    port: int,
    requests: Sequence[bytes | Chain],
    *,
    connections: int = 32,
    seconds: float | None = None,
    wanted: int = 200,
) -> Load:
    """Send each request once, or go round them for `seconds`, from a process of its own."""
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(
        target=_child, args=(theirs, (port, requests, connections, seconds, wanted))
    )
    child.start()
    if not ours.poll(120):
        child.kill()
        msg = "the load generator is stuck"
        raise TimeoutError(msg)
    load: Load = ours.recv()
    child.join()
    return load


def get(path: str, headers: Mapping[str, str]) -> bytes:
    """Return the bytes of a GET."""
    return _message([f"GET {path} HTTP/1.1", "Host: bench"], headers)


def post(path: str, body: bytes, headers: Mapping[str, str], *, kind: str = "application/json") -> bytes:
    """Return the bytes of a POST."""
    lines = [f"POST {path} HTTP/1.1", "Host: bench", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    return _message(lines, headers) + body


def form(path: str, fields: Mapping[str, str]) -> bytes:
    """Return the bytes of a POST of a form."""
    return post(path, urlencode(fields).encode(), {}, kind="application/x-www-form-urlencoded")


def _message(lines: list[str], headers: Mapping[str, str]) -> bytes:
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode()
