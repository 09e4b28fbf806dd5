"""A counter with a reader: the bridge's side of a session, played by a test on a virtual card in this process.

It relays what the server asks, as `ecard-bridge` does, and may lie where a test says so.
"""

import itertools
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from cardio.errors import CardError, PinWrong
from cardio.keys.model import serial_of
from cardio.reading import verify_pin
from cardio.script import run
from cardio.transport.held import Held
from cardio.transport.virtual import VirtualReaders
from cardio.virtual.card import VirtualCard
from cardio.virtual.data import CardData
from ecard.client import Terminal
from tests.bureau import Bureau, Person, new_person
from tests.cardio.counter import Bridge, Line, pair

PIN = "123456"
Lie = Callable[[Sequence[bytes], list[bytes]], list[bytes]]
"""What a lying PC makes of commands and answers."""
_serials = itertools.count(secrets.randbelow(2**23))


def new_card(
    bureau: Bureau, *, version: str = "3.00", registered: bool = True, **changed: Any
) -> tuple[Person, VirtualCard]:
    """Return a person and their physical card; `changed` are other fields of what is on the card."""
    person = new_person(issuing_area="119900")
    data = {
        "number": person.facts["id_no"],
        "name": person.facts["name"],
        "card_no": person.facts["card_no"],
        "pan": person.facts["bank_account"],
        "serial": next(_serials) % 2**24,
    }
    card = VirtualCard(CardData(**{**data, **changed}), version=version)
    person.facts["card_id"] = card.data.card_id.hex()
    person.facts["card_atr"] = serial_of(card.atr).hex()
    if registered:
        bureau.cards.register_holder(**person.facts)
    return person, card


class Counter:
    """A terminal, and beside it a bridge with one reader."""

    def __init__(
        self, bureau: Bureau, setting: str = "counter", *, base_url: str | None = None, agency: UUID | None = None
    ) -> None:
        self.bureau = bureau
        self.terminal: Terminal = bureau.registrar.register_terminal(agency or bureau.agency, setting)
        self.bridge = Bridge(bureau.registrar, agency or bureau.agency, bureau.issuer)
        self.readers = VirtualReaders("Test Reader 00")
        self.pin: str | None = PIN
        self.lie: Lie = lambda _, answers: answers
        self.seen: list[dict[str, Any]] = []
        """Every frame of sessions that the server sent."""
        self._held: dict[str, Held] = {}
        self.line: Line = self.bridge.dial(base_url or bureau.base_url, self.answer)
        pair(self.terminal, self.line)

    def answer(self, line: Line, frame: dict[str, Any]) -> None:
        """Do what the server says, as a bridge does."""
        self.seen.append(frame)
        session = frame["session"]
        try:
            match frame["type"]:
                case "open":
                    self._held[session] = self.readers.hold("Test Reader 00")
                    atr = self._held[session].atr.hex().upper()
                    line.say("opened", session=session, atr=atr, reader="Test Reader 00")
                case "apdus":
                    commands = [bytes.fromhex(one) for one in frame["commands"]]
                    answers = self._held[session].exchange(commands, stop_on_error=frame["stop_on_error"])
                    said = [one.hex().upper() for one in self.lie(commands, answers)]
                    line.say("answers", session=session, n=frame["n"], answers=said)
                case "pin":
                    self._pin(line, frame)
                case "close":
                    self._release(session)
        except CardError as error:
            line.say("failed", session=session, code=error.code)
            self._release(session)

    def _pin(self, line: Line, frame: dict[str, Any]) -> None:
        if self.pin is None:
            line.say("failed", session=frame["session"], code="pin_cancelled")
            return
        members = {"session": frame["session"], "n": frame["n"]}
        try:
            run(verify_pin(self.pin), self._held[frame["session"]])
            line.say("pin", **members, verified=True)
        except PinWrong as wrong:
            self.pin = PIN  # the holder looks again
            line.say("pin", **members, verified=False, left=wrong.left)

    def _release(self, session: str) -> None:
        held = self._held.pop(session, None)
        if held is not None:
            held.close()

    def insert(self, card: VirtualCard) -> None:
        """Put a card into the reader."""
        self.readers.insert(card)

    def open(self, item: str, **more: Any) -> UUID:
        """Begin to read for an item."""
        return UUID(self.terminal.call("POST", "/v1/card-sessions", {"item": item, **more}).json()["id"])

    def look(self, session: UUID, wait: int = 0) -> dict[str, Any]:
        """Return how a session stands."""
        # The address is signed without its query only where there is none.
        view: dict[str, Any] = self.terminal.call("GET", f"/v1/card-sessions/{session}", query=f"wait={wait}").json()
        return view

    def read(self, item: str, card: VirtualCard | None = None) -> dict[str, Any]:
        """Read a card for an item to the end, and return how the session then stands."""
        if card is not None:
            self.insert(card)
        session = self.open(item)
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            view = self.look(session, wait=5)
            if view["state"] not in {"opening", "reading", "pin"}:
                return view
        raise AssertionError(view)

    def visit(self, item: str, session: str | UUID, *, key: str | None = None) -> dict[str, Any]:
        """Present the read as evidence."""
        body = {"item": item, "evidence": {"kind": "card", "session": str(session)}}
        answer: dict[str, Any] = self.terminal.call("POST", "/v1/visits", body, key=key).json()
        return answer

    def trips(self, session: str) -> int:
        """Return the round trips of a session's commands."""
        return sum(one["type"] == "apdus" and one["session"] == session for one in self.seen)

    def close(self) -> None:
        """Hang up."""
        self.line.close()
