"""Generated histories of one case, against a model of a few lines: whoever does whatever in whichever order."""

import asyncio
import os
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, strategies
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from ecard.settings import Settings
from tests.bureau import new_database
from tests.ecard.cases import sql

EXAMPLES, STEPS = 200 if os.environ.get("ECARD_FULL_RACES") == "1" else 25, 50
UNDER_REVIEW = ("submitted", "accepted", "reviewed")
APPLICANT, NOBODY = 0, -1
KEYS = (1, 2, 2, 3, 4, APPLICANT, NOBODY)
"""Which person each reviewer's key is: two keys are one person's, one the applicant's, one nobody's."""
keys = strategies.integers(0, len(KEYS) - 1)


@dataclass
class Model:
    """The case as it should stand."""

    levels: int
    state: str = "submitted"
    version: int = 1
    round: int = 1
    level: int = 0
    assignee: int | None = None
    appealed: bool = False
    decided: set[int] = field(default_factory=set)
    """Who decided in this round."""
    judged: set[int] = field(default_factory=set)
    """Who approved or rejected in rounds before an appeal."""
    judging: set[int] = field(default_factory=set)
    """Who approved or rejected so far."""
    steps: int = 1

    def barred(self, key: int) -> str | None:
        """Return why a person may not decide."""
        who = KEYS[key]
        if who == NOBODY:
            return "unnamed"
        if who == APPLICANT:
            return "own"
        return "same_person" if who in self.decided or who in self.judged else None

    def may_decide(self, key: int, version: int, level: int) -> str:
        """Return what a decision is answered."""
        if version != self.version:
            return "stale"
        if self.state not in UNDER_REVIEW:
            return "not_open"
        if level != self.level + 1:
            return "wrong_level"
        if self.assignee not in (None, key):
            return "assigned"
        return self.barred(key) or "ok"

    def decide(self, key: int, decision: str) -> None:
        """Take a decision in."""
        self.decided.add(KEYS[key])
        if decision == "reject" or (decision == "approve" and self.level):
            self.judging.add(KEYS[key])
        self.level += decision == "approve"
        passed = "done" if self.level == self.levels else UNDER_REVIEW[min(self.level, 2)]
        self.state = {"approve": passed, "return": "returned", "reject": "rejected"}[decision]
        self._on()

    def may_move(self, motion: str, version: int, *, own: bool) -> str:
        """Return what a motion is answered."""
        if not own:
            return "not_found"
        if version != self.version:
            return "stale"
        late = motion == "appeal" and self.state == "rejected" and self.appealed
        allowed = {"supplement": ("returned",), "withdraw": (*UNDER_REVIEW, "returned"), "appeal": ("rejected",)}
        return "not_open" if self.state not in allowed[motion] else "late" if late else "ok"

    def move(self, motion: str) -> None:
        """Take a motion in."""
        if motion == "withdraw":
            self.state = "withdrawn"
        else:
            self.state, self.level, self.decided = "submitted", 0, set()
            self.round += 1
        if motion == "appeal":
            self.appealed, self.judged = True, set(self.judging)
        self._on()

    def may_assign(self, key: int, to: int) -> str:
        """Return what taking or handing over is answered."""
        if self.state not in UNDER_REVIEW:
            return "not_open"
        if self.assignee not in (None, key):
            return "assigned"
        barred = self.barred(to)
        return "ok" if barred == "same_person" and KEYS[to] not in self.decided else barred or "ok"

    def _on(self) -> None:
        self.version, self.assignee, self.steps = self.version + 1, None, self.steps + 1


class Case(RuleBasedStateMachine):
    """One case in a transaction of its own, which is undone at the end."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: Any) -> None:
        super().__init__()
        self._wait, self._db = loop.run_until_complete, connection
        self._transaction = connection.transaction()
        self._wait(self._transaction.start())

    @initialize(levels=strategies.integers(1, 3))
    def open(self, levels: int) -> None:
        """Open the case, with everybody who may come."""
        self.model = Model(levels)

        async def made() -> None:
            self.people = [await sql.person(self._db) for _ in range(5)]
            self.phone = await sql.phone(self._db, self.people[0])
            self.keys: list[UUID] = [
                await sql.reviewer(self._db, None if who == NOBODY else self.people[who]) for who in KEYS
            ]
            self.case = await sql.opened(self._db, self.people[0], self.phone, levels)

        self._wait(made())

    @rule(
        key=keys,
        behind=strategies.sampled_from((0, 0, 0, 0, 1)),
        beyond=strategies.sampled_from((0, 0, 0, 0, 1)),
        decision=strategies.sampled_from(("approve", "approve", "approve", "return", "reject")),
    )
    def decide(self, key: int, behind: int, beyond: int, decision: str) -> None:
        """Decide on the case, or on what it was, or at another level."""
        version, level = self.model.version - behind, min(self.model.level + 1 + beyond, 3)
        expected = self.model.may_decide(key, version, level)
        found = self._wait(sql.decide(self._db, self.case, self.keys[key], version, level, decision))
        assert found["outcome"] == expected
        if expected == "ok":
            self.model.decide(key, decision)

    @rule(
        own=strategies.sampled_from((True, True, True, False)),
        behind=strategies.sampled_from((0, 0, 0, 1)),
        motion=strategies.sampled_from(("supplement", "supplement", "appeal", "appeal", "withdraw")),
    )
    def move(self, behind: int, motion: str, *, own: bool) -> None:
        """Do what an applicant does, or somebody else."""
        version, who = self.model.version - behind, self.people[0 if own else 1]
        expected = self.model.may_move(motion, version, own=own)
        found = self._wait(sql.move(self._db, self.case, who, self.phone, version, motion))
        assert found["outcome"] == expected
        if expected == "ok":
            self.model.move(motion)

    @rule(key=keys, to=keys)
    def assign(self, key: int, to: int) -> None:
        """Take the case, or give it to somebody."""
        expected = self.model.may_assign(key, to)
        call = "SELECT case_assign($1, $2, $3, $4)"
        assert self._wait(self._db.fetchval(call, self.case, self.keys[key], self.keys[to], sql.HASH)) == expected
        if expected == "ok":
            self.model.assignee = to
            self.model.steps += 1

    @rule(key=keys)
    def comment(self, key: int) -> None:
        """Leave a note, with the case in hand or not."""
        expected = "ok" if self.model.assignee == key else "not_in_hand"
        call = "SELECT case_comment($1, $2, 'note', $3)"
        assert self._wait(self._db.fetchval(call, self.case, self.keys[key], sql.HASH)) == expected
        self.model.steps += expected == "ok"

    @invariant()
    def the_case_is_as_the_model_has_it(self) -> None:
        """Compare the whole row, the count of steps, and the chain."""
        if not hasattr(self, "case"):
            return
        query = """
            SELECT state, version, round, level, appealed IS NOT NULL, assignee, due_at IS NULL,
                   (SELECT count(*) FROM case_step WHERE case_id = id), case_intact(id) FROM case_file WHERE id = $1
        """
        one, over = self.model, self.model.state in ("done", "rejected", "withdrawn")
        holding = None if one.assignee is None else self.keys[one.assignee]
        wanted = (one.state, one.version, one.round, one.level, one.appealed, holding, over, one.steps, True)
        assert tuple(self._wait(self._db.fetchrow(query, self.case))) == wanted

    def teardown(self) -> None:
        """Forget the history."""
        self._wait(self._transaction.rollback())


@pytest.fixture(scope="module")
def own(settings: Settings) -> Settings:
    return new_database(settings)


def test_no_history_of_a_case_gets_past_its_reviewers(own: Settings) -> None:
    loop = asyncio.new_event_loop()
    try:
        connection = loop.run_until_complete(asyncpg.connect(own.database_url))
        budget = hypothesis_settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        run_state_machine_as_test(lambda: Case(loop, connection), settings=budget)  # type: ignore[arg-type] # any maker will do
        loop.run_until_complete(connection.close())
    finally:
        loop.close()
