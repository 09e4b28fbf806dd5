"""A line's life in every order of events: the database does what a model in plain Python says.

Operators approve out of turn, banks answer late, twice and against themselves, returns are paid again while another
batch takes the same payee, overpayments are claimed: the model says what each of these does, and the invariants of
`ecard ledger check` hold after each example.
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
from pay.disbursement.checks import CHECKS
from pay.ledger.checks import CHECKS as LEDGER
from tests.bureau import new_database

EXAMPLES, STEPS = 200 if os.environ.get("ECARD_FULL_RACES") == "1" else 25, 50
BANK, AMOUNT, ROOT = "B1", 100, b"\x01" * 32
LIVING = {"ready", "held", "sent", "unknown", "paid"}
OPEN = {"releasing", "done"}


class World:
    """A database with an agency and three operators, and a connection to it."""

    def __init__(self, database_url: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.db = self.loop.run_until_complete(asyncpg.connect(database_url))
        self.agency = new_id()
        self.operators = [new_id() for _ in range(3)]
        self.run("INSERT INTO agency (id, name, uscc) VALUES ($1, '测试', '121100000000000000')", self.agency)
        for actor in self.operators:
            sql = "INSERT INTO actor (id, kind, suite, public) VALUES ($1, 'operator', 'ES256', $2)"
            self.run(sql, actor, actor.bytes)
            self.run("INSERT INTO operator VALUES ($1, '测试', 'finance')", actor)
        self.run(
            """INSERT INTO bank (code, name, iins, url, suite, public, own, ladder, layout)
               VALUES ($1, '测试', '{62}', 'http://b', 'ES256', '', '', '{}', 'x')""",
            BANK,
        )

    def run(self, sql: str, *given: object) -> list[Any]:
        found: list[Any] = self.loop.run_until_complete(self.db.fetch(sql, *given))
        return found

    def one(self, sql: str, *given: object) -> Any:
        return self.loop.run_until_complete(self.db.fetchval(sql, *given))

    def close(self) -> None:
        self.loop.run_until_complete(self.db.close())
        self.loop.close()


@pytest.fixture(scope="module")
def world(settings: Settings) -> Iterator[World]:
    made = World(str(new_database(settings).database_url))
    yield made
    made.close()


class Lines(RuleBasedStateMachine):
    """The machine; `world` is set by the test."""

    world: World
    batches: Bundle[Any] = Bundle("batches")
    lines: Bundle[Any] = Bundle("lines")

    def __init__(self) -> None:
        super().__init__()
        self.programme = new_id()
        self.payees = [new_id() for _ in range(3)]
        self.world.run(
            """INSERT INTO benefit_programme (id, name, item, agencies, components, line_limit, notice_days,
                   certified_by, certified_months, pseudonymous, created_by, fund)
               VALUES ($1, $1::uuid::text, 'A1-77', ARRAY[$2::uuid], '{x}', 1000, 0, '{}', 12, false, $2,
                       ledger_account('benefit_programme', $1::uuid::text, 'fund'))""",
            self.programme,
            self.world.agency,
        )
        self.world.run(
            """SELECT ledger_post('benefit_budget', 'benefit_budget', $1, ARRAY[
                (ledger_account('source', 'city', 'subsidy'), -100000)::account_leg,
                (ledger_account('benefit_programme', $1::uuid::text, 'fund'), 100000)::account_leg])""",
            self.programme,
        )
        self.batch: dict[Any, str] = {}
        self.round: dict[Any, int] = {}
        self.seen_by: dict[Any, list[Any]] = {}
        self.state: dict[Any, str] = {}
        self.of: dict[Any, tuple[Any, Any]] = {}
        self.said: dict[Any, str] = {}
        self.again: set[Any] = set()
        self.claims: dict[Any, tuple[Any, bool]] = {}

    @rule(target=batches)
    def open(self) -> Any:
        number = new_id()
        columns = "(id, programme, agency, period, number)"
        sql = f"INSERT INTO benefit_batch {columns} VALUES ($1, $2, $3, '2026-01', $1::uuid::text)"
        self.world.run(sql, number, self.programme, self.world.agency)
        self.batch[number], self.round[number], self.seen_by[number] = "draft", 1, []
        return number

    @rule(target=lines, batch=batches, who=st.integers(0, 2))
    def hand_in_a_line(self, batch: Any, who: int) -> Any:
        number, payee = new_id(), self.payees[who]
        sql = """
            INSERT INTO benefit_line (id, batch, n, programme, period, component, payee, amount, reference, salt)
            SELECT $1, $2, coalesce(max(n), 0) + 1, $3, '2026-01', 'x', $4, $5, '', uuid_send(gen_random_uuid())
            FROM benefit_line WHERE batch = $2 ON CONFLICT DO NOTHING RETURNING true
        """
        free = not any(of[1] == payee and self.state[line] in LIVING for line, of in self.of.items())
        if free and self.batch[batch] != "draft":
            with pytest.raises(asyncpg.PostgresError) as refusal:
                self.world.one(sql, number, batch, self.programme, payee, AMOUNT)
            assert refusal.value.sqlstate == "BN003"
            return number
        assert bool(self.world.one(sql, number, batch, self.programme, payee, AMOUNT)) == free
        if free:
            self.state[number], self.of[number] = "ready", (batch, payee)
        return number

    @rule(batch=batches)
    def submit(self, batch: Any) -> None:
        mine = self.mine(batch)
        if self.batch[batch] != "draft" or not mine:
            return
        self.world.run(
            "INSERT INTO benefit_manifest (batch, round, root, lines, total, leaves) VALUES ($1, $2, $3, $4, $5, $6)",
            batch,
            self.round[batch],
            ROOT,
            len(mine),
            len(mine) * AMOUNT,
            bytes(32 * len(mine)),
        )
        self.world.run("UPDATE benefit_batch SET state = 'notice', notice_ends_at = now() WHERE id = $1", batch)
        self.batch[batch] = "notice"

    @rule(batch=batches, level=st.integers(1, 2), who=st.integers(0, 2), right=st.integers(0, 4))
    def approve(self, batch: Any, level: int, who: int, right: int) -> None:
        by, root = self.world.operators[who], ROOT if right else b"\x02" * 32
        outcome = self.world.one("SELECT benefit_approve($1, $2, $3, $4)", batch, by, level, root)
        seen, state = self.seen_by[batch], self.batch[batch]
        if state in {"draft", "cancelled"} and (not right or state == "draft"):
            assert outcome == "not_open"
        elif not right:
            assert outcome == "stale"
        elif len(seen) >= level and seen[level - 1] == by:
            assert outcome == "again"
        elif state not in {"notice", "level1"}:
            assert outcome == "not_open"
        elif level != len(seen) + 1:
            assert outcome == "wrong_level"
        elif by in seen:
            assert outcome == "same_person"
        else:
            assert outcome == "ok"
            seen.append(by)
            self.batch[batch] = f"level{level}"

    @rule(batch=batches)
    def reject(self, batch: Any) -> None:
        outcome = self.world.one("SELECT benefit_reject($1, $2, '有误')", batch, ROOT)
        under_review = self.batch[batch] in {"notice", "level1", "level2"}
        assert outcome == ("ok" if under_review else "not_open")
        if under_review:
            self.batch[batch], self.seen_by[batch] = "draft", []
            self.round[batch] += 1

    @rule(batch=batches)
    def rush(self, batch: Any) -> None:
        """Do all that leads to a release: by chance alone few examples come so far."""
        self.submit(batch)
        self.approve(batch, 1, 0, 1)
        self.approve(batch, 2, 1, 1)
        self.release(batch, 2)

    @rule(batch=batches, who=st.integers(0, 2))
    def release(self, batch: Any, who: int) -> None:
        if self.batch[batch] == "draft":
            return
        outcome = self.world.one("SELECT benefit_release($1, $2, $3)", batch, self.world.operators[who], ROOT)
        if self.batch[batch] in {"releasing", "done", "closed"}:
            assert outcome == "again"
        elif self.batch[batch] == "level2":
            assert outcome == "ok"
            self.batch[batch] = "releasing"
        else:
            assert outcome == "not_approved" or (outcome == "stale" and self.batch[batch] == "cancelled")

    @rule(batch=batches)
    def give_up(self, batch: Any) -> None:
        outcome = self.world.one("SELECT benefit_cancel($1)", batch)
        state = self.batch[batch]
        if state in {"draft", "notice", "level1", "level2"}:
            assert outcome == "ok"
            self.batch[batch] = "cancelled"
            for line in self.mine(batch):
                self.state[line] = "cancelled"
        else:
            assert outcome == ("again" if state == "cancelled" else "not_open")

    @rule(line=lines, held=st.booleans())
    def pay(self, line: Any, held: bool) -> None:  # noqa: FBT001 - Hypothesis draws it
        if line not in self.state:
            return
        batch = self.of[line][0]
        self.world.run("UPDATE benefit_line SET due_at = now() WHERE id = $1 AND due_at IS NOT NULL", line)
        taken = {row["id"] for row in self.world.run("SELECT id FROM benefit_take($1, 100, 0)", batch)}
        due = self.batch[batch] == "releasing" and self.state[line] in {"ready", "held"}
        assert (line in taken) == due
        if held and due:
            self.world.run("SELECT benefit_hold(ARRAY[$1::uuid], '{moved}', 0)", line)
            self.state[line] = "held"
            return
        sealed = "ARRAY['\\x00'::bytea]"
        sql = f"SELECT attempt FROM benefit_send($1, ARRAY[$2::uuid], ARRAY[$3], {sealed}, {sealed})"
        sent = self.world.run(sql, batch, line, BANK)
        assert len(sent) == due
        if due:
            self.state[line], self.said[line] = "sent", "sent"

    @rule(line=lines, said=st.sampled_from(["ok", "failed", "unknown", "reversed"]))
    def hear(self, line: Any, said: str) -> None:
        attempt = self.world.one("SELECT id FROM bank_attempt WHERE subject = $1", line)
        if attempt is None:
            return
        result = self.world.one("SELECT result FROM benefit_book(ARRAY[$1::uuid], ARRAY[$2], '{c}')", attempt, said)
        was = self.said[line]
        if was in {"sent", "unknown"}:
            assert result == "booked"
            self.said[line] = said
            self.state[line] = {"ok": "paid", "unknown": "unknown"}.get(said, "returned")
        elif said in {was, "unknown"}:
            assert result == "again"
        elif (was, said) == ("ok", "reversed") and line not in self.claims:
            assert result == "booked"
            self.said[line], self.state[line] = "reversed", "returned"
        else:
            assert result == "conflict"

    @rule(target=lines, line=lines)
    def redrive(self, line: Any) -> Any:
        new = new_id()
        outcome = self.world.one("SELECT benefit_redrive($1, $2)", line, new)
        if line not in self.state:
            assert outcome == "not_found"
            return new
        batch, payee = self.of[line]
        free = not any(of[1] == payee and self.state[one] in LIVING for one, of in self.of.items())
        if line in self.again:
            assert outcome == "again"
        elif self.state[line] != "returned":
            assert outcome == "not_returned"
        elif self.batch[batch] not in OPEN:
            assert outcome == "closed"
        elif not free:
            assert outcome == "duplicate"
        else:
            assert outcome == "ok"
            self.again.add(line)
            self.state[new], self.of[new], self.batch[batch] = "ready", (batch, payee), "releasing"
        return new

    @rule(line=lines)
    def cancel_line(self, line: Any) -> None:
        outcome = self.world.one("SELECT benefit_cancel_line($1)", line)
        if line not in self.state or self.batch[self.of[line][0]] != "releasing":
            assert outcome == "not_found"
        elif self.state[line] in {"ready", "held"}:
            assert outcome == "ok"
            self.state[line] = "cancelled"
        else:
            assert outcome == ("again" if self.state[line] == "cancelled" else "not_open")

    @rule(line=lines, who=st.integers(0, 2))
    def claim_back(self, line: Any, who: int) -> None:
        by = self.world.operators[who]
        outcome = self.world.one("SELECT benefit_claw($1, $2, 40, '多发')", line, by)
        if line not in self.state:
            assert outcome == "not_found"
        elif self.state[line] != "paid":
            assert outcome == "not_paid"
        elif line not in self.claims:
            assert outcome == "proposed"
            self.claims[line] = (by, False)
        elif self.claims[line][1]:
            assert outcome == "again"
        elif self.claims[line][0] == by:
            assert outcome == "same_person"
        else:
            assert outcome == "confirmed"
            self.claims[line] = (self.claims[line][0], True)

    @rule(batch=batches, for_good=st.booleans())
    def end(self, batch: Any, for_good: bool) -> None:  # noqa: FBT001 - Hypothesis draws it
        states = {self.state[line] for line in self.mine(batch)}
        if not for_good:
            done = self.batch[batch] == "releasing" and not states & {"ready", "held", "sent", "unknown"}
            assert self.world.one("SELECT benefit_finish($1)", batch) is done
            self.batch[batch] = "done" if done else self.batch[batch]
            return
        outcome = self.world.one("SELECT benefit_close($1)", batch)
        if self.batch[batch] not in OPEN:
            assert outcome == ("again" if self.batch[batch] == "closed" else "not_open")
        elif states & {"sent", "unknown"}:
            assert outcome == "under_way"
        else:
            assert outcome == "ok"
            self.batch[batch] = "closed"
            for line in self.mine(batch):
                self.state[line] = {"ready": "cancelled", "held": "cancelled"}.get(self.state[line], self.state[line])

    def mine(self, batch: Any) -> list[Any]:
        """Return a batch's lines."""
        return [line for line, of in self.of.items() if of[0] == batch]

    @invariant()
    def the_database_says_what_the_model_does(self) -> None:
        rows = self.world.run("SELECT id, state FROM benefit_line WHERE programme = $1", self.programme)
        assert {row["id"]: row["state"] for row in rows} == self.state
        rows = self.world.run("SELECT id, state FROM benefit_batch WHERE programme = $1", self.programme)
        assert {row["id"]: row["state"] for row in rows} == self.batch

    def teardown(self) -> None:
        """Prove the ledger's invariants and those of benefits."""
        for check in (*LEDGER, *CHECKS):
            assert self.world.run(check.sql) == [], check.title.en


def test_lines_do_in_every_order_what_the_model_says(world: World) -> None:
    Lines.world = world
    run_state_machine_as_test(
        Lines,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
