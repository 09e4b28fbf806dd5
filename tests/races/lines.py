"""Many terminals at once: connections kept open, requests signed beforehand and let go together."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

import msgspec

from ecard.client import Terminal
from ecard.ids import new_id
from ecard.signatures import Call
from tests.bureau import Bureau
from tests.races.server import Server

PATH = "/v1/visits"
HEALTH = b"GET /health HTTP/1.1\r\nHost: races\r\n\r\n"


class Answer(NamedTuple):
    """What came back; status 0 when the connection broke first."""

    status: int
    body: bytes

    @property
    def problem(self) -> str:
        """The code of a problem document, "" for another answer."""
        return "" if self.status in {0, 200, 201} else str(json.loads(self.body)["code"])

    @property
    def visit(self) -> str:
        """The id of the visit that was recorded."""
        return str(json.loads(self.body)["visit"])


BROKEN = Answer(0, b"")


def signed_visit(terminal: Terminal, code: str, *, item: str = "A1-01", key: str | None = None) -> bytes:
    """Return a visit's whole request, byte for byte as it goes on the wire."""
    body = msgspec.json.encode({"item": item, "evidence": {"kind": "code", "code": code}})
    headers = terminal.sign(Call("POST", PATH, "", body, key or new_id().hex))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"POST {PATH} HTTP/1.1\r\nHost: races\r\n{head}{length}\r\n".encode() + body


class Line:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> "Line":
        """Return a new connection to the server at `port`."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    @property
    def port(self) -> int:
        """Our end's port."""
        return int(self._writer.get_extra_info("sockname")[1])

    def let_go(self, request: bytes) -> None:
        """Hand a request to the kernel."""
        self._writer.write(request)

    async def answer(self) -> Answer:
        """Return the answer of the request let go before; BROKEN when the other end is gone."""
        try:
            async with asyncio.timeout(20):
                head = await self._reader.readuntil(b"\r\n\r\n")
                first, *rest = head.decode().splitlines()
                headers = dict(line.lower().split(": ", 1) for line in rest if line)
                body = await self._reader.readexactly(int(headers["content-length"]))
        except (asyncio.IncompleteReadError, ConnectionError):
            return BROKEN
        return Answer(int(first.split()[1]), body)

    async def ask(self, request: bytes) -> Answer:
        """Let a request go and return its answer."""
        self.let_go(request)
        return await self.answer()

    async def close(self) -> None:
        """Close the connection, whether or not the other end is there."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


@asynccontextmanager
async def spread(server: Server, count: int) -> AsyncIterator[list[list[Line]]]:
    """Yield `count` connections, the same number at each worker, by worker.

    The kernel deals them out as it likes: so many are opened that each worker has its share.
    """
    groups: list[list[Line]] = [[] for _ in server.workers()]
    share = count // len(groups)
    opened: list[Line] = []
    try:
        for _ in range(10 * count):
            opened.append(await Line.open(server.port))
            assert (await opened[-1].ask(HEALTH)).status == 200
            if len(opened) % share == 0:
                taken = [server.clients(worker) for worker in server.workers()]
                groups = [[line for line in opened if line.port in ports][:share] for ports in taken]
            if all(len(group) == share for group in groups):
                break
        assert {len(group) for group in groups} == {share}
        yield groups
    finally:
        for line in opened:
            await line.close()


async def race(
    lines: Sequence[Line], requests: Sequence[bytes], meanwhile: Callable[[], Any] | None = None
) -> list[Answer]:
    """Let each line's request go, all before the first answer is read; `meanwhile` happens in between."""
    for line, request in zip(lines, requests, strict=True):
        line.let_go(request)
    if meanwhile is not None:
        meanwhile()
    return list(await asyncio.gather(*(line.answer() for line in lines)))


def new_terminals(bureau: Bureau, count: int) -> list[Terminal]:
    """Return so many terminals of the bureau's agency, each with its session open."""
    terminals = [bureau.registrar.register_terminal(bureau.agency, "counter") for _ in range(count)]
    for terminal in terminals:
        terminal.open()
    return terminals
