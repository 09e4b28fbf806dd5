"""Four eyes hold in the database itself: against statements past the application, and against many at once."""

import asyncio
import contextlib
import functools
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest

from ecard.client import cases
from ecard.settings import Settings
from tests.bureau import Bureau, new_database, outcomes
from tests.ecard.cases import sql
from tests.ecard.cases.office import reviewer

ROUNDS = 100 if os.environ.get("ECARD_FULL_RACES") == "1" else 3
REVIEWERS = 16
_STEP = """
    INSERT INTO case_step (case_id, round, kind, level, actor, evidence_sha256, request_mac)
    VALUES ($1, $2, $3, $4, $5, $6, $6)
"""


@pytest.fixture(scope="module")
def own(settings: Settings) -> Settings:
    return new_database(settings)


class Desk:
    """A case that waits for acceptance, whoever may and may not decide on it, and a connection of its own."""

    def __init__(self, db: Any) -> None:
        self.db = db

    async def prepare(self) -> "Desk":
        db = self.db
        self.applicant, self.other = await sql.person(db), await sql.person(db)
        self.phone = await sql.phone(db, self.applicant)
        self.own_key = await sql.reviewer(db, self.applicant)
        self.first, self.again = await sql.reviewer(db, self.other), await sql.reviewer(db, self.other)
        self.second, self.nobody = await sql.reviewer(db, await sql.person(db)), await sql.reviewer(db, None)
        self.counter = await sql.terminal(db)
        self.case = await sql.opened(db, self.applicant, self.phone)
        return self

    async def step(self, kind: str, level: int, by: Any, *, round_: int = 1) -> None:
        await self.db.execute(_STEP, self.case, round_, kind, level, by, sql.HASH)

    async def accept(self) -> None:
        assert (await sql.decide(self.db, self.case, self.first, 1, 1, "approve"))["outcome"] == "ok"


@contextlib.asynccontextmanager
async def desk(own: Settings) -> AsyncIterator[Desk]:
    connection = await asyncpg.connect(own.database_url)
    try:
        yield await Desk(connection).prepare()
    finally:
        await connection.close()


Past = Callable[[Desk], Any]
PAST: dict[str, tuple[str, Past]] = {
    "the next level by the same key": ("case_step_actor", lambda d: d.step("approved", 2, d.first)),
    "the next level by the same person": ("case_step_person", lambda d: d.step("approved", 2, d.again)),
    "the same level once more": ("case_step_level", lambda d: d.step("accepted", 1, d.second)),
    "a level before it was passed": ("case_step_before", lambda d: d.step("approved", 3, d.second)),
    "the applicant": ("case_step_own", lambda d: d.step("approved", 2, d.own_key)),
    "a phone": ("case_step_decider", lambda d: d.step("approved", 2, d.phone)),
    "a reviewer who is nobody": ("case_step_unnamed", lambda d: d.step("approved", 2, d.nobody)),
    "a bank that was not granted it": ("case_step_grant", lambda d: d.step("approved", 2, d.counter)),
    "another round": ("case_step_round", lambda d: d.step("approved", 2, d.second, round_=2)),
    "a level beyond the route": (
        "case_file_level",
        lambda d: d.db.execute("UPDATE case_file SET level = 2, state = 'reviewed' WHERE id = $1", d.case),
    ),
    "done without reviewers": (
        "case_file_level",
        lambda d: d.db.execute(
            "UPDATE case_file SET level = 3, state = 'done', ended_at = now(), due_at = NULL WHERE id = $1", d.case
        ),
    ),
    "refused by nobody": (
        "case_file_rejected",
        lambda d: d.db.execute(
            "UPDATE case_file SET state = 'rejected', reason = '', ended_at = now() WHERE id = $1", d.case
        ),
    ),
    "fewer levels": ("case_file_same", lambda d: d.db.execute("UPDATE case_file SET levels = 2 WHERE id = $1", d.case)),
    "another's case": (
        "case_file_same",
        lambda d: d.db.execute("UPDATE case_file SET holder = $2 WHERE id = $1", d.case, d.other.holder),
    ),
    "a relative forgotten": (
        "case_file_same",
        lambda d: d.db.execute("UPDATE case_file SET acting = $2 WHERE id = $1", d.case, d.other.holder),
    ),
    "a round begun anew": (
        "case_file_round",
        lambda d: d.db.execute("UPDATE case_file SET round = 2, level = 0, state = 'submitted' WHERE id = $1", d.case),
    ),
    "who a reviewer is": (
        "case_person_stands",
        lambda d: d.db.execute("UPDATE case_person SET holder = $2 WHERE actor = $1", d.own_key, d.other.holder),
    ),
    "a reviewer forgotten": (
        "case_person_stands",
        lambda d: d.db.execute("DELETE FROM case_person WHERE actor = $1", d.own_key),
    ),
    "a step altered": (
        "case_step_stands",
        lambda d: d.db.execute("UPDATE case_step SET actor = $2 WHERE case_id = $1", d.case, d.second),
    ),
    "a step removed": ("case_step_stands", lambda d: d.db.execute("DELETE FROM case_step WHERE case_id = $1", d.case)),
    "every step removed": ("case_step_stands", lambda d: d.db.execute("TRUNCATE case_step")),
}


@pytest.mark.parametrize("what", PAST)
def test_no_statement_gets_past_four_eyes(own: Settings, what: str) -> None:
    constraint, act = PAST[what]

    async def tried() -> str:
        async with desk(own) as found:
            await found.accept()
            with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refusal:
                await act(found)
            return str(refusal.value.constraint_name)

    assert asyncio.run(tried()) == constraint


def test_what_was_refused_comes_before_nobody_again_but_as_an_appeal(own: Settings) -> None:
    again = """
        UPDATE case_file SET state = 'submitted', round = 2, level = 0, reason = NULL, ended_at = NULL, appealed = $2
        WHERE id = $1
    """

    async def tried() -> list[str]:
        async with desk(own) as found:
            await found.accept()
            assert (await sql.decide(found.db, found.case, found.second, 2, 2, "reject"))["outcome"] == "ok"
            told = []
            for change, *more in ((again, None), ("UPDATE case_file SET appealed = 1 WHERE id = $1",)):
                with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refusal:
                    await found.db.execute(change, found.case, *more)
                told.append(str(refusal.value.constraint_name))
            await found.db.execute(again, found.case, 2)
            with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refusal:
                await found.db.execute("UPDATE case_file SET appealed = NULL WHERE id = $1", found.case)
            return [*told, str(refusal.value.constraint_name)]

    assert asyncio.run(tried()) == ["case_file_appeal"] * 3


def test_a_chain_that_a_superuser_bent_is_seen(own: Settings) -> None:
    async def bent() -> tuple[bool, bool]:
        async with desk(own) as found:
            await found.accept()
            before = await found.db.fetchval("SELECT case_intact($1)", found.case)
            async with found.db.transaction():
                await found.db.execute("SET LOCAL session_replication_role = replica")
                await found.db.execute(
                    "UPDATE case_step SET actor = $2 WHERE case_id = $1 AND level = 1", found.case, found.second
                )
            return bool(before), bool(await found.db.fetchval("SELECT case_intact($1)", found.case))

    assert asyncio.run(bent()) == (True, False)


def test_of_sixteen_reviewers_at_once_one_decides_each_level(bureau: Bureau) -> None:
    many, phone = [reviewer(bureau) for _ in range(REVIEWERS)], bureau.phone()
    for operator in many:
        operator.open()
    for _ in range(ROUNDS):
        case = cases.open_case(phone, phone.do("A1-38"))
        for level in (1, 2, 3):
            found = outcomes([functools.partial(cases.decide, one, case) for one in many])
            assert found["ok"] == 1, found
            assert found.keys() <= {"ok", "case_stale", "case_same_person"}, found
            case = cases.look(phone, case)
            assert case["level"] == level
        assert (case["state"], Counter(step["kind"] for step in case["steps"])) == (
            "done",
            Counter(opened=1, accepted=1, approved=2),
        )
