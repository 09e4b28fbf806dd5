"""Generated histories of settlements against a model of a few lines: Σ legs = total, and no leg goes back twice.

The account never falls below zero, what is under way is set aside, the year counts what is settled, regions net to 0.
"""

import asyncio
import os
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
from hypothesis import HealthCheck, strategies
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from ecard.ids import new_id
from ecard.settings import Settings
from pay.ledger.checks import CHECKS as LEDGER
from pay.medical.checks import CHECKS
from tests.bureau import new_database
from tests.pay.ledger.test_state_machine import ATTEMPT
from tests.pay.medical import sql

EXAMPLES, STEPS = 200 if os.environ.get("ECARD_FULL_RACES") == "1" else 15, 50
_amounts = strategies.integers(0, 300)
_legs = strategies.tuples(*[_amounts] * 5, strategies.integers(0, 60), _amounts).filter(lambda legs: sum(legs) > 0)
places = strategies.sampled_from([0, 0, 0, 1, 2, 5])
answers = strategies.sampled_from(["ok", "ok", "refused", "unknown"])
_FOUND = """
    SELECT b.balance, b.held, (SELECT sums FROM medical_year WHERE holder = $1),
           p.balance AS here, q.balance AS there
    FROM account_balance b JOIN account_balance p ON p.id = ledger_account('merchant', $2, 'merchant_payable')
        JOIN account_balance q ON q.id = ledger_account('merchant', $3, 'merchant_payable')
    WHERE b.id = ledger_account('holder', $1::uuid::text, 'personal_account')
"""


@dataclass(eq=False)
class Settled:
    """A settlement as the model has it; `going` are its reversals that wait, by their asks."""

    id: UUID
    encounter: UUID
    agency: int
    legs: tuple[int, ...]
    version: int
    state: str = "precalc"
    paid: bool = False
    ask: UUID | None = None
    gone: list[int] = field(default_factory=lambda: [0] * 7)
    back: int = 0
    going: dict[UUID, list[int]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.legs)


class Clinic(RuleBasedStateMachine):
    """One patient and an institution of each of two regions, on one connection, undone at the end."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: Any) -> None:
        super().__init__()
        self._loop, self._db = loop, connection
        self._transaction = connection.transaction()
        self._wait(self._transaction.start())
        self.known: list[Settled] = []
        self.version = self.account = self.held = self.eligible = 0
        self.payable = [0, 0]
        self.payable_held = [0, 0]

    def _wait(self, act: Any) -> Any:
        return self._loop.run_until_complete(act)

    def _do(self, command: str) -> str:
        return str(self._wait(self._db.fetchval("SELECT attempt($1)", command)))

    def _some(self, n: int) -> Settled | None:
        return self.known[-1 - n % len(self.known)] if self.known else None

    @initialize(account=strategies.integers(0, 5000))
    def begin(self, account: int) -> None:
        self.agencies = self._wait(sql.regions(self._db))
        self.patient = self._wait(sql.patient(self._db, account))
        self.account = account

    @rule(legs=_legs, agency=strategies.integers(0, 1))
    def arrive(self, legs: tuple[int, ...], agency: int) -> None:
        region = sql.REGIONS[agency]
        of = self._wait(sql.encounter(self._db, self.patient, self.agencies[agency], region, sum(legs)))
        self._try(of, agency, legs)

    @rule(legs=_legs, agency=strategies.integers(0, 1), said=answers)
    def arrive_and_settle(self, legs: tuple[int, ...], agency: int, said: str) -> None:
        self.arrive(legs, agency)
        self.pay(0, right=True)
        self.confirm(0, right=True)
        self.answer(0, said)

    @rule(n=places, legs=_legs)
    def try_again(self, n: int, legs: tuple[int, ...]) -> None:
        one = self._some(n)
        if one is not None:
            self._try(one.encounter, one.agency, legs)

    def _try(self, of: UUID, agency: int, legs: tuple[int, ...]) -> None:
        before = next((x for x in self.known if x.encounter == of and x.state not in {"over", "reversed"}), None)
        made, outcome = self._wait(sql.trial(self._db, self.patient, of, legs))
        if before is not None and before.state != "precalc":
            assert outcome == "settled"
        elif before is not None and before.paid:
            assert outcome == "cash_taken"
        else:
            assert outcome == "ok"
            if before is not None:
                before.state = "over"
            self.known.append(Settled(made, of, agency, legs, self.version))

    @rule(n=places, right=strategies.booleans())
    def pay(self, n: int, *, right: bool) -> None:
        one = self._some(n)
        if one is None:
            return
        cash = one.legs[6]
        outcome = self._do(f"medical_till('{one.id}', {cash if right else cash + 1})")
        if one.state == "precalc" and not one.paid and cash > 0:
            assert outcome == ("ok" if right else "differs")
            one.paid = right
        else:
            assert outcome == ("again" if one.paid and right else "nothing_due")

    @rule(n=places, right=strategies.booleans())
    def confirm(self, n: int, *, right: bool) -> None:
        one = self._some(n)
        if one is None:
            return
        ask, split = new_id(), one.id.hex if right else "00"
        outcome = self._do(f"medical_confirm('{one.id}', '\\x{split}', '{ask}', 15)")
        if not right:
            assert outcome == "stale"
        elif one.state in {"confirming", "confirmed"}:
            assert outcome == "again"
        elif one.state != "precalc":
            assert outcome == "not_open"
        elif one.legs[6] > 0 and not one.paid:
            assert outcome == "cash_missing"
        elif one.version != self.version or self.account - self.held < one.legs[5]:
            assert outcome == "stale"
        else:
            assert outcome == "ok"
            one.state, one.ask = "confirming", ask
            self.version += 1
            self.held += one.legs[5]
            self.eligible += one.total

    @rule(n=places)
    def cancel(self, n: int) -> None:
        one = self._some(n)
        if one is None:
            return
        outcome = self._do(f"medical_cancel('{one.id}')")
        if one.state == "precalc":
            assert outcome == "ok"
            one.state = "over"
        else:
            assert outcome in {"again", "not_open"}

    @rule(n=places, said=answers)
    def answer(self, n: int, said: str) -> None:
        one = self._some(n)
        if one is None or one.ask is None:
            return
        outcome = self._do(f"outcome FROM medical_book('{one.ask}', '{said}')")
        if one.state != "confirming":
            assert outcome in {"again", "conflict"}
            return
        assert outcome == "booked"
        if said == "ok":
            one.state = "confirmed"
            self.held -= one.legs[5]
            self.account -= one.legs[5]
            self.payable[one.agency] += one.total - one.legs[6]
        elif said == "refused":
            one.state = "over"
            self.version += 1
            self.held -= one.legs[5]
            self.eligible -= one.total

    @rule(n=places, amount=strategies.integers(1, 900))
    def reverse(self, n: int, amount: int) -> None:
        one = self._some(n)
        if one is None:
            return
        ask, number, till = (new_id() for _ in range(3))
        outcome = self._do(
            f"outcome FROM medical_reverse('{number}', '{one.id}', '{till}', '{number}', {amount}, 'why', '{ask}', 15)"
        )
        if one.state not in {"confirmed", "reversed"}:
            assert outcome == "not_confirmed"
        elif amount > one.total - sum(one.gone):
            assert outcome == "over"
        elif outcome == "LG001":
            assert amount > self.payable[one.agency] - self.payable_held[one.agency]
        else:
            assert outcome == "ok"
            legs = self._wait(
                self._db.fetchval(
                    "SELECT parts FROM medical_reversal r JOIN medical_ask k ON k.subject = r.id WHERE k.id = $1", ask
                )
            )
            left = [leg - gone for leg, gone in zip(one.legs, one.gone, strict=True)]
            assert sum(legs) == amount
            for part, rest in zip(legs, left, strict=True):
                # By largest remainder: the exact share, to the 分.
                assert rest * amount // sum(left) <= part <= min(rest, -(-rest * amount // sum(left)))
            one.gone = [gone + part for gone, part in zip(one.gone, legs, strict=True)]
            one.going[ask] = legs
            self.payable_held[one.agency] += amount - legs[6]

    @rule(n=places, said=answers)
    def answer_reversal(self, n: int, said: str) -> None:
        one = self._some(n)
        if one is None or not one.going:
            return
        ask, legs = next(iter(one.going.items()))
        assert self._do(f"outcome FROM medical_book('{ask}', '{said}')") == "booked"
        if said == "unknown":
            return
        del one.going[ask]
        amount = sum(legs)
        self.payable_held[one.agency] -= amount - legs[6]
        if said == "refused":
            one.gone = [gone - part for gone, part in zip(one.gone, legs, strict=True)]
            return
        self.version += 1
        self.account += legs[5]
        self.payable[one.agency] -= amount - legs[6]
        one.back += amount
        if one.back == one.total:
            one.state = "reversed"

    @rule(n=places, amount=strategies.integers(1, 900), said=answers)
    def take_back(self, n: int, amount: int, said: str) -> None:
        settled = [place for place, one in enumerate(reversed(self.known)) if one.state == "confirmed"]
        if settled:
            place = settled[n % len(settled)]
            one = self._some(place)
            assert one is not None
            self.reverse(place, min(amount, one.total - sum(one.gone)) or amount)
            self.answer_reversal(place, said)

    @rule()
    def net(self) -> None:
        self._do(f"medical_net('{new_id()}')")
        open_pairs = "SELECT count(*) FROM account_balance WHERE book = 'region_clearing' AND balance <> 0"
        assert self._wait(self._db.fetchval(open_pairs)) == 0

    @invariant()
    def the_books_are_the_models(self) -> None:
        if not self.known:
            return
        found = self._wait(self._db.fetchrow(_FOUND, self.patient.holder, *map(str, self.agencies)))
        balance, held, sums, *payables = found.values()
        assert (balance, held) == (self.account, self.held)
        assert payables == self.payable
        back = sum(one.back for one in self.known)
        # What a part takes from the year is rounded; all of it takes all.
        assert abs(sums[1] - (self.eligible - back)) <= len(self.known) * 50

    def teardown(self) -> None:
        try:
            for check in (*CHECKS, *LEDGER[:6]):
                assert self._wait(self._db.fetch(check.sql)) == [], check.title.en
        finally:
            self._wait(self._transaction.rollback())


def test_no_order_of_acts_breaks_a_settlement(settings: Settings) -> None:
    loop = asyncio.new_event_loop()
    try:
        connection = loop.run_until_complete(asyncpg.connect(new_database(settings).database_url))
        loop.run_until_complete(connection.execute(ATTEMPT))
        budget = hypothesis_settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        run_state_machine_as_test(lambda: Clinic(loop, connection), settings=budget)  # type: ignore[arg-type] # any maker will do
        loop.run_until_complete(connection.close())
    finally:
        loop.close()
