"""Orders and refunds in every order of events: the database does what a model in plain Python says.

Answers of banks come late, twice and contradicting one another, holders confirm what is closed, and refunds
overlap: the model says what each of these does, and the invariants of `ecard ledger check` hold after each example,
which is one transaction and is rolled back.
"""

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from ecard.ids import new_id
from ecard.settings import Settings
from pay.ledger.checks import CHECKS as LEDGER
from pay.orders.checks import CHECKS
from pay.orders.model import MOVES, OrderState
from tests.bureau import new_database

EXAMPLES = 200 if os.environ.get("ECARD_NO_SKIP") == "1" else 40
STEPS = 50
BANK, ITEM = "B1", "A2-34"
ASKED = {"processing", "unknown", "reversing", "suspended"}
GOOD = {"paid", "partially_refunded", "refunded"}


class World:
    """A database with a merchant and a payer, and a connection to it."""

    def __init__(self, database_url: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.db = self.loop.run_until_complete(asyncpg.connect(database_url))
        self.agency, self.terminal, self.device, channel, holder = (new_id() for _ in range(5))
        self.run("INSERT INTO agency (id, name, uscc) VALUES ($1, '测试', '121100000000000000')", self.agency)
        for actor, kind in ((self.terminal, "terminal"), (self.device, "holder"), (channel, "channel")):
            self.run(
                "INSERT INTO actor (id, kind, suite, public) VALUES ($1, $2, 'ES256', $3)", actor, kind, actor.bytes
            )
        self.run("INSERT INTO channel (actor, name, kind, medium, tier) VALUES ($1, '测试', 'hrss', 'app', 1)", channel)
        self.run("INSERT INTO terminal VALUES ($1, $2, '收银台', 'till', '640100', '东门')", self.terminal, self.agency)
        self.run("INSERT INTO holder (id, id_index, profile) VALUES ($1, '\\x00', '\\x00')", holder)
        self.card = self.one(
            "INSERT INTO card (holder, card_no_index, level, password) VALUES ($1, '\\x00', 2, 'x') RETURNING seq",
            holder,
        )
        self.run(
            """
            INSERT INTO device (actor, seq, card, channel, sign_no)
            SELECT id, seq, $2, $3, 's' FROM actor WHERE id = $1
            """,
            self.device,
            self.card,
            channel,
        )
        self.run("INSERT INTO payer (card, bank) VALUES ($1, $2)", self.card, BANK)
        self.run(
            """
            INSERT INTO merchant (agency, name, category, bank, bank_account, items, order_limit, small_free_limit,
                                  payable)
            VALUES ($1, '测试', '7991', $2, '\\x00', $3, 1000, 0,
                    ledger_account('merchant', $1::uuid::text, 'merchant_payable'))
            """,
            self.agency,
            BANK,
            [ITEM],
        )

    def run(self, sql: str, *given: object) -> list[Any]:
        found: list[Any] = self.loop.run_until_complete(self.db.fetch(sql, *given))
        return found

    def one(self, sql: str, *given: object) -> Any:
        return self.loop.run_until_complete(self.db.fetchval(sql, *given))

    def begin(self) -> Any:
        """Return a transaction that is begun; what it is rolled back from costs later examples nothing."""
        begun = self.db.transaction()
        self.loop.run_until_complete(begun.start())
        return begun

    def close(self) -> None:
        self.loop.run_until_complete(self.db.close())
        self.loop.close()


@pytest.fixture(scope="module")
def world(settings: Settings) -> Iterator[World]:
    made = World(str(new_database(settings).database_url))
    yield made
    made.close()


class Orders(RuleBasedStateMachine):
    """The machine; `world` is set by the test."""

    world: World
    orders: Bundle[Any] = Bundle("orders")
    refunds: Bundle[Any] = Bundle("refunds")

    def __init__(self) -> None:
        super().__init__()
        self.state: dict[Any, str] = {}
        self.amount: dict[Any, int] = {}
        self.seen: dict[Any, str] = {}
        self.reversing: set[Any] = set()
        self.back: dict[Any, tuple[Any, int, str]] = {}
        self.begun = self.world.begin()

    @rule(target=orders, amount=st.integers(1, 1000), proven=st.booleans())
    def charge(self, amount: int, proven: bool) -> Any:  # noqa: FBT001 - Hypothesis draws it
        number = new_id()
        state = self.world.one(
            """
            SELECT state FROM pay_charge($1, $1, $2, $3, $4, '', $4, $5, '门票', $6, 2::smallint, $7, 120, $8,
                'electronic', 'code', 'knowledge', '{pop,pin}', 'B', $9, NULL, $10, NULL)
            """,
            number,
            self.world.terminal,
            self.world.agency,
            number.hex,
            amount,
            ITEM,
            not proven,
            [BANK],
            self.world.card,
            number.bytes,
        )
        assert state == ("processing" if proven else "user_confirming")
        self.state[number], self.amount[number] = state, amount
        return number

    @rule(target=orders, amount=st.integers(1, 1000))
    def open(self, amount: int) -> Any:
        number = new_id()
        outcome = self.world.one(
            "SELECT pay_open($1, $2, $3, $4, '', $4, $5, '门票', $6, 'app', 900)",
            number,
            self.world.agency,
            self.world.terminal,
            number.hex,
            amount,
            ITEM,
        )
        assert outcome == "ok"
        self.state[number], self.amount[number] = "created", amount
        return number

    @rule(order=orders)
    def confirm(self, order: Any) -> None:
        proof = new_id()
        self.world.run(
            "INSERT INTO verification (busi_seq, card, device) VALUES ($1, $2, $3)",
            proof,
            self.world.card,
            self.world.device,
        )
        sql = "SELECT outcome FROM pay_confirm($1, $1, $2, $3, $4, 2::smallint, $5)"
        told = [self.world.one(sql, order, self.world.card, self.world.device, proof, [BANK]) for _ in range(2)]
        if self.state[order] in {"created", "user_confirming"}:
            assert told == ["ok", "retry"]
            self.state[order] = "processing"
        else:
            assert set(told) <= {"not_waiting", "not_found"}

    @rule(order=orders)
    def close(self, order: Any) -> None:
        outcome = self.world.one("SELECT outcome FROM pay_close($1, $2, NULL)", order, self.world.agency)
        waits = self.state[order] in {"created", "user_confirming"}
        assert outcome == ("ok" if waits else "again" if self.state[order] == "closed" else "not_waiting")
        if waits:
            self.state[order] = "closed"

    @rule(order=orders)
    def expire(self, order: Any) -> None:
        self.world.run("UPDATE pay_order SET expires_at = now() WHERE id = $1 AND expires_at IS NOT NULL", order)
        self.world.one("SELECT pay_expire()")
        if self.state[order] in {"created", "user_confirming"}:
            self.state[order] = "closed"

    @rule(order=orders, said=st.sampled_from(["ok", "failed", "unknown", "reversed"]), of_reversal=st.booleans())
    def hear(self, order: Any, said: str, of_reversal: bool) -> None:  # noqa: FBT001 - Hypothesis draws it
        outcome = self.world.one("SELECT outcome FROM pay_book($1, $2, '', $3)", order, said, of_reversal)
        was = self.state[order]
        if was in {"created", "user_confirming", "closed"}:
            assert outcome == "not_found"
        elif was in ASKED and order in self.reversing and not of_reversal:
            assert outcome == "reversing", "only the answer to the reversal decides"
        elif was in ASKED:
            assert outcome == "booked"
            became = {"ok": "paid", "unknown": "unknown" if was == "processing" else was}
            self.state[order] = became.get(said, said)
        else:
            known = "ok" if was in GOOD else was
            assert outcome == ("again" if said in {known, "unknown"} else "conflict")

    @rule(order=orders)
    def reverse(self, order: Any) -> None:
        asked = self.state[order] in ASKED
        assert self.world.one("SELECT pay_reverse($1)", order) == asked
        if asked:
            self.reversing.add(order)
        if asked and self.state[order] != "suspended":
            self.state[order] = "reversing"

    @rule(order=orders)
    def suspend(self, order: Any) -> None:
        newly = self.state[order] in ASKED - {"suspended"}
        assert self.world.one("SELECT pay_suspend($1)", order) == newly
        if newly:
            self.state[order] = "suspended"

    @rule(target=refunds, order=orders, amount=st.integers(1, 1000))
    def refund(self, order: Any, amount: int) -> Any:
        number = new_id()
        outcome = self.world.one(
            "SELECT outcome FROM pay_refund($1, $1, $2, $3, $4, $5, '', $5, $6, '退票')",
            number,
            order,
            self.world.agency,
            self.world.terminal,
            number.hex,
            amount,
        )
        if self.state[order] not in GOOD:
            assert outcome == "not_refundable"
        elif amount > self.amount[order] - self.given(order):
            assert outcome == "over_refund"
        else:
            assert outcome == "ok"
            self.back[number] = (order, amount, "processing")
        return number

    @rule(refund=refunds, said=st.sampled_from(["ok", "failed", "unknown"]))
    def hear_of_refund(self, refund: Any, said: str) -> None:
        outcome = self.world.one("SELECT outcome FROM pay_book($1, $2)", refund, said)
        if refund not in self.back:
            assert outcome == "not_found"
            return
        order, amount, was = self.back[refund]
        if was in {"done", "failed"}:
            same = {"done": "ok", "failed": "failed"}[was]
            assert outcome == ("again" if said in {same, "unknown"} else "conflict")
            return
        assert outcome == "booked"
        now = {"ok": "done", "failed": "failed", "unknown": "unknown"}[said]
        self.back[refund] = (order, amount, now)
        if now == "done":
            whole = self.given(order, "done") == self.amount[order]
            self.state[order] = "refunded" if whole else "partially_refunded"

    def given(self, order: Any, *states: str) -> int:
        """Return what of an order is given back, or about to be."""
        wanted = states or ("processing", "unknown", "done")
        return sum(amount for of, amount, state in self.back.values() if of == order and state in wanted)

    @invariant()
    def the_database_says_what_the_model_does_and_moved_as_it_may(self) -> None:
        for row in self.world.run("SELECT id, state, refunded FROM pay_order WHERE id = ANY ($1)", list(self.state)):
            assert row["state"] == self.state[row["id"]]
            assert row["refunded"] == self.given(row["id"])
            before = self.seen.get(row["id"], row["state"])
            assert row["state"] == before or OrderState(row["state"]) in MOVES[OrderState(before)]
            self.seen[row["id"]] = row["state"]

    def teardown(self) -> None:
        """Prove the ledger's invariants and those of orders, and leave nothing behind."""
        try:
            for check in (*LEDGER, *CHECKS):
                assert self.world.run(check.sql) == [], check.title.en
        finally:
            self.world.loop.run_until_complete(self.begun.rollback())


def test_orders_and_refunds_do_in_every_order_what_the_model_says(world: World) -> None:
    Orders.world = world
    run_state_machine_as_test(
        Orders,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
