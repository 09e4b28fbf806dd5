"""Who a rehearsal is played by: operators, terminals of an agency with readers beside them, and people with both forms.

Everything is made over public operations; what many rows need (a merchant, a school, an office) is made once.
"""

import contextlib
import itertools
import secrets
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import httpx

from cardio.virtual.card import VirtualCard
from ecard.cards.sandbox import FACE_PASSED
from ecard.catalogue.model import Form, Item, Scene, Strength
from ecard.cli.sandbox import ISSUER, Operators
from ecard.cli.story import PASSWORD, expect, new_card, new_person
from ecard.cli.window import Window
from ecard.client import Channel, Phone, Terminal
from ecard.numbers import uscc

READS_EACH = 50
"""Cards read at one terminal before the next takes over: a terminal may read sixty a minute."""
T = TypeVar("T")
_numbers = itertools.count(secrets.randbelow(10**6) * 1000)


class Person(NamedTuple):
    """A sandbox person with both forms of the card."""

    facts: dict[str, str]
    phone: Phone
    card: VirtualCard


class Place:
    """A terminal of an agency with a bridge beside it: one card is read at a time."""

    def __init__(self, stage: "Stage", agency: UUID, setting: str) -> None:
        self.terminal: Terminal = stage.by.registrar.register_terminal(agency, setting, site="沙箱大厅")
        self.agency, self._stage, self._lock = agency, stage, threading.Lock()
        self._window: Window | None = None

    def evidence(
        self, item: Item, form: Form, person: Person, write: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Return what `person` presents here for `item`, proven as strongly as the item asks; a card may be written."""
        if form is Form.PHYSICAL:
            return {"kind": "card", "session": self._read(item, person.card, write)}
        if item.strength.meets(Strength.KNOWLEDGE):
            person.phone.prove(PASSWORD)
        return {"kind": "code", "code": person.phone.code(Scene(item.scene).name.lower())}

    def _read(self, item: Item, card: VirtualCard, write: Mapping[str, str] | None) -> str:
        """Return the session in which `card` was read for `item`, proved itself, and was written if asked."""
        with self._lock:
            if self._window is None:
                stage = self._stage
                self._window = Window(stage.by.registrar, str(self.agency), self.terminal, ISSUER)
                stage.until_the_end(self._window.paired())
            seen = self._window.read(item.code, card, write)
        expect(seen["state"] == "proven", f"the card proves itself: {seen}")
        expect(write is None or seen["written"] == "written", f"the card is written: {seen}")
        return str(seen["id"])

    def visit(self, item: Item, form: Form, person: Person, write: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return a visit of `person` here."""
        asked = {"item": item.code, "evidence": self.evidence(item, form, person, write)}
        made: dict[str, Any] = self.terminal.call("POST", "/v1/visits", asked).json()
        expect(made["form"] == form.value, "the visit says which form was used")
        return made


class Stage:
    """What the plays share."""

    def __init__(self, http: httpx.Client, by: Operators, ending: contextlib.ExitStack) -> None:
        self.http, self.by, self._ending = http, by, ending
        self.channel: Channel = by.registrar.register_channel("沙箱掌上社保", "hrss")
        self._made: dict[object, Any] = {}
        self._lock = threading.RLock()

    def once(self, name: object, make: Callable[[], T]) -> T:
        """Return what `make` returned the first time that it was asked for under `name`."""
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            made: T = self._made[name]
            return made

    def until_the_end(self, context: "contextlib.AbstractContextManager[Any]") -> None:
        """Enter a context that lasts as long as the rehearsal."""
        with self._lock:
            self._ending.enter_context(context)

    def agency(self, name: str = "沙箱市人社局") -> UUID:
        """Return the agency of this name."""

        def make() -> UUID:
            seventeen = f"12640000MB{secrets.randbelow(10**7):07d}"
            return self.by.registrar.register_agency(name, seventeen + uscc.check_digit(seventeen))

        return self.once(("agency", name), make)

    def place(self, setting: str = "counter", agency: UUID | None = None) -> Place:
        """Return a place of an agency where terminals are of this setting; each serves so many and the next follows."""
        owner = agency or self.agency()
        turn = self.once(("turn", setting, owner), itertools.count)
        return self.once(("place", setting, owner, next(turn) // READS_EACH), lambda: Place(self, owner, setting))

    def proof(self, item: Item, person: Person) -> dict[str, str]:
        """Return what proves `person` on the own phone as strongly as the item asks."""
        if item.strength is Strength.BIOMETRIC:
            return {"face": FACE_PASSED}
        return {"busi_seq": person.phone.prove(PASSWORD)} if item.strength is Strength.KNOWLEDGE else {}

    def person(self) -> Person:
        """Return a new person with an e-card of level 2 and a physical card."""
        facts = new_person()
        card = new_card(facts)
        self.by.cards.register_holder(**facts)
        phone = self.channel.issue(
            ISSUER,
            name=facts["name"],
            id_no=facts["id_no"],
            card_no=facts["card_no"],
            password=PASSWORD,
            face=FACE_PASSED,
        )
        phone.open_payment(PASSWORD)
        return Person(facts, phone, card)


def number(prefix: str) -> str:
    """Return a number that was not used before."""
    return f"{prefix}{next(_numbers)}"
