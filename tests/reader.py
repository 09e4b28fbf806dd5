"""A terminal with a reader beside it, and people whose physical cards are put into it."""

import atexit
import contextlib
from typing import Any
from uuid import UUID

from cardio.virtual.card import VirtualCard
from ecard.cli.story import new_card
from ecard.cli.window import Window
from tests.bureau import Bureau, Person, new_person


def carded(bureau: Bureau) -> tuple[Person, VirtualCard]:
    """Return a new person and the physical card."""
    person = new_person()
    card = new_card(person.facts)
    bureau.cards.register_holder(**person.facts)
    return person, card


class Readers:
    """A terminal of an agency, by default the bureau's, whose bridge lasts as long as the process."""

    def __init__(self, bureau: Bureau, setting: str = "counter", agency: UUID | None = None) -> None:
        owner = agency or bureau.agency
        self.terminal = bureau.registrar.register_terminal(owner, setting)
        self._window = Window(bureau.registrar, str(owner), self.terminal, bureau.issuer)
        lasting = contextlib.ExitStack()
        lasting.enter_context(self._window.paired())
        atexit.register(lasting.close)

    def evidence(self, item: str, card: VirtualCard) -> dict[str, Any]:
        """Return a card that was read for `item` and proved itself, as evidence."""
        seen = self._window.read(item, card)
        assert seen["state"] == "proven", seen
        return {"kind": "card", "session": seen["id"]}

    def visit(self, item: str, card: VirtualCard) -> str:
        """Return the visit of a card's holder for `item`."""
        asked = {"item": item, "evidence": self.evidence(item, card)}
        return str(self.terminal.call("POST", "/v1/visits", asked).json()["visit"])
