"""The bank's counter: who asks is checked, the fault that the script holds is met, the book decides."""

import asyncio
import contextlib
from collections.abc import Callable

import msgspec

from ecard.keys import Signer, Suite, Verifier, generate
from pay.banks import wire
from pay.banks.bank import Ask, Credit, Debit, Outcome, Payout
from pay.banks.simulator import statement
from pay.banks.simulator.book import Book
from pay.banks.simulator.faults import Fault, Kind, Script
from pay.banks.simulator.line import Asked, Gone, Reply
from pay.banks.wire import Path, Told

_CLOCK_SKEW = 300
_ASKS: dict[str, type[Debit | Credit | Payout]] = {Path.PAY: Debit, Path.REFUND: Credit, Path.PAYOUT: Payout}
_NAMES = {
    Path.PAY: "pay",
    Path.REFUND: "refund",
    Path.PAYOUT: "payout",
    Path.QUERY: "query",
    Path.REVERSE: "reverse",
}


class Counter:
    """Answers what comes in on the bank's port."""

    def __init__(self, name: str, book: Book, script: Script, signer: Signer, clock: Callable[[], float]) -> None:
        self.name = name
        self.book = book
        self.script = script
        self.signer = signer
        self.clients: list[Verifier] = []
        self.booked: Callable[[Told], None] = lambda _: None
        """Called with what was decided: notifications begin here."""
        self._clock = clock
        self._stranger = generate(Suite.ES256)[0]
        self._answered = asyncio.Event()

    async def answer(self, asked: Asked) -> Reply | Gone:
        """Return the answer to a request, or what happens to its line."""
        if not self._is_clients(asked):
            return Reply(b"{}", 401)
        try:
            if asked.path == Path.STATEMENT:
                day = msgspec.json.decode(asked.body, type=wire.Day).day
                return self._signed(asked, statement.render(self.name, day, self.book.lines(day)))
            if asked.path not in _NAMES:
                return Reply(b"{}", 404)
            return await self._decide(asked, Path(asked.path))
        except msgspec.DecodeError:
            return Reply(b"{}", 400)

    def _is_clients(self, asked: Asked) -> bool:
        at, signature = asked.headers.get(wire.TIME, ""), asked.headers.get(wire.SIGNATURE, "")
        for client in self.clients:
            with contextlib.suppress(wire.Unverified):
                wire.verify(
                    client,
                    asked.method,
                    asked.path,
                    asked.body,
                    at=at,
                    signature=signature,
                    now=self._clock(),
                    skew=_CLOCK_SKEW,
                )
                return True
        return False

    async def _decide(self, asked: Asked, path: Path) -> Reply | Gone:
        ask: Ask | None = None
        if path in _ASKS:
            ask = msgspec.json.decode(asked.body, type=_ASKS[path])
            ref, account = ask.ref, "" if isinstance(ask, Credit) else ask.account
        else:
            ref, account = msgspec.json.decode(asked.body, type=wire.Ref).ref, ""
        fault = self.script.take(_NAMES[path], account)
        if fault and fault.kind is Kind.DELAY:
            await asyncio.sleep(fault.seconds)
        if fault and (fault.kind is Kind.LOSE_REQUEST or not fault.booked):
            told = Told(ref, Outcome.UNKNOWN)
        else:
            told = self._booked(ask, ref, path, fault)
        reply = await self._reply(asked, told, fault)
        self._answered.set()
        self._answered.clear()
        return reply

    def _booked(self, ask: Ask | None, ref: str, path: Path, fault: Fault | None) -> Told:
        if ask is None:
            return self.book.query(ref) if path is Path.QUERY else self.book.reverse(ref)
        kind = fault.kind if fault else None
        decline = fault.code if fault and kind is Kind.DECLINE else ""
        told = self.book.post(ask, decline=decline, pending=kind is Kind.NEXT_DAY, returned=kind is Kind.RETURN)
        self.booked(told)
        return told

    async def _reply(self, asked: Asked, told: Told, fault: Fault | None) -> Reply | Gone:
        match fault.kind if fault else None:
            case Kind.LOSE_REPLY | Kind.LOSE_REQUEST:
                return Gone.BROKEN
            case Kind.HALF_OPEN:
                return Gone.SILENT
            case Kind.ERROR:
                return Reply(b"oops", 500)
            case Kind.GARBAGE:
                return self._signed(asked, b"<html>")
            case Kind.UNSIGNED:
                return Reply(msgspec.json.encode(told))
            case Kind.FORGED:
                body = msgspec.json.encode(Told(told.ref, Outcome.DECLINED, "05"))
                signature = asked.headers[wire.SIGNATURE]
                return Reply(body, headers=wire.signed_answer(self._stranger, signature, 200, body))
            case Kind.TWICE:
                return self._signed(asked, msgspec.json.encode(told))._replace(copies=2)
            case Kind.SLOW_REPLY:
                await asyncio.sleep(fault.seconds if fault else 0)
            case Kind.OUT_OF_ORDER:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._answered.wait(), fault.seconds if fault else 0)
        return self._signed(asked, msgspec.json.encode(told))

    def _signed(self, asked: Asked, body: bytes) -> Reply:
        return Reply(body, headers=wire.signed_answer(self.signer, asked.headers[wire.SIGNATURE], 200, body))
