"""Card and code in every order: what the server accepts is what a model in plain Python says."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from ecard.client import Channel, Phone, Refused, Terminal
from ecard.client.actors import new_signer
from ecard.ids import new_id
from ecard.keys import Suite
from tests.bureau import PASSWORD, Bureau

ITEM = "A1-01"
SEEN_WITHIN = 2.0
"""Seconds after which a card's or phone's death is known where codes are issued."""
JOINS = 8
"""How often one person may be issued the e-card in an example; the server's limit is ten an hour."""
OPERATOR_MOVES = {
    "lost_temporary": {"active"},
    "lost": {"active", "lost_temporary"},
    "locked": {"active"},
    "active": {"lost_temporary", "lost", "locked"},
}
"""From which states an operator may move a card to each."""


class Shown(NamedTuple):
    """A screen's code and digits; `screen` is the 30 s step, shared by every code that the card shows in it."""

    code: str
    number: str
    screen: int
    phone: Phone


class Accepted(NamedTuple):
    """A visit that was answered with 201, and the request that it answered."""

    terminal: Terminal
    key: str
    text: str
    phone: Phone | None
    answer: dict[str, Any]
    at: float


def outcome(call: Callable[[], Any]) -> tuple[str, Any]:
    """Return "ok" and what `call` returns, or the code of its refusal."""
    try:
        return "ok", call()
    except Refused as refused:
        return refused.code, None


def comes_true(call: Callable[[], Any], wanted: str) -> Any:
    """Return what `call` returns once its outcome is `wanted`, which it must be within SEEN_WITHIN."""
    deadline = time.monotonic() + SEEN_WITHIN
    while True:
        code, answer = outcome(call)
        if code == wanted:
            return answer
        assert time.monotonic() < deadline, f"{code} and not {wanted}"
        time.sleep(0.01)


class CardAndCode(RuleBasedStateMachine):
    """One person, one card, a phone in each of two channels, two terminals, an operator."""

    def __init__(self, bureau: Bureau, channels: list[Channel], terminals: list[Terminal]) -> None:
        super().__init__()
        self.bureau = bureau
        self.terminals = terminals
        self.channels = channels
        self.person = bureau.register()
        # The model.
        self.status = "active"
        self.phones: dict[int, Phone] = {}
        self.unbound = False
        self.joins = 0
        self.shown: list[Shown] = []
        self.used: set[str] = set()
        self.screens_of_codes: set[int] = set()
        self.screens_of_digits: set[int] = set()
        self.accepted: list[Accepted] = []
        self.disputed: set[str] = set()
        self.join(0)

    def refusal(self, phone: Phone | None, *, used: bool) -> str:
        """Return how evidence is answered: shown by a phone, or as digits, and used before or not."""
        if self.status != "active":
            return "card_suspended"
        # Digits do not say whose they are: one phone's unbinding stops those of all, for longer than an example.
        if self.unbound if phone is None else phone not in self.phones.values():
            return "device_unbound"
        return "code_replayed" if used else "ok"

    def visit(self, terminal: int, text: str, expected: str, phone: Phone | None) -> None:
        """Present `text` and check the answer; an accepted visit joins the model."""
        where, key = self.terminals[terminal], new_id().hex
        got, answer = outcome(lambda: where.visit(ITEM, text, key=key))
        assert got == expected
        if got == "ok":
            self.accepted.append(Accepted(where, key, text, phone, answer, time.monotonic()))

    @rule(channel=st.integers(0, 1))
    @precondition(lambda self: self.joins < JOINS)
    def join(self, channel: int) -> None:
        """Issue the e-card, or join a channel with the password; a phone bound there before is unbound."""
        self.joins += 1
        # A device's key is registered once, so each phone has a new one.
        issue = self.channels[channel].issue
        got, phone = outcome(lambda: issue(self.bureau.issuer, signer=new_signer(Suite.ES256), **self.person.applicant))
        assert got == ("ok" if self.status == "active" else "card_suspended")
        if phone is not None:
            assert phone.issued["action_type"] == ("001" if self.joins == 1 else "002")
            self.unbound |= channel in self.phones
            self.phones[channel] = phone

    @rule(channel=st.integers(0, 1))
    @precondition(lambda self: self.phones)
    def show(self, channel: int) -> None:
        """Show a code; of a dead card none is issued."""
        phone = self.phones.get(channel) or self.phones[1 - channel]
        if self.status != "active":
            comes_true(phone.codes, "card_suspended")
            return
        screen = comes_true(phone.codes, "ok")[0]
        self.shown.append(Shown(screen["code"], screen["number"], screen["show_from"], phone))

    @rule(data=st.data(), terminal=st.integers(0, 1))
    @precondition(lambda self: self.shown)
    def scan(self, data: st.DataObject, terminal: int) -> None:
        """Scan a code, of now or before, for the first or the tenth time."""
        one = data.draw(st.sampled_from(self.shown[-4:]))
        used = one.code in self.used or one.screen in self.screens_of_digits
        expected = self.refusal(one.phone, used=used)
        self.visit(terminal, one.code, expected, one.phone)
        if expected == "ok":
            self.used.add(one.code)
            self.screens_of_codes.add(one.screen)

    @rule(data=st.data(), terminal=st.integers(0, 1))
    @precondition(lambda self: self.shown)
    def scan_digits(self, data: st.DataObject, terminal: int) -> None:
        """Scan the digits under a code: good once for a screen that was not used in any form."""
        one = data.draw(st.sampled_from(self.shown[-4:]))
        expected = self.refusal(None, used=one.screen in self.screens_of_digits | self.screens_of_codes)
        self.visit(terminal, one.number, expected, None)
        if expected == "ok":
            self.screens_of_digits.add(one.screen)

    @rule()
    @precondition(lambda self: self.accepted)
    def ask_again(self) -> None:
        """Send the last accepted request once more, as a terminal does that did not get the answer."""
        last = self.accepted[-1]
        assume(time.monotonic() - last.at < 8)
        expected = self.refusal(last.phone, used=last.answer["visit"] in self.disputed)
        got, answer = outcome(lambda: last.terminal.visit(ITEM, last.text, key=last.key))
        assert got == expected
        assert answer in (None, last.answer)

    @rule(data=st.data())
    @precondition(lambda self: self.accepted)
    def look_at_an_assertion(self, data: st.DataObject) -> None:
        """Ask whether an assertion stands: not disputed, and the card alive."""
        one = data.draw(st.sampled_from(self.accepted))
        assume(time.monotonic() - one.at < 50)
        stands = self.status == "active" and one.answer["visit"] not in self.disputed
        assert one.terminal.introspect(one.answer["assertion"])["active"] is stands

    @rule(data=st.data())
    @precondition(lambda self: self.accepted and self.phones)
    def dispute(self, data: st.DataObject) -> None:
        """Dispute a use, or one that was disputed before."""
        visit = data.draw(st.sampled_from(self.accepted)).answer["visit"]
        phone = next(iter(self.phones.values()))
        got, _ = outcome(lambda: phone.call("POST", f"/v1/me/uses/{visit}/dispute"))
        assert got == ("not_found" if visit in self.disputed else "ok")
        self.disputed.add(visit)

    @rule()
    @precondition(lambda self: self.phones)
    def report_lost(self) -> None:
        """Report the card lost on a phone."""
        phone = next(iter(self.phones.values()))
        got, _ = outcome(phone.report_lost)
        assert got == ("ok" if self.status == "active" else "card_status_conflict")
        self.status = "lost_temporary" if got == "ok" else self.status

    @rule()
    @precondition(lambda self: self.phones)
    def report_found(self) -> None:
        """Take the report back with the password; what an operator did stays."""
        phone = next(iter(self.phones.values()))
        got, _ = outcome(lambda: phone.report_found(PASSWORD))
        assert got == ("ok" if self.status == "lost_temporary" else "card_status_conflict")
        self.status = "active" if got == "ok" else self.status

    @rule(status=st.sampled_from(["active", "active", "lost", "locked"]))
    def operate(self, status: str) -> None:
        """Move the card at an operator's word."""
        got, _ = outcome(lambda: self.bureau.cards.set_card_status(self.person.facts["card_no"], status))
        assert got == ("ok" if self.status in OPERATOR_MOVES[status] else "card_status_conflict")
        self.status = status if got == "ok" else self.status

    @rule(channel=st.integers(0, 1))
    @precondition(lambda self: self.phones and self.joins < JOINS)
    def unbind(self, channel: int) -> None:
        """Leave a channel: its phone is refused within two seconds, the other one's stays."""
        channel = channel if channel in self.phones else 1 - channel
        phone = self.phones.pop(channel)
        self.unbound = True
        phone.call("POST", "/v1/me/channel/leave", {"busi_seq": phone.prove(PASSWORD)})
        comes_true(phone.uses, "key_revoked")

    @invariant()
    def the_holder_sees_exactly_what_was_accepted(self) -> None:
        """Compare the holder's uses, youngest first, with the model's."""
        for phone in list(self.phones.values())[:1]:
            seen = [(use["id"], use["disputed"]) for use in phone.call("GET", "/v1/me/uses", query="limit=100").json()]
            visits = [one.answer["visit"] for one in reversed(self.accepted)]
            assert seen == [(visit, visit in self.disputed) for visit in visits]


def test_a_code_is_accepted_only_unused_from_a_bound_phone_of_a_living_card(bureau: Bureau) -> None:
    terminals = [bureau.registrar.register_terminal(bureau.agency, "counter") for _ in range(2)]
    channels = [bureau.channel, bureau.registrar.register_channel("第二渠道", "bank")]
    run_state_machine_as_test(
        lambda: CardAndCode(bureau, channels, terminals),  # type: ignore[arg-type] # any factory will do
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            # Twenty-five steps are few enough to read, and shrinking them takes minutes.
            phases=[Phase.generate],
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
