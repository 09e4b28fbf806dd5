"""Generated histories of budgets, batches and vouchers, against a model of a few lines: no order of them breaks it.

Σ open holds = Σ live face; a voucher is paid once at most; from an exit no way leads back to value; no fund below zero.
"""

import asyncio
import collections
import json
import os
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, strategies
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from ecard.ids import new_id
from ecard.settings import Settings
from pay.ledger.checks import CHECKS as LEDGER
from tests.bureau import new_database
from tests.pay.ledger.test_state_machine import ATTEMPT
from tests.vouchers import sql
from vouchers.batches.checks import CHECKS as BATCHES
from vouchers.life.checks import CHECKS as VOUCHERS

EXAMPLES = 200 if os.environ.get("ECARD_NO_SKIP") == "1" else 40
STEPS = 50
FROM = {
    "bound": {"claimed"},
    "claimed": {"bound", "in_use"},
    "in_use": {"bound", "in_use", "completed"},
    "completed": {"in_use"},
    "audited": {"completed"},
}
places = strategies.integers(0, 5)
UNFINISHED = {"issued", "claimed", "bound", "in_use"}
GONE = {"redeemed", "settled", "expired", "cancelled", "reversed"}
FOUND = """
    SELECT (SELECT balance FROM account_balance WHERE id = $1), (SELECT balance FROM account_balance WHERE id = $2),
           (SELECT coalesce(sum(balance), 0)::bigint FROM account WHERE owner_kind = 'voucher_batch'),
           (SELECT coalesce(sum(held), 0)::bigint FROM account WHERE owner_kind = 'voucher_batch'),
           (SELECT coalesce(sum(amount), 0)::bigint FROM hold WHERE ref_kind = 'voucher' AND state = 'open'),
           (SELECT coalesce(jsonb_object_agg(s.state, s.n), '{}')
            FROM (SELECT state, count(*) AS n FROM voucher GROUP BY state) s)
"""


@dataclass(eq=False)
class Batch:
    """A batch as the model has it."""

    id: UUID
    face: int
    quantity: int
    state: str = "issuing"
    lapsed: bool = False
    vouchers: "list[Voucher]" = field(default_factory=list)


@dataclass(eq=False)
class Voucher:
    """A voucher as the model has it."""

    id: UUID
    batch: Batch
    state: str = "issued"
    frozen_from: str = ""
    holder: int = 0
    school: bool = False
    amount: int = 0
    lapsed: bool = False

    @property
    def face(self) -> int:
        return self.batch.face


class Training(RuleBasedStateMachine):
    """One programme on one connection, in a transaction that is rolled back at the end, beside its model."""

    batches: Any = Bundle("batches")

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: Any) -> None:
        super().__init__()
        self._loop, self._db = loop, connection
        self._transaction = connection.transaction()
        self._wait(self._transaction.start())
        self.school, self.people = self._wait(sql.institution(connection)), self._wait(sql.cards(connection, 3))
        self.known: dict[str, Voucher] = {}
        self.fund = self.payable = self.escrow = 0
        self.day = 0

    def _wait(self, act: Any) -> Any:
        return self._loop.run_until_complete(act)

    def _do(self, command: str) -> str:
        return str(self._wait(self._db.fetchval("SELECT attempt($1)", command)))

    def _some(self, n: int) -> Voucher | None:
        """Return one of the vouchers: 0 is the one that was claimed last, which small histories are about."""
        return list(self.known.values())[-1 - n % len(self.known)] if self.known else None

    @initialize(
        per_person=strategies.integers(1, 2),
        once=strategies.booleans(),
        begun=strategies.lists(strategies.tuples(strategies.integers(1, 6), strategies.integers(0, 100)), max_size=3),
    )
    def begin(self, per_person: int, begun: list[tuple[int, int]], *, once: bool) -> None:
        self.per_person, self.once = per_person, once
        self.programme = self._wait(sql.programme(self._db, money=500, per_person=per_person, once=once))
        self.fund = 500
        accounts = """
            SELECT voucher_fund($1, 'province'), ledger_account('merchant', $2::uuid::text, 'merchant_payable')
        """
        self.accounts = list(self._wait(self._db.fetchrow(accounts, self.programme, self.school)))
        for person, (far, amount) in enumerate(begun):
            self._train(person, far, amount)

    @rule(amount=strategies.integers(-300, 300).filter(bool))
    def budget(self, amount: int) -> None:
        answer = self._do(f"voucher_budget('{self.programme}', 'province', {amount})")
        if self.fund + amount < 0:
            assert answer == "LG001"
        else:
            self.fund += amount

    @rule(target=batches, face=strategies.sampled_from([0, 1, 60, 100]), quantity=strategies.integers(1, 4))
    def batch(self, face: int, quantity: int) -> Batch:
        return self._batch(face, quantity)

    def _batch(self, face: int, quantity: int) -> Batch:
        made = Batch(new_id(), face, quantity)
        self._wait(
            self._db.execute(
                """
                INSERT INTO voucher_batch (id, programme, number, source, face, quantity, pushed, valid_from,
                                           valid_until)
                VALUES ($1, $2, $1::uuid::text, 'province', $3, $4, false, now(), now() + interval '1 day')
                """,
                *(made.id, self.programme, face, quantity),
            )
        )
        answer = self._do(f"voucher_batch_begin('{made.id}')")
        if face * quantity > self.fund:
            assert answer == "LG001"
            made.state = "draft"
        else:
            assert answer == "ok"
            self.fund -= face * quantity
            self.escrow += face * quantity
            self._issue(made, quantity)
        return made

    @rule(batch=batches, limit=strategies.integers(1, 3))
    def issue(self, batch: Batch, limit: int) -> None:
        self._issue(batch, limit)

    def _issue(self, batch: Batch, limit: int) -> None:
        answer = self._do(f"voucher_batch_issue('{batch.id}', {limit})")
        if batch.state != "issuing":
            assert answer == "None"
            return
        before = len(batch.vouchers)
        assert int(answer) == min(before + limit, batch.quantity)
        found = "SELECT id FROM voucher WHERE batch = $1 AND n >= $2 ORDER BY n"
        for row in self._wait(self._db.fetch(found, batch.id, before)):
            made = Voucher(row["id"], batch, lapsed=batch.lapsed)
            batch.vouchers.append(made)
            self.known[str(made.id)] = made
        assert len(batch.vouchers) == int(answer)
        if len(batch.vouchers) == batch.quantity:
            batch.state = "issued"

    @rule(person=strategies.integers(0, 2))
    def claim(self, person: int) -> None:
        self._claim(person)

    def _claim(self, person: int) -> None:
        card = self.people[person]
        answer = self._do(
            f"concat_ws(' ', outcome, voucher) FROM voucher_claim('{self.programme}', {card}, NULL, NULL, NULL, NULL)"
        )
        has = [one for one in self.known.values() if one.holder == card and self._takes_a_place(one)]
        free = [one for one in self.known.values() if one.state == "issued" and not one.lapsed]
        if len(has) >= self.per_person:
            assert answer == "has_one"
        elif not free:
            assert answer == "none_left"
        else:
            assert " " in answer, answer
            outcome, voucher = answer.split()
            assert outcome == "ok"
            assert self.known[voucher] in free
            one = self.known[voucher] = self.known.pop(voucher)
            one.state, one.holder = "claimed", card

    def _takes_a_place(self, one: Voucher) -> bool:
        return one.state not in GONE or (self.once and one.state in {"redeemed", "settled"})

    @rule(n=places, to=strategies.sampled_from(sorted(FROM)), amount=strategies.integers(0, 101))
    def step(self, n: int, to: str, amount: int) -> None:
        self._step(self._some(n), to, amount)

    @rule(
        target=batches,
        person=strategies.integers(0, 2),
        far=strategies.integers(1, 6),
        amount=strategies.integers(0, 100),
    )
    def train(self, person: int, far: int, amount: int) -> Batch:
        return self._train(person, far, amount)

    def _train(self, person: int, far: int, amount: int) -> Batch:
        """Claim, and go on as far as that: steps drawn one by one seldom do."""
        made = self._batch(100, 1)
        self._claim(person)
        for to in ("bound", "in_use", "completed", "audited")[:far]:
            self._step(self._some(0), to, amount)
        if far > 4:
            self._redeem(self._some(0), right=True, again=True)
        if far > 5:
            self._reverse(self._some(0))
        return made

    def _step(self, one: Voucher | None, to: str, amount: int) -> None:
        if one is None:
            return
        before = "{" + ",".join(sorted(FROM[to])) + "}"
        if (one.state, to) == ("completed", "audited") and amount <= one.face:
            self._wait(sql.passed(self._db, one.id, amount=amount))
        answer = self._do(
            f"voucher_step('{one.id}', '{before}', '{to}', '{to}', NULL, p_institution => '{self.school}', "
            f"p_amount => {amount})"
        )
        if one.state not in FROM[to] or (one.lapsed and one.state != "completed"):
            assert answer == "false"
        elif to == "audited" and amount > one.face:
            assert answer == "23514", "an audit finds no more than the face"
        else:
            assert answer == "true"
            if one.state == "completed" and to == "in_use":
                one.lapsed = False
            one.state, one.amount = to, amount if to == "audited" else 0
            one.school = {"bound": True, "claimed": False}.get(to, one.school)

    @rule(n=places, frozen=strategies.booleans())
    def freeze(self, n: int, *, frozen: bool) -> None:
        one = self._some(n)
        if one is None:
            return
        answer = self._do(f"voucher_freeze('{one.id}', NULL, 'why', {frozen})")
        if one.state in GONE:
            assert answer == "not_live"
        elif (one.state == "frozen") == frozen:
            assert answer == "again"
        else:
            assert answer == "ok"
            one.state, one.frozen_from = ("frozen", one.state) if frozen else (one.frozen_from, "")

    @rule(n=places)
    def cancel(self, n: int) -> None:
        one = self._some(n)
        if one is None:
            return
        answer = self._do(f"voucher_cancel('{one.id}', NULL, 'why')")
        if one.state in GONE:
            assert answer == ("again" if one.state == "cancelled" else "not_live")
        else:
            assert answer == "ok"
            self._end(one, "cancelled")

    def _end(self, one: Voucher, state: str) -> None:
        one.state, one.frozen_from = state, ""
        self.fund += one.face
        self.escrow -= one.face

    @rule(batch=batches)
    def lapse(self, batch: Batch) -> None:
        for table, column in (("voucher", "batch"), ("voucher_batch", "id")):
            late = f"UPDATE {table} SET valid_until = valid_from + interval '1 microsecond' WHERE {column} = $1"
            self._wait(self._db.execute(late, batch.id))
        batch.lapsed = True
        for one in batch.vouchers:
            one.lapsed = True

    @rule()
    def expire(self) -> None:
        due = [one for one in self.known.values() if one.lapsed and (one.frozen_from or one.state) in UNFINISHED]
        assert int(self._do("voucher_expire(1000)")) == len(due)
        for one in due:
            self._end(one, "expired")

    @rule(batch=batches)
    def cancel_batch(self, batch: Batch) -> None:
        answer = self._do(f"voucher_batch_cancel('{batch.id}', NULL)")
        if batch.state == "cancelled":
            assert answer == "again"
            return
        assert answer == "ok"
        if batch.state == "issuing":
            unmade = batch.face * (batch.quantity - len(batch.vouchers))
            self.fund, self.escrow = self.fund + unmade, self.escrow - unmade
        while self._do(f"voucher_batch_withdraw('{batch.id}', 2)") not in {"0", "None"}:
            pass
        batch.state = "cancelled"
        for one in batch.vouchers:
            if (one.frozen_from or one.state) == "issued":
                self._end(one, "cancelled")

    @rule(n=places, right=strategies.booleans(), again=strategies.booleans())
    def redeem(self, n: int, *, right: bool, again: bool) -> None:
        self._redeem(self._some(n), right=right, again=again)

    def _redeem(self, one: Voucher | None, *, right: bool, again: bool) -> None:
        if one is None:
            return
        key = one.id if again else new_id()
        by = self.school if right else new_id()
        answer = self._do(f"outcome FROM voucher_redeem('{one.id}', '{by}', '{self.school}', '{key}')")
        if not (right and one.school):
            assert answer == "wrong_institution"
        elif one.state in {"redeemed", "settled"}:
            assert answer in ({"again", "taken"} if again else {"taken"})
        elif one.state != "audited":
            assert answer == (one.state if one.state in GONE | {"frozen"} else "not_audited")
        else:
            assert answer == "ok"
            one.state = "redeemed"
            self.payable += one.amount
            self.escrow -= one.face
            self.fund += one.face - one.amount

    @rule(n=places)
    def reverse(self, n: int) -> None:
        self._reverse(self._some(n))

    def _reverse(self, one: Voucher | None) -> None:
        if one is None:
            return
        answer = self._do(f"voucher_reverse('{one.id}', NULL, 'why')")
        if one.state == "redeemed":
            assert answer == "ok"
            one.state = "reversed"
            self.payable -= one.amount
            self.fund += one.amount
        else:
            assert answer == {"reversed": "again", "settled": "settled"}.get(one.state, "not_redeemed")

    @rule(ok=strategies.booleans())
    def settle(self, *, ok: bool) -> None:
        """Pay the institution out, or have its bank refuse, on a later day each time."""
        if not self.payable:
            return
        self.day += 1
        made = self._do(f"settle_begin('{self.school}', current_date + {self.day}, {self.payable})")
        [attempt] = self._wait(self._db.fetch("SELECT id FROM bank_attempt WHERE subject = $1", UUID(made)))
        waiting = [one for one in self.known.values() if one.state == "redeemed" and one.amount]
        for one in waiting:
            assert self._do(f"voucher_reverse('{one.id}', NULL, 'why')") == "settled", "it is begun"
        self._do(f"settle_book('{attempt['id']}', '{'ok' if ok else 'failed'}', '')")
        assert int(self._do("voucher_settle(1000)")) == (len(waiting) if ok else 0)
        # Whatever is redeemed from now on comes after that day.
        self._wait(self._db.execute("UPDATE settlement SET day = day - 1000 WHERE id = $1", UUID(made)))
        if ok:
            self.payable = 0
            for one in waiting:
                one.state = "settled"

    @invariant()
    def the_books_are_as_the_model_has_them(self) -> None:
        if not hasattr(self, "accounts"):
            return
        found = self._wait(self._db.fetchrow(FOUND, *self.accounts))
        live = sum(one.face for one in self.known.values() if one.state not in GONE)
        states = collections.Counter(one.state for one in self.known.values())
        assert tuple(found) == (self.fund, self.payable, self.escrow, live, live, states)
        assert self.fund >= 0

    def teardown(self) -> None:
        """Ask every invariant of the whole database, then forget the history."""
        for check in (*VOUCHERS, *BATCHES, *LEDGER):
            assert self._wait(self._db.fetchrow(check.sql)) is None, check.title
        self._wait(self._transaction.rollback())


@pytest.fixture(scope="module")
def own(settings: Settings) -> Settings:
    return new_database(settings)


def test_no_history_of_vouchers_breaks_the_books(own: Settings) -> None:
    loop = asyncio.new_event_loop()
    try:
        connection = loop.run_until_complete(asyncpg.connect(own.database_url))
        loop.run_until_complete(connection.execute(ATTEMPT))
        codec: Any = {"encoder": str, "decoder": json.loads, "schema": "pg_catalog"}
        loop.run_until_complete(connection.set_type_codec("jsonb", **codec))
        budget = hypothesis_settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        run_state_machine_as_test(lambda: Training(loop, connection), settings=budget)  # type: ignore[arg-type] # any maker will do
        loop.run_until_complete(connection.close())
    finally:
        loop.close()
