"""Terminals that go on using codes while something is killed, and what must be true afterwards."""

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Self

from ecard.client import Phone, Refused, Terminal
from tests.races.lines import BROKEN, Answer, Line, signed_visit
from tests.races.server import eventually

PAUSE = 0.03
"""Seconds between two codes: some thirty a second, each at every terminal."""


class Load:
    """Every terminal tries each code, one code after the other, until the context ends or no code is left.

    A request whose connection broke is sent again on a new one, the same to the byte, as a terminal
    would; a server that takes no connection any more ends the load.
    """

    def __init__(self, port: int, phone: Phone, terminals: Sequence[Terminal], codes: int = 100) -> None:
        self._port = port
        self._terminals = terminals
        self._codes = [phone.code() for _ in range(codes)]
        self._done = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self.answers: dict[str, list[Answer]] = {}
        """The answers to each code, the last first code to the last; BROKEN ones are not kept."""
        self.broken = 0
        """Connections that broke before their answer."""
        self.slowest = 0.0
        """Seconds that the slowest answer took."""

    def __enter__(self) -> Self:
        """Start, and return when codes are being used."""
        self._thread.start()
        self.await_codes(3)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._done.set()
        self._thread.join(60)

    def await_codes(self, more: int) -> None:
        """Return when so many more codes have been tried."""
        wanted = len(self.answers) + more
        assert eventually(lambda: len(self.answers) >= wanted or not self._thread.is_alive(), 30)

    def await_problem(self, code: str) -> None:
        """Return when an answer has been this problem."""
        assert eventually(lambda: code in self.problems(), 30), self.problems()

    def problems(self) -> set[str]:
        """Return the codes of all problems so far; "" stands for an accepted visit."""
        return {answer.problem for answers in list(self.answers.values()) for answer in list(answers)}

    def acknowledged(self) -> dict[str, set[str]]:
        """Return, for each code that was tried, the visits that were answered with 201."""
        return {
            code: {answer.visit for answer in answers if answer.status == 201} for code, answers in self.answers.items()
        }

    async def _run(self) -> None:
        lines: dict[Terminal, Line] = {}
        try:
            for code in self._codes:
                if self._done.is_set():
                    break
                kept = self.answers.setdefault(code, [])
                asked = [self._ask(lines, terminal, signed_visit(terminal, code), kept) for terminal in self._terminals]
                if not all(await asyncio.gather(*asked)):
                    break
                await asyncio.sleep(PAUSE)
        finally:
            for line in lines.values():
                await line.close()

    async def _ask(self, lines: dict[Terminal, Line], terminal: Terminal, request: bytes, kept: list[Answer]) -> bool:
        started = time.monotonic()
        while True:
            if terminal not in lines:
                try:
                    lines[terminal] = await Line.open(self._port)
                except ConnectionError:
                    return False
            answer = await lines[terminal].ask(request)
            if answer is not BROKEN:
                break
            self.broken += 1
            await lines.pop(terminal).close()
        kept.append(answer)
        self.slowest = max(self.slowest, time.monotonic() - started)
        return True


def uses(phone: Phone) -> list[str]:
    """Return the visits that the holder sees, at most a hundred."""
    return [use["id"] for use in phone.call("GET", "/v1/me/uses", query="limit=100").json()]


def presented(terminal: Terminal, code: str) -> str:
    """Return the visit that a code is accepted for, or why it is refused."""
    try:
        return str(terminal.visit("A1-01", code)["visit"])
    except Refused as refused:
        return refused.code


def assert_each_once(load: Load, phone: Phone, terminal: Terminal) -> None:
    """Assert that no code had two visits, that no acknowledged visit is lost, and that none can be had again.

    In the end every code that was tried, by whomever and whatever became of it, has one visit.
    """
    acknowledged = load.acknowledged()
    assert all(len(visits) <= 1 for visits in acknowledged.values())
    first = {visit for visits in acknowledged.values() for visit in visits}
    assert first <= set(uses(phone))
    late = set()
    for code, visits in acknowledged.items():
        found = presented(terminal, code)
        if found != "code_replayed":
            assert not visits
            late.add(found)
    seen = uses(phone)
    assert first | late <= set(seen)
    assert len(seen) == len(set(seen)) == len(acknowledged)
