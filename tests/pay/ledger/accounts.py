"""A few accounts to post between, each test its own."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self
from uuid import UUID

from ecard import db
from ecard.db import Pool
from ecard.ids import new_id
from ecard.settings import Settings
from pay.ledger import service, store
from pay.ledger.model import Book, Leg

REF = ("test", UUID(int=1))


@contextlib.asynccontextmanager
async def pool_of(settings: Settings, size: int = 8) -> AsyncIterator[Pool]:
    """Yield a pool on the database of `settings`."""
    pool = await db.connect(settings.database_url or "", size=size)
    try:
        yield pool
    finally:
        await pool.close()


class Accounts(NamedTuple):
    """A bank's clearing without a floor, two funds that may not be overdrawn, and a merchant to whom many pay."""

    pool: Pool
    source: UUID
    fund: UUID
    other: UUID
    busy: UUID

    @classmethod
    async def opened(cls, pool: Pool) -> Self:
        """Return new accounts of new owners."""
        owner = new_id()
        books = (Book.BANK_CLEARING, Book.FUND, Book.ESCROW, Book.MERCHANT_PAYABLE)
        return cls(pool, *[await store.account(pool, "test", owner, book) for book in books])

    async def post(self, *legs: tuple[UUID, int]) -> UUID:
        """Post a journal."""
        return await service.command(self.pool, lambda tx: store.post(tx, "test", REF, [Leg(*leg) for leg in legs]))

    async def give(self, account: UUID, amount: int) -> UUID:
        """Post money from outside to an account."""
        return await self.post((self.source, -amount), (account, amount))

    async def reverse(self, journal: UUID) -> UUID:
        """Reverse a journal."""
        return await service.command(self.pool, lambda tx: store.reverse(tx, journal))

    async def hold(self, account: UUID, amount: int, *, seconds: float | None = None) -> UUID:
        """Hold an amount, until `seconds` from now."""
        until = None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds)
        return await service.command(self.pool, lambda tx: store.hold(tx, account, amount, REF, until))

    async def spend(self, hold: UUID, *to: tuple[UUID, int]) -> UUID:
        """Spend a hold."""
        legs = [Leg(*leg) for leg in to]
        return await service.command(self.pool, lambda tx: store.post_hold(tx, hold, "test", REF, legs))

    async def void(self, hold: UUID) -> None:
        """Give a hold back."""
        await service.command(self.pool, lambda tx: store.void_hold(tx, hold))

    async def balance(self, account: UUID) -> int:
        """Return an account's balance, appended legs included."""
        found = await store.balance(self.pool, account)
        assert found is not None
        return found.balance

    async def available(self, account: UUID) -> int | None:
        """Return what may go out of an account."""
        found = await store.balance(self.pool, account)
        assert found is not None
        return found.available

    async def entries(self, account: UUID) -> list[tuple[int, int, int]]:
        """Return an account's entries: number, amount, balance after."""
        sql = "SELECT seq, amount, balance_after FROM entry WHERE account = $1 ORDER BY seq"
        return [tuple(row) for row in await self.pool.fetch(sql, account)]
