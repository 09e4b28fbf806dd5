"""Paying merchants out, registering their shops, and writing statements."""

import csv
import datetime
import io
import logging
from collections.abc import Iterable
from uuid import UUID

import msgspec

from ecard.audit import store as audit
from ecard.db import Db, Pool, Row, Tx
from ecard.errors import NotFound
from ecard.ids import new_id
from ecard.runtime import Runtime
from ecard.vault import Vault
from pay.banks.attempts import Attempt
from pay.banks.bank import Answer, Outcome, Payout
from pay.banks.directory import Banks
from pay.banks.errors import BankUnknown
from pay.banks.resolver import Kind
from pay.ledger.errors import BalanceShort
from pay.ledger.service import command
from pay.merchants.service import ACCOUNT
from pay.settlements import store
from pay.settlements.errors import DayNotOver
from pay.settlements.model import cell, yesterday, yuan
from pay.settlements.schemas import FeeRequest, Settlement, Shop, ShopRequest
from pay.settlements.store import PayoutRow

SHOP_ACCOUNT = "shop.bank_account"
_HEAD = (
    "时间 time",
    "类型 kind",
    "订单号 order",
    "商户单号 out_trade_no",
    "退款单号 out_refund_no",
    "事项 item",
    "说明 subject",
    "终端 terminal",
    "门店 shop",
    "金额(分) amount in fen",
    "金额(元) amount in yuan",
)
log = logging.getLogger("pay.settlements")


async def settle(runtime: Runtime, banks: Banks, day: datetime.date, *, rehearsal: bool = False) -> list[Settlement]:
    """Pay every merchant what it was owed at the end of `day`, once; return the day's settlements.

    Booked and committed merchant by merchant before a bank is asked; an answer that does not come leaves the rest to
    the resolver. A rehearsal takes today for a day that is over. Raises DayNotOver.
    """
    last = yesterday(runtime.clock.time())
    if day > (last + datetime.timedelta(days=1) if rehearsal else last):
        raise DayNotOver
    for merchant, amount in await store.due(runtime.pool, day, rehearsal=rehearsal):
        for settlement in await _begun(runtime.pool, merchant, day, amount):
            await _pay(runtime, banks, settlement)
    return await settlements(runtime.pool, None, day, 1000)


async def _begun(pool: Pool, merchant: UUID, day: datetime.date, amount: int) -> list[UUID]:
    try:
        return await command(pool, lambda tx: store.begin_settlement(tx, merchant, day, amount))
    except BalanceShort:
        log.warning("merchant %s has less than it was owed: settled another day", merchant)
        return []


async def _pay(runtime: Runtime, banks: Banks, settlement: UUID) -> None:
    row = await store.payout_of(runtime.pool, settlement)
    if row is None:
        return
    try:
        answer = await banks.payout(row.bank, asked(runtime.vault, row))
    except BankUnknown:
        answer = Answer(Outcome.UNKNOWN, "not_connected")
    await command(runtime.pool, lambda tx: store.book(tx, row.attempt, answer.outcome.value, answer.code))


def asked(vault: Vault, row: PayoutRow) -> Payout:
    """Return what a bank is asked for: the same, by the same reference, however often."""
    account = vault.open(SHOP_ACCOUNT if row.of_shop else ACCOUNT, row.account).decode()
    return Payout(ref=row.ref, account=account, amount=row.amount, name=row.name, memo="结算")


def payouts(vault: Vault) -> Kind:
    """Return how the resolver of unknown outcomes sends a pay-out again, and books what it hears."""

    async def ask(db: Db, attempt: Attempt) -> Payout | None:
        row = await store.payout(db, attempt.id)
        return None if row is None else asked(vault, row)

    async def book(db: Db, attempt: UUID, answer: Answer, of_reversal: bool) -> None:  # noqa: FBT001 - `Kind.book`
        del of_reversal  # a pay-out is never reversed
        if await store.book(db, attempt, answer.outcome.value, answer.code) == "conflict":
            log.error("a bank contradicts itself about pay-out %s", attempt)

    return Kind(ask, book)


async def settlements(db: Db, merchant: UUID | None, day: datetime.date | None, limit: int) -> list[Settlement]:
    """Return settlements, youngest first."""
    return [msgspec.convert(dict(row), Settlement) for row in await store.settlements(db, merchant, day, limit)]


async def add_shop(tx: Tx, vault: Vault, merchant: UUID, asked_: ShopRequest, by: UUID) -> Shop:
    """Register a shop; raises NotFound (merchant or bank), ShopTerminalRefused, ShopExists."""
    if not await store.lock_merchant(tx, merchant):
        raise NotFound
    if not await store.bank_exists(tx, asked_.bank):
        raise NotFound(pointer="/bank")
    shop, sealed = new_id(), vault.seal(SHOP_ACCOUNT, asked_.bank_account.encode())
    await store.add_shop(tx, shop, merchant, asked_.name, asked_.bank, sealed, asked_.terminals)
    await audit.insert(tx, kind="shop_registered", outcome="ok", actor=by, detail={"shop": str(shop)})
    terminals = sorted(set(asked_.terminals))
    return Shop(
        id=shop, name=asked_.name, bank=asked_.bank, bank_account_tail=asked_.bank_account[-4:], terminals=terminals
    )


async def shops(db: Db, vault: Vault, merchant: UUID) -> list[Shop]:
    """Return a merchant's shops."""
    return [_shop(vault, row) for row in await store.shops(db, merchant)]


def _shop(vault: Vault, row: Row) -> Shop:
    tail = vault.open(SHOP_ACCOUNT, row["bank_account"]).decode()[-4:]
    return Shop(
        id=row["id"], name=row["name"], bank=row["bank"], bank_account_tail=tail, terminals=list(row["terminals"])
    )


async def set_fee(tx: Tx, merchant: UUID, asked_: FeeRequest, by: UUID) -> None:
    """Set what the platform keeps; raises NotFound."""
    if not await store.lock_merchant(tx, merchant):
        raise NotFound
    await store.set_fee(tx, merchant, asked_.points)
    detail: dict[str, object] = {"merchant": str(merchant), "points": asked_.points}
    await audit.insert(tx, kind="settlement_fee_set", outcome="ok", actor=by, detail=detail)


async def statement(pool: Pool, merchant: UUID, day: datetime.date) -> bytes:
    """Return a day's payments and refunds as CSV: UTF-8 with a mark, as spreadsheets of this field expect."""
    return _csv(await store.statement(pool, merchant, day)).encode("utf-8-sig")


def _csv(rows: Iterable[Row]) -> str:
    page = io.StringIO(newline="")
    writer = csv.writer(page)
    writer.writerow(_HEAD)
    for row in rows:
        *texts, amount = row.values()
        writer.writerow([*map(cell, texts), amount, yuan(amount)])
    return page.getvalue()
