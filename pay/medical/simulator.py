"""医保经办模拟器: an agency that integrators and tests run as a process of its own, with scripted faults.

    python -m pay.medical.simulator --port 8710

It speaks `pay.medical.wire` and takes its key at `POST /control/key`; `/control/faults` says how it fails,
`GET /control/book` shows what it decided and how often it was asked. Its first line of output is
`{"url": "http://127.0.0.1:8710"}`. For the loopback only.
"""

import asyncio
import socket
import sys
import time
from collections import Counter
from typing import Any, Literal

import click
import msgspec
import uvicorn
from litestar import Litestar, Request, Response, get, post
from litestar.params import JSONBody

from pay import partners
from pay.medical import wire
from pay.medical.agency import Asked, Said, Verdict, judged

On = Literal["request", "query"]
_MANY = 1000


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """How the next `times` requests fail: with 500 and nothing done, late, done without an answer, or garbled."""

    kind: Literal["fail", "slow", "lose_reply", "garble"]
    on: On
    times: int = 1
    seconds: float = 0.0


class Book:
    """What the agency knows: its decision on each reference, and how often it was asked."""

    def __init__(self) -> None:
        self.key = b""
        self.decided: dict[str, Said] = {}
        self.asked: Counter[str] = Counter()
        self.faults: list[Fault] = []

    def fault(self, on: On) -> Fault | None:
        """Return the fault that this request meets, and count it."""
        for place, one in enumerate(self.faults):
            if one.on == on:
                left = msgspec.structs.replace(one, times=one.times - 1)
                self.faults[place : place + 1] = [left] if left.times > 0 else []
                return one
        return None

    def decide(self, asked: Asked) -> Said:
        """Decide once for a reference."""
        self.asked[asked.ref] += 1
        return self.decided.setdefault(asked.ref, judged(asked))

    def known(self, ref: str) -> Said:
        """Return what was decided."""
        return self.decided.get(ref, Said(Verdict.UNKNOWN))


def application(book: Book) -> Litestar:
    """Return the agency's server."""

    @post(wire.REQUESTS, status_code=200)
    async def requests(request: Request[Any, Any, Any]) -> Response[bytes]:
        body, signed, fault = await _opened(book, request, wire.REQUESTS, "request")
        if fault is not None and fault.kind == "fail":
            return Response(b"", status_code=500)
        return _signed(book, signed, book.decide(msgspec.json.decode(body, type=Asked)), fault)

    @post(wire.QUERIES, status_code=200)
    async def queries(request: Request[Any, Any, Any]) -> Response[bytes]:
        body, signed, fault = await _opened(book, request, wire.QUERIES, "query")
        if fault is not None and fault.kind == "fail":
            return Response(b"", status_code=500)
        return _signed(book, signed, book.known(msgspec.json.decode(body, type=wire.Query).ref), fault)

    return Litestar([requests, queries, *_control(book)], openapi_config=None, logging_config=None)


async def _opened(book: Book, request: Request[Any, Any, Any], path: str, on: On) -> tuple[bytes, str, Fault | None]:
    """Return body and signature of a request, and the fault that it meets: a wrong signature is one."""
    body = await request.body()
    timestamp, given = request.headers.get(partners.TIMESTAMP, "0"), request.headers.get(partners.SIGNATURE, "")
    right = partners.fits(partners.signature(book.key, timestamp, path, body), given)
    if not right or abs(int(timestamp) - time.time()) > partners.SKEW:
        return b"", "", Fault(kind="fail", on=on)
    fault = book.fault(on)
    if fault is not None and fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
    return body, given, fault


def _signed(book: Book, asked: str, said: Said, fault: Fault | None) -> Response[bytes]:
    body = msgspec.json.encode(wire.Answer(verdict=said.verdict, code=said.code))
    signature = partners.answer_signature(book.key, asked, 200, body)
    if fault is not None and fault.kind == "lose_reply":
        return Response(b"", status_code=502)
    if fault is not None and fault.kind == "garble":
        body += b" "
    return Response(body, headers={partners.SIGNATURE: signature}, media_type="application/json", status_code=200)


def _control(book: Book) -> list[Any]:
    @post("/control/key", status_code=204)
    async def key(data: JSONBody[dict[str, str]]) -> None:
        book.key = bytes.fromhex(data["key"])

    @post("/control/faults", status_code=204)
    async def faults(data: JSONBody[list[Fault]]) -> None:
        book.faults = data

    @get("/control/book")
    async def show() -> dict[str, Any]:
        return {"decided": {ref: one.verdict for ref, one in book.decided.items()}, "asked": dict(book.asked)}

    return [key, faults, show]


@click.command()
@click.option("--port", default=0, help="端口 · port, 0 for a free one")
def main(port: int) -> None:
    """运行医保经办模拟器。Run the simulated agency."""
    line = socket.create_server(("127.0.0.1", port), backlog=_MANY)
    sys.stdout.write(f'{{"url": "http://127.0.0.1:{line.getsockname()[1]}"}}\n')
    sys.stdout.flush()
    config = uvicorn.Config(application(Book()), log_level="error", access_log=False, ws="none")
    uvicorn.Server(config).run(sockets=[line])


if __name__ == "__main__":
    main()
