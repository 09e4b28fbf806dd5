"""Generated histories of postings, holds and reversals, against a model of a few lines: no order of them breaks it."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, assume, strategies
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from ecard.ids import new_id
from ecard.settings import Settings
from pay.ledger.checks import CHECKS
from tests.bureau import new_database

EXAMPLES = 200
STEPS = 50
FLOORS = {"bank_clearing": None, "receivable": None, "fund": 0, "escrow": 0, "merchant_payable": 0}
BOOKS = list(FLOORS)
# In one round trip: what a command returns, or how it was refused, with nothing left of it; and the books after it.
ATTEMPT = """
    CREATE FUNCTION attempt(command text) RETURNS text LANGUAGE plpgsql AS $$
    DECLARE answer text;
    BEGIN
        EXECUTE 'SELECT ' || command INTO answer; RETURN answer;
    EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE;
    END $$;
    CREATE FUNCTION attempted(command text, ids uuid[], OUT answer text, OUT balances bigint[], OUT helds bigint[])
    LANGUAGE plpgsql AS $$
    BEGIN
        answer := attempt(command);
        SELECT array_agg(b.balance ORDER BY u.place), array_agg(b.held ORDER BY u.place) INTO balances, helds
            FROM unnest(ids) WITH ORDINALITY AS u (id, place) JOIN account_balance b ON b.id = u.id;
    END $$
"""
amounts = strategies.integers(-60, 60)
books = strategies.sampled_from(BOOKS)


class Books(RuleBasedStateMachine):
    """The ledger on one connection, in a transaction that is rolled back at the end, beside its model.

    Args:
        loop: Where the connection lives.
        connection: It.
    """

    journals: Any = Bundle("journals")
    holds: Any = Bundle("holds")

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: Any) -> None:
        super().__init__()
        self._loop, self._db = loop, connection
        self._transaction = connection.transaction()
        self._wait(self._transaction.start())
        owner = str(new_id())
        sql = "SELECT b, ledger_account('model', $1, b) AS id FROM unnest($2::text[]) b"
        self.ids: dict[str, UUID] = {row["b"]: row["id"] for row in self._wait(connection.fetch(sql, owner, BOOKS))}
        self.balance = dict.fromkeys(BOOKS, 0)
        self.held = dict.fromkeys(BOOKS, 0)
        self.reversed: set[str] = set()
        self.late: list[tuple[str, int]] = []
        self.found = (self.balance.copy(), self.held.copy())
        self.places = [self.ids[book] for book in BOOKS]

    def _wait(self, act: Any) -> Any:
        return self._loop.run_until_complete(act)

    def _do(self, command: str) -> str:
        row = self._wait(self._db.fetchrow("SELECT * FROM attempted($1, $2)", command, self.places))
        self.found = (dict(zip(BOOKS, row["balances"], strict=True)), dict(zip(BOOKS, row["helds"], strict=True)))
        return str(row["answer"])

    def _legs(self, legs: list[tuple[str, int]]) -> str:
        lines = ",".join(f"('{self.ids[book]}',{amount})" for book, amount in legs)
        return f"ARRAY[{lines}]::account_leg[]"

    def _fits(self, legs: list[tuple[str, int]], freed: dict[str, int] | None = None) -> bool:
        for book in BOOKS:
            floor, held = FLOORS[book], self.held[book] - (freed or {}).get(book, 0)
            if floor is not None and self.balance[book] + sum(a for b, a in legs if b == book) - held < floor:
                return False
        return True

    def _moved(self, legs: list[tuple[str, int]]) -> None:
        for book, amount in legs:
            self.balance[book] += amount

    @rule(target=journals, legs=strategies.lists(strategies.tuples(books, amounts), min_size=1, max_size=24))
    def post(self, legs: list[tuple[str, int]]) -> Any:
        left = -sum(amount for _, amount in legs)
        legs = [*legs, ("bank_clearing", left)] if left else legs
        answer = self._do(f"ledger_post('test', 'test', ledger_id(), {self._legs(legs)})")
        if len(legs) < 2:
            assert answer == "LG002"
        elif not all(amount for _, amount in legs):
            assert answer in {"LG003", "LG001"}
        elif not self._fits(legs):
            assert answer == "LG001"
        else:
            assert len(answer) == 36, answer
            self._moved(legs)
            return answer, legs
        return multiple()

    @rule(legs=strategies.lists(strategies.tuples(books, amounts.filter(bool)), min_size=2, max_size=20))
    def post_what_is_not_even(self, legs: list[tuple[str, int]]) -> None:
        if sum(amount for _, amount in legs):
            answer = self._do(f"ledger_post('test', 'test', ledger_id(), {self._legs(legs)})")
            assert answer in ({"LG002"} if self._fits(legs) else {"LG002", "LG001"})

    @rule(journal=journals)
    def reverse(self, journal: tuple[str, list[tuple[str, int]]]) -> None:
        before, legs = journal
        back = [(book, -amount) for book, amount in legs]
        answer = self._do(f"ledger_reverse('{before}')")
        if before in self.reversed:
            assert answer == "LG006"
        elif not self._fits(back):
            assert answer == "LG001"
        else:
            assert len(answer) == 36, answer
            self.reversed.add(before)
            self._moved(back)

    @rule(target=holds, book=books, amount=amounts, late=strategies.booleans())
    def hold(self, book: str, amount: int, *, late: bool) -> Any:
        until = "now() - interval '1 second'" if late else "NULL"
        answer = self._do(f"ledger_hold('{self.ids[book]}', {amount}, 'test', ledger_id(), {until})")
        if amount < 1:
            assert answer == "LG003"
        elif not self._fits([(book, -amount)]):
            assert answer == "LG001"
        else:
            assert len(answer) == 36, answer
            self.held[book] += amount
            if late:
                self.late.append((book, amount))
            return answer, book, amount, late
        return multiple()

    @rule(hold=consumes(holds), to=books, part=strategies.integers(0, 61))
    def spend(self, hold: tuple[str, str, int, bool], to: str, part: int) -> None:
        one, book, amount, late = hold
        assume(to != book)  # what is spent goes to somebody else
        answer = self._do(f"ledger_post_hold('{one}', 'test', 'test', ledger_id(), {self._legs([(to, part)])})")
        if late:
            assert answer == "LG007"
            self._void(hold)
        elif part == 0:
            assert answer == "LG003"
            self._void(hold)
        elif part > amount:
            assert answer == "LG008"
            self._void(hold)
        else:
            assert len(answer) == 36, answer
            self.held[book] -= amount
            self._moved([(book, -part), (to, part)])
            assert self._do(f"ledger_void_hold('{one}')") == "LG007"

    @rule(hold=consumes(holds))
    def void(self, hold: tuple[str, str, int, bool]) -> None:
        self._void(hold)

    def _void(self, hold: tuple[str, str, int, bool]) -> None:
        one, book, amount, late = hold
        if late:
            self.expire()
            assert self._do(f"ledger_void_hold('{one}')") == "LG007"
        else:
            assert self._do(f"ledger_void_hold('{one}')") == ""
            self.held[book] -= amount

    @rule()
    def expire(self) -> None:
        assert int(self._do("ledger_expire_holds()")) == len(self.late)
        for book, amount in self.late:
            self.held[book] -= amount
        self.late.clear()

    @rule(book=books, limit=strategies.integers(1, 9))
    def fold(self, book: str, limit: int) -> None:
        assert int(self._do(f"ledger_fold('{self.ids[book]}', {limit})")) <= limit

    @invariant()
    def the_books_are_as_the_model_has_them(self) -> None:
        assert self.found == (self.balance, self.held)
        assert sum(self.balance.values()) == 0

    def teardown(self) -> None:
        """Ask every invariant of the whole database, then forget the history."""
        for check in CHECKS:
            assert self._wait(self._db.fetchrow(check.sql)) is None, check.title
        self._wait(self._transaction.rollback())


@pytest.fixture(scope="module")
def own(settings: Settings) -> Settings:
    return new_database(settings)


def test_no_history_of_commands_breaks_the_books(own: Settings) -> None:
    loop = asyncio.new_event_loop()
    try:
        connection = loop.run_until_complete(asyncpg.connect(own.database_url))
        loop.run_until_complete(connection.execute(ATTEMPT))
        budget = hypothesis_settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        run_state_machine_as_test(lambda: Books(loop, connection), settings=budget)  # type: ignore[arg-type] # any maker will do
        loop.run_until_complete(connection.close())
    finally:
        loop.close()
