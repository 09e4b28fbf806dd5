"""收费单位模拟器: an agency that integrators and tests run as a process of its own, with scripted faults.

    python -m pay.bills.simulator --port 8700

It speaks `pay.bills.wire` and takes its key at `POST /control/key`; `POST /control/bills` gives it bills,
`/control/faults` says how it fails, `/control/elsewhere` pays a bill at its own counter, `GET /control/book` shows
what it knows. Its first line of output is `{"url": "http://127.0.0.1:8700"}`. For the loopback only.
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
from pay.bills import wire
from pay.bills.model import Marked, Owed, Paid

On = Literal["inquiry", "payment"]
_MANY = 1000


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """How the next `times` requests fail: refused with 500, late, or done without an answer."""

    kind: Literal["fail", "slow", "lose_reply", "garble"]
    on: On
    times: int = 1
    seconds: float = 0.0


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account and what it owes."""

    account: str
    bills: list[Owed]


class Agency:
    """What the agency knows: bills by account, which order paid which, how often it was told."""

    def __init__(self) -> None:
        self.key = b""
        self.accounts: dict[str, list[Owed]] = {}
        self.paid: dict[str, str] = {}
        self.told: Counter[str] = Counter()
        self.faults: list[Fault] = []

    def fault(self, on: On) -> Fault | None:
        """Return the fault that this request meets, and count it."""
        for place, one in enumerate(self.faults):
            if one.on == on:
                left = msgspec.structs.replace(one, times=one.times - 1)
                self.faults[place : place + 1] = [left] if left.times > 0 else []
                return one
        return None

    def owed(self, account: str) -> list[Owed] | None:
        """Return the unpaid bills of an account."""
        bills = self.accounts.get(account)
        return None if bills is None else [one for one in bills if one.bill_no not in self.paid]

    def mark(self, paid: Paid) -> Marked:
        """Note a payment once: the first order wins, and is told so however often it asks."""
        self.told[str(paid.order)] += 1
        first = self.paid.setdefault(paid.bill_no, str(paid.order))
        return Marked.MARKED if first == str(paid.order) else Marked.ELSEWHERE


def application(agency: Agency) -> Litestar:
    """Return the agency's server."""

    @post(wire.INQUIRIES)
    async def inquiries(request: Request[Any, Any, Any]) -> Response[bytes]:
        body, asked, fault = await _opened(agency, request, wire.INQUIRIES, "inquiry")
        if fault is not None and fault.kind == "fail":
            return Response(b"", status_code=500)
        bills = agency.owed(msgspec.json.decode(body, type=wire.Inquiry).account)
        if bills is None:
            return _signed(agency, asked, 404, b"{}", fault)
        return _signed(agency, asked, 200, msgspec.json.encode(wire.Found(bills=bills)), fault)

    @post(wire.PAYMENTS)
    async def payments(request: Request[Any, Any, Any]) -> Response[bytes]:
        body, asked, fault = await _opened(agency, request, wire.PAYMENTS, "payment")
        if fault is not None and fault.kind == "fail":
            return Response(b"", status_code=500)
        result = agency.mark(msgspec.json.decode(body, type=Paid))
        return _signed(agency, asked, 200, msgspec.json.encode(wire.Result(result=result)), fault)

    return Litestar([inquiries, payments, *_control(agency)], openapi_config=None, logging_config=None)


async def _opened(
    agency: Agency, request: Request[Any, Any, Any], path: str, on: On
) -> tuple[bytes, str, Fault | None]:
    """Return body and signature of a request, and the fault that it meets: a wrong signature is one."""
    body = await request.body()
    timestamp, given = request.headers.get(partners.TIMESTAMP, ""), request.headers.get(partners.SIGNATURE, "")
    right = partners.fits(partners.signature(agency.key, timestamp, path, body), given)
    if not right or abs(int(timestamp) - time.time()) > partners.SKEW:
        return b"", "", Fault(kind="fail", on=on)
    fault = agency.fault(on)
    if fault is not None and fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
    return body, given, fault


def _signed(agency: Agency, asked: str, status: int, body: bytes, fault: Fault | None) -> Response[bytes]:
    signature = partners.answer_signature(agency.key, asked, status, body)
    if fault is not None and fault.kind == "lose_reply":
        return Response(b"", status_code=502)
    if fault is not None and fault.kind == "garble":
        body += b" "
    headers = {partners.SIGNATURE: signature}
    return Response(body, status_code=status, headers=headers, media_type="application/json")


def _control(agency: Agency) -> list[Any]:
    @post("/control/key", status_code=204)
    async def key(data: JSONBody[dict[str, str]]) -> None:
        agency.key = bytes.fromhex(data["key"])

    @post("/control/bills", status_code=204)
    async def bills(data: JSONBody[Account]) -> None:
        agency.accounts[data.account] = data.bills

    @post("/control/faults", status_code=204)
    async def faults(data: JSONBody[list[Fault]]) -> None:
        agency.faults = data

    @post("/control/elsewhere", status_code=204)
    async def elsewhere(data: JSONBody[dict[str, str]]) -> None:
        agency.paid[data["bill_no"]] = "counter"

    @get("/control/book")
    async def book() -> dict[str, Any]:
        return {"paid": agency.paid, "told": dict(agency.told)}

    return [key, bills, faults, elsewhere, book]


@click.command()
@click.option("--port", default=0, help="端口 · port, 0 for a free one")
def main(port: int) -> None:
    """运行收费单位模拟器。Run the simulated agency."""
    line = socket.create_server(("127.0.0.1", port), backlog=_MANY)
    sys.stdout.write(f'{{"url": "http://127.0.0.1:{line.getsockname()[1]}"}}\n')
    sys.stdout.flush()
    config = uvicorn.Config(application(Agency()), log_level="error", access_log=False, ws="none")
    uvicorn.Server(config).run(sockets=[line])


if __name__ == "__main__":
    main()
