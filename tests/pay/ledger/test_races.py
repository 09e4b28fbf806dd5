"""Many at once on the same accounts: nothing is lost, nothing is made, and nobody hears of a deadlock."""

import asyncio
import collections
import random
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import pytest

from ecard.errors import EcardError
from ecard.settings import Settings
from pay.ledger import service
from tests.bureau import new_database, rows
from tests.pay.ledger.accounts import Accounts, pool_of
from tests.pay.ledger.checking import checked

CLIENTS = 32
TRANSFERS = 6400


@pytest.fixture(scope="module")
def books(settings: Settings) -> Settings:
    """A database of its own; who waits for the disk is not what races here."""
    made = new_database(settings)
    name = str(made.database_url).rpartition("/")[2]
    rows(settings, f"ALTER DATABASE {name} SET synchronous_commit = off")
    return made


async def outcomes(acts: Sequence[Callable[[], Awaitable[object]]]) -> collections.Counter[str]:
    """Do all at once; count "ok" and the codes of refusals."""

    async def one(act: Callable[[], Awaitable[object]]) -> str:
        try:
            await act()
        except EcardError as refusal:
            return refusal.code
        return "ok"

    return collections.Counter(await asyncio.gather(*map(one, acts)))


def test_opposed_transfers_of_many_clients_surface_no_deadlock_and_conserve_the_money(books: Settings) -> None:
    seed = random.Random(20261125)

    async def work() -> tuple[collections.Counter[str], int]:
        async with pool_of(books, CLIENTS) as pool:
            many = [await Accounts.opened(pool) for _ in range(3)]
            funds = [one for our in many for one in (our.fund, our.other)]
            for fund in funds:
                await many[0].give(fund, 1000)

            async def client() -> collections.Counter[str]:
                found: collections.Counter[str] = collections.Counter()
                for _ in range(TRANSFERS // CLIENTS):
                    payer, payee = seed.sample(funds, 2)
                    amount = seed.randint(1, 300)
                    legs = ((payer, -amount), (payee, amount))
                    found += await outcomes([lambda legs=legs: many[0].post(*legs)])  # type: ignore[misc] # bound now
                return found

            counts = await asyncio.gather(*(client() for _ in range(CLIENTS)))
            total = sum([await many[0].balance(fund) for fund in funds])
            return sum(counts, collections.Counter()), total

    counts, total = asyncio.run(work())
    assert counts.keys() <= {"ok", "balance_short"}
    assert (counts.total(), total) == (TRANSFERS, 6000)
    assert counts["ok"] > TRANSFERS / 2
    [stat] = rows(books, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    assert stat["deadlocks"] == 0
    checked(books)


def test_a_busy_account_is_credited_debited_and_folded_at_once_and_nothing_is_lost(books: Settings) -> None:
    async def work() -> tuple[collections.Counter[str], int]:
        async with pool_of(books, CLIENTS) as pool:
            our = await Accounts.opened(pool)

            async def credited() -> collections.Counter[str]:
                return await outcomes([lambda: our.give(our.busy, 10)] * 20)

            async def debited() -> collections.Counter[str]:
                found = await outcomes([lambda: our.post((our.busy, -7), (our.other, 7))] * 20)
                return collections.Counter({f"debit {code}": n for code, n in found.items()})

            async def folded() -> collections.Counter[str]:
                for _ in range(10):
                    await service.fold(pool)
                return collections.Counter()

            counts = await asyncio.gather(*(act() for act in (credited, debited, folded, credited) for _ in range(5)))
            return sum(counts, collections.Counter()), await our.balance(our.busy)

    counts, balance = asyncio.run(work())
    assert counts["ok"] == 200
    assert counts.keys() <= {"ok", "debit ok", "debit balance_short"}
    assert balance == 2000 - 7 * counts["debit ok"]
    checked(books)


@pytest.mark.parametrize("what", ["spent", "voided", "reversed", "spent or voided or expired"])
def test_what_happens_once_happens_once_when_all_try(books: Settings, what: str) -> None:
    async def work() -> collections.Counter[str]:
        async with pool_of(books, CLIENTS) as pool:
            our = await Accounts.opened(pool)
            journal = await our.give(our.fund, 100)
            if what == "reversed":
                return await outcomes([lambda: our.reverse(journal)] * CLIENTS)
            held = await our.hold(our.fund, 100, seconds=60)
            ways: dict[str, Callable[[], Awaitable[object]]] = {
                "spent": lambda: our.spend(held, (our.other, 60)),
                "voided": lambda: our.void(held),
                "expired": lambda: _expired(our, held),
            }
            chosen = [ways[way] for way in what.split(" or ")]
            found = await outcomes([chosen[n % len(chosen)] for n in range(CLIENTS)])
            assert await our.available(our.fund) in {40, 100}
            return found

    counts = asyncio.run(work())
    once = {"ok": 1, ("journal_reversed" if what == "reversed" else "hold_not_open"): CLIENTS - 1}
    assert counts == once or (what.endswith("expired") and counts["ok"] >= 1)
    [held] = rows(books, "SELECT count(*) AS n FROM hold WHERE state = 'open'")
    assert held["n"] == 0
    checked(books)


async def _expired(our: Accounts, held: UUID) -> None:
    """Let a hold's time be over, and sweep."""
    await our.pool.execute("UPDATE hold SET expires_at = now() WHERE id = $1 AND state = 'open'", held)
    await service.expire_holds(our.pool)
