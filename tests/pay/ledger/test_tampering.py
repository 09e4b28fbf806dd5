"""The books prove themselves: whatever is changed past the functions, `ecard ledger check` names it."""

import asyncio
import re
from collections.abc import Iterator

import msgspec
import pytest

from ecard.ids import new_id
from ecard.runtime import open_runtime
from ecard.settings import Settings
from pay.ledger import periods, service
from tests.bureau import new_database, rows
from tests.pay.ledger.accounts import Accounts
from tests.pay.ledger.checking import broken, checked


@pytest.fixture(scope="module")
def books(settings: Settings) -> Settings:
    """A database whose ledger has two sealed periods, an open hold, a spent one, a reversal, and unsealed legs."""
    made = new_database(settings)

    async def work() -> None:
        runtime = await open_runtime(made, pool_size=4)
        try:
            our = await Accounts.opened(runtime.pool)
            for _ in range(3):
                await our.give(our.fund, 100)
            await our.reverse(await our.give(our.fund, 7))
            await our.spend(await our.hold(our.fund, 50), (our.other, 40))
            assert await periods.seal(runtime) == 12
            await our.hold(our.fund, 10)
            await our.give(our.busy, 30)
            await service.fold(our.pool)
            await our.give(our.busy, 31)
            assert await periods.seal(runtime) == 4
            await our.give(our.fund, 1)
        finally:
            await runtime.close()

    asyncio.run(work())
    return made


@pytest.fixture
def copy(settings: Settings, books: Settings) -> Iterator[Settings]:
    """A copy of them, to be damaged."""
    name = f"copy_{new_id().hex}"
    place, _, template = str(books.database_url).rpartition("/")
    rows(settings, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield msgspec.structs.replace(books, database_url=f"{place}/{name}")
    rows(settings, f"DROP DATABASE {name}")


def tamper(copy: Settings, sql: str) -> None:
    """Change what nothing may change, as somebody does who owns the database."""
    for table in ("journal", "entry", "hot_leg", "hold", "account"):
        rows(copy, f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    rows(copy, sql)


def test_untouched_books_hold_and_say_how_much_was_proven(books: Settings) -> None:
    said = checked(books)
    assert "2 periods, 16 legs, 2 not sealed yet" in said
    assert {line.split()[0] for line in said.splitlines() if line} >= {"C1", "C2", "C3", "C8"}


ENTRY = "(account, seq) = (SELECT account, seq FROM entry ORDER BY n OFFSET 2 LIMIT 1)"
FUND = "id = (SELECT id FROM account WHERE book = 'fund')"
DAMAGE = {
    "an entry's amount": (f"UPDATE entry SET amount = amount + 1 WHERE {ENTRY}", "C1", "journal "),
    "both amounts of a journal": (
        "UPDATE entry SET amount = amount * 2 WHERE journal = (SELECT id FROM journal ORDER BY at LIMIT 1)",
        "C2",
        "entry ",
    ),
    "an appended leg": ("UPDATE hot_leg SET amount = 32 WHERE amount = 31", "C1", "1 CNY too much"),
    "an appended leg, taken away": ("DELETE FROM hot_leg WHERE amount = 31", "C1", "journal "),
    "an entry, taken away": (f"DELETE FROM entry WHERE {ENTRY}", "C1", "journal "),
    "a journal, taken away": (
        "DELETE FROM journal WHERE id = (SELECT id FROM journal ORDER BY at LIMIT 1)",
        "C1",
        "leg ",
    ),
    "a journal without legs": (
        "INSERT INTO journal (id, kind, ref_kind, ref) VALUES (ledger_id(), 'x', 'x', ledger_id())",
        "C1",
        "has no legs",
    ),
    "a running balance": (f"UPDATE entry SET balance_after = balance_after + 1 WHERE {ENTRY}", "C2", "entry "),
    "an entry's number": (
        "UPDATE entry e SET seq = e.seq + 1 FROM account a WHERE (a.id, a.seq) = (e.account, e.seq)",
        "C2",
        "entry ",
    ),
    "an account's balance": (f"UPDATE account SET balance = balance + 1 WHERE {FUND}", "C2", "account "),
    "what an account holds back": (f"UPDATE account SET held = held - 1 WHERE {FUND}", "C3", "account "),
    "a hold that was open": (
        "UPDATE hold SET state = 'voided', resolved_at = now() WHERE state = 'open'",
        "C3",
        "account ",
    ),
    "a spent hold's amount": ("UPDATE hold SET amount = 39 WHERE state = 'posted'", "C8", "hold "),
    "what a posting was for": (
        "UPDATE journal SET kind = 'other' WHERE id = (SELECT id FROM journal ORDER BY at LIMIT 1)",
        "C8",
        "period 1: altered xid=",
    ),
    "when a posting was": (
        "UPDATE journal SET at = at + interval '1 us' WHERE id = (SELECT id FROM journal ORDER BY id OFFSET 6 LIMIT 1)",
        "C8",
        "period 2: altered xid=",
    ),
    "a period's token": (
        "UPDATE ledger_period SET token = (SELECT token FROM ledger_period WHERE seq = 1) WHERE seq = 2",
        "C8",
        "period 2: seal_chain",
    ),
    "a period, taken away": ("DELETE FROM ledger_period WHERE seq = 1", "C8", "period 2: seal_chain"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_what_was_changed_is_named(copy: Settings, what: str) -> None:
    sql, code, named = DAMAGE[what]
    tamper(copy, sql)
    said = broken(copy)
    assert f"{code} does not hold" in said
    assert named in said


def test_an_entry_that_was_changed_so_that_all_sums_hold_is_named_by_its_period(copy: Settings) -> None:
    [first] = rows(copy, "SELECT id FROM journal ORDER BY at LIMIT 1")
    tamper(copy, f"UPDATE entry SET amount = amount + sign(amount) WHERE journal = '{first['id']}'")
    rows(
        copy,
        """
        UPDATE entry e SET balance_after = s.total
        FROM (SELECT account, seq, sum(amount) OVER (PARTITION BY account ORDER BY seq) AS total FROM entry) s
        WHERE (e.account, e.seq) = (s.account, s.seq)
        """,
    )
    rows(copy, "UPDATE account a SET balance = e.balance_after FROM entry e WHERE (e.account, e.seq) = (a.id, a.seq)")
    [leg] = rows(copy, "SELECT min(n) AS n FROM entry WHERE journal = $1", first["id"])
    said = broken(copy)
    assert "C8 does not hold" in said
    assert re.search(rf"period 1: altered xid=\d+ n={leg['n']}\.", said)
